#include <tenon/runtime/interop/npz.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <tenon/runtime/ops/ops.h>

#include "support/folder.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;
using test::Folder;
using testing::HasSubstr;

std::string read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<int64_t>(bytes.size()));
}

std::string error_of(const std::string& path) {
  try {
    (void)load_npz(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(path));
    return error.what();
  }
  return "";
}

NamedTensors some() {
  return {{"weight", arange(12).to(kFloat32).view({3, 4}).t()},
          {"names/with.dots", ones({2}, kBool)},
          {"scalar", full({}, 2.5, kFloat64)},
          {"none", zeros({0, 3}, kInt16)}};
}

// Between two openings the file could become another one. Only one more descriptor is to be had.
TEST(Npz, TheFileIsOpenedOnce) {
  const Folder folder;
  save_npz(folder.file(), some());
  (void)load_npz(folder.file());  // what the first use of tensors opens stays open
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(next, 0);
  ::close(next);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit tight = limit;
  tight.rlim_cur = static_cast<rlim_t>(next) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  EXPECT_NO_THROW(EXPECT_EQ(load_npz(folder.file()).size(), some().size()));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(Npz, WhatIsWrittenIsRead) {
  const Folder folder;
  for (const NpzCompression compression : {NpzCompression::kNone, NpzCompression::kDeflate}) {
    const NamedTensors written = some();
    save_npz(folder.file(), written, compression);
    const NamedTensors got = load_npz(folder.file());
    ASSERT_EQ(got.size(), written.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].first, written[i].first);
      EXPECT_EQ(got[i].second.dtype(), written[i].second.dtype());
      EXPECT_EQ(got[i].second.sizes(), written[i].second.sizes());
      EXPECT_EQ(got[i].second.to_vector<double>(), written[i].second.to_vector<double>());
    }
  }
}

TEST(Npz, CompressionMakesFilesSmallerAndFilesRepeat) {
  const Folder folder;
  const NamedTensors zero = {{"zero", zeros({10000})}};
  save_npz(folder.file("plain.npz"), zero);
  save_npz(folder.file("packed.npz"), zero, NpzCompression::kDeflate);
  save_npz(folder.file("again.npz"), zero, NpzCompression::kDeflate);
  EXPECT_GT(fs::file_size(folder.file("plain.npz")), 40000u);
  EXPECT_LT(fs::file_size(folder.file("packed.npz")), 2000u);
  EXPECT_EQ(read(folder.file("packed.npz")), read(folder.file("again.npz")));
}

TEST(Npz, NamesAndDtypesThatDoNotFitLeaveNothing) {
  const Folder folder;
  const Tensor x = ones({2});
  EXPECT_THROW(save_npz(folder.file(), {{"a", x}, {"a", x}}), Error);
  EXPECT_THROW(save_npz(folder.file(), {{"", x}}), Error);
  EXPECT_THROW(save_npz(folder.file(), {{"a", Tensor()}}), Error);
  EXPECT_THROW(save_npz(folder.file(), {{"a", x}, {"b", x.to(kBFloat16)}}), Error);
  EXPECT_EQ(folder.count(), 0);
}

TEST(Npz, AFolderThatIsMissingIsNamed) {
  const Folder folder;
  try {
    save_npz(folder.file("no/where.npz"), some());
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no/where.npz"));
  }
}

TEST(Npz, WhatIsNoArchiveIsRefused) {
  const Folder folder;
  write(folder.file(), "");
  EXPECT_THAT(error_of(folder.file()), HasSubstr("no zip archive"));
  write(folder.file(), std::string(1000, 'x'));
  EXPECT_THAT(error_of(folder.file()), HasSubstr("no zip archive"));
  EXPECT_THAT(error_of(folder.file("absent.npz")), HasSubstr("can't be opened"));
}

// Every shortened file, and every file with one byte changed, gives an error or the same arrays in
// other bytes; memory is never asked for beyond the file's own measure.
TEST(Npz, DamagedArchivesAreRefusedOrHarmless) {
  const Folder folder;
  save_npz(folder.file(), some(), NpzCompression::kDeflate);
  const std::string whole = read(folder.file());
  const size_t all_but_comment = whole.size() - 2;  // what the last two bytes say is not needed
  for (size_t length = 0; length < all_but_comment; length += 7) {
    write(folder.file(), whole.substr(0, length));
    EXPECT_NE(error_of(folder.file()), "") << length << " of " << whole.size() << " bytes";
  }
  int refused = 0;
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x5a);
    write(folder.file(), changed);
    refused += error_of(folder.file()).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size() / 6));
}

TEST(Npz, AnEntryThatClaimsMoreThanItCanHoldIsRefused) {
  const Folder folder;
  save_npz(folder.file(), {{"zero", zeros({1000})}}, NpzCompression::kDeflate);
  std::string bytes = read(folder.file());
  const size_t entry = bytes.rfind("PK\x01\x02");
  ASSERT_NE(entry, std::string::npos);
  for (size_t i = 0; i < 4; ++i) bytes[entry + 24 + i] = '\x7f';  // the size unpacked
  write(folder.file(), bytes);
  EXPECT_THAT(error_of(folder.file()), HasSubstr("claims"));
}

}  // namespace
}  // namespace tenon
