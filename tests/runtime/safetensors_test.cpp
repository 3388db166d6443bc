#include <tenon/runtime/interop/safetensors.h>

#include <tenon/runtime/ops/creation.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"

namespace tenon {
namespace {

using test::Folder;
namespace fs = std::filesystem;

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<int64_t>(bytes.size()));
}

std::string read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

std::string error_of(const std::string& path) {
  try {
    (void)load_safetensors(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Safetensors, RoundTripsEveryDtype) {
  const Folder folder;
  NamedTensors tensors;
  for (const DType dtype : kAllDTypes)
    tensors.emplace_back(std::string(name(dtype)), tensor({0., 1., 3., 117.}).to(dtype));
  save_safetensors(folder.file(), tensors);
  const SafetensorsFile loaded = load_safetensors(folder.file());
  ASSERT_EQ(loaded.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded.tensors[i].first, tensors[i].first);
    EXPECT_EQ(loaded.tensors[i].second.dtype(), tensors[i].second.dtype());
    EXPECT_EQ(loaded.tensors[i].second.to_vector<double>(), tensors[i].second.to_vector<double>());
  }
}

TEST(Safetensors, RoundTripsViewsScalarsAndEmptyTensors) {
  const Folder folder;
  const Tensor base = arange(24, kInt64).view({2, 3, 4});
  const NamedTensors tensors = {{"transposed", base.transpose(0, 2)},
                                {"step", base.slice(2, 0, 4, 2)},
                                {"expanded", base.select(0, 1).unsqueeze(0).expand({5, 3, 4})},
                                {"scalar", base.select(0, 0).select(0, 0).select(0, 3)},
                                {"empty", empty({0, 7}, kFloat32)}};
  save_safetensors(folder.file(), tensors);
  const NamedTensors loaded = load_safetensors(folder.file()).tensors;
  ASSERT_EQ(loaded.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded[i].second.sizes(), tensors[i].second.sizes()) << tensors[i].first;
    EXPECT_EQ(loaded[i].second.to_vector<int64_t>(), tensors[i].second.to_vector<int64_t>())
        << tensors[i].first;
  }
}

TEST(Safetensors, KeepsMetadataAndNamesInOrder) {
  const Folder folder;
  const Metadata metadata = {{"format", "pt"}, {"naïve \"key\"\n", ""}};
  save_safetensors(folder.file(), {{"z", ones({1})}, {"a", ones({2})}, {"ü.weight", ones({3})}},
                   metadata);
  const SafetensorsFile loaded = load_safetensors(folder.file());
  EXPECT_EQ(loaded.metadata, metadata);
  ASSERT_EQ(loaded.tensors.size(), 3u);
  EXPECT_EQ(loaded.tensors[0].first, "z");
  EXPECT_EQ(loaded.tensors[2].first, "ü.weight");
}

TEST(Safetensors, WritesAlignedDataAfterAnEightByteLength) {
  const Folder folder;
  save_safetensors(folder.file(), {{"b", tensor<uint8_t>({7})}, {"a", tensor<float>({1.f})}});
  const std::string bytes = read(folder.file());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_EQ(bytes.size(), 8 + length + 5);
  EXPECT_EQ(bytes.substr(8, length).find(
                R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"a":{"dtype":"F32")"),
            0u);
  EXPECT_EQ(bytes.back(), '\7');
}

TEST(Safetensors, ReadsTheEmptyFileAndBoolBytesOtherThanOne) {
  const Folder folder;
  save_safetensors(folder.file(), {});
  EXPECT_TRUE(load_safetensors(folder.file()).tensors.empty());
  std::string bytes = file_of(R"({"m":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  bytes.back() = '\x80';
  write(folder.file(), bytes);
  EXPECT_EQ(load_safetensors(folder.file()).tensors[0].second.to_vector<int64_t>(),
            (std::vector<int64_t>{1, 1}));
}

struct Hostile {
  const char* header;
  size_t data_bytes;
  const char* expected;
};

const Hostile kHostile[] = {
    {"[]", 0, "must begin with {"},
    {"", 0, "must begin with {"},
    {"{", 0, "no valid JSON"},
    {"{}x", 0, "no valid JSON"},
    {"{}", 3, "the tensors end at byte 0, the data at 3"},
    {"{\"a\xff\":{}}", 0, "no valid JSON"},
    {R"({"a":1})", 0, "expected {name"},
    {R"({"a":null})", 0, "expected {name"},
    {R"({"a":{"dtype":"F32","shape":[1]}})", 4, "lacks one of"},
    {R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4, "dtype F33"},
    {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "negative"},
    {R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4, "64-bit integer"},
    {R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4, "a list"},
    {R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,4]}})", 4, "nested object"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "[begin, end]"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "[begin, end]"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8, "does not fill"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4, "ends at byte 8"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "a hole"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "unknown field"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}})", 4, "twice"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
     R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
     2, "\"a\" twice"},
    {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
     R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
     3, "an overlap"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
     R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
     3, "a hole"},
    {R"({"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8,
     "does not fill"},
    {R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}})", 1,
     "impossible size"},
    {R"({"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}})", 1,
     "64-bit integer"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}})", 1,
     "does not fill"},
    {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1, "more than 8"},
    {R"({"__metadata__":{"a":1}})", 0, "a number"},
    {R"({"__metadata__":{"a":{}}})", 0, "nested object"},
    {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
    {R"({"__metadata__":"a"})", 0, "a text"},
};

TEST(Safetensors, RefusesHostileHeaders) {
  const Folder folder;
  for (const Hostile& row : kHostile) {
    write(folder.file(), file_of(row.header, row.data_bytes));
    EXPECT_NE(error_of(folder.file()).find(row.expected), std::string::npos)
        << row.header << "\n  gave " << error_of(folder.file());
  }
}

TEST(Safetensors, RefusesDeepNestingWithoutRecursion) {
  const Folder folder;
  write(folder.file(), file_of("{\"a\":" + std::string(1'000'000, '['), 0));
  EXPECT_NE(error_of(folder.file()).find("a list"), std::string::npos);
}

TEST(Safetensors, RefusesLyingHeaderLengths) {
  const Folder folder;
  const std::string good = file_of("{}", 0);
  for (const uint64_t length : {uint64_t{3}, uint64_t{100'000'001}, ~uint64_t{0}, ~uint64_t{7}}) {
    std::string bytes = good;
    std::memcpy(bytes.data(), &length, 8);
    write(folder.file(), bytes);
    EXPECT_NE(error_of(folder.file()).find("claims a header"), std::string::npos) << length;
  }
}

TEST(Safetensors, RefusesAFileCutAtAnyByte) {
  const Folder folder;
  save_safetensors(folder.file(), {{"a", ones({3})}, {"b", tensor<uint8_t>({1, 2})}});
  const std::string bytes = read(folder.file());
  for (size_t size = 0; size < bytes.size(); ++size) {
    write(folder.file("cut"), bytes.substr(0, size));
    EXPECT_NE(error_of(folder.file("cut")), "no error") << size << " bytes";
  }
}

TEST(Safetensors, SurvivesChangedBytes) {
  const Folder folder;
  save_safetensors(folder.file(), {{"a", ones({3})}, {"b", tensor<uint8_t>({1, 2})}});
  const std::string good = read(folder.file());
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char value : std::string("\0\"9{\xff", 5)) {
      std::string bytes = good;
      bytes[i] = value;
      write(folder.file("changed"), bytes);
      try {
        (void)load_safetensors(folder.file("changed"));
      } catch (const Error&) {
        // Anything but an Error is a failure.
      }
    }
  }
}

TEST(Safetensors, MissingFileAndFolderAreIoErrors) {
  const Folder folder;
  EXPECT_NE(error_of(folder.file("none")).find("can't be opened"), std::string::npos);
  EXPECT_NE(error_of(fs::path(folder.file()).parent_path()).find("regular file"),
            std::string::npos);
  EXPECT_THROW(save_safetensors(folder.file("none/a"), {{"a", ones({1})}}), Error);
}

TEST(Safetensors, AFailedSaveLeavesTheOldFileAndNothingElse) {
  const Folder folder;
  write(folder.file(), "old");
  const NamedTensors twice = {{"a", ones({1})}, {"a", ones({1})}};
  EXPECT_THROW(save_safetensors(folder.file(), twice), Error);
  EXPECT_THROW(save_safetensors(folder.file(), {{"a", Tensor()}}), Error);
  EXPECT_THROW(save_safetensors(folder.file(), {{"__metadata__", ones({1})}}), Error);
  EXPECT_THROW(save_safetensors(folder.file(), {{"\xff", ones({1})}}), Error);
  EXPECT_EQ(read(folder.file()), "old");
  EXPECT_EQ(folder.count(), 1);
  fs::create_directory(folder.file("taken"));
  EXPECT_THROW(save_safetensors(folder.file("taken"), {{"a", ones({1})}}), Error);
  EXPECT_EQ(folder.count(), 2);
}

}  // namespace
}  // namespace tenon
