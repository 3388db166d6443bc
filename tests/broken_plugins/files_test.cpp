// Files that are no plugin, or were spoilt on the way: judged by their bytes, never by dlopen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>

#include <tenon/runtime/loader/plugin.h>

#include "scratch.h"

namespace tenon {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using tests::Scratch;

LoadRecord record_of_attempt(const std::string& path) {
  static_cast<void>(known_plugin_types());  // scans, so that the attempt's record is the last
  EXPECT_THROW(load_plugin_file(path), Error) << path;
  return load_records().back();
}

void expect_refused(const std::string& path, const char* stage, const char* detail) {
  const LoadRecord record = record_of_attempt(path);
  EXPECT_EQ(record.stage, stage) << record.detail;
  EXPECT_EQ(record.verdict, "refused");
  EXPECT_THAT(record.detail, HasSubstr(detail));
}

std::string good_bytes() { return tests::read_bytes(tests::broken_plugin("good")); }

template <class T>
std::string with_value(std::string bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

TEST(PluginFile, TextAndEmptyFilesAreNoElf) {
  const Scratch scratch;
  expect_refused(scratch.write("tenon_empty.so", ""), "note", "the file is empty");
  expect_refused(scratch.write("tenon_text.so", "hello"), "note", "not an ELF file: 5 bytes");
  expect_refused(scratch.write("tenon_long_text.so", std::string(5000, 'x')), "note",
                 "not an ELF file");
}

TEST(PluginFile, AnotherMachineIsNamed) {
  const Scratch scratch;
  const std::string good = good_bytes();
  const std::string machine = with_value<uint16_t>(good, offsetof(Elf64_Ehdr, e_machine), EM_S390);
  expect_refused(scratch.write("tenon_machine.so", machine), "note", "got 22");
  const std::string bits = with_value<uint8_t>(good, EI_CLASS, ELFCLASS32);
  expect_refused(scratch.write("tenon_bits.so", bits), "note", "expected a 64-bit ELF file");
  const std::string type = with_value<uint16_t>(good, offsetof(Elf64_Ehdr, e_type), ET_REL);
  expect_refused(scratch.write("tenon_type.so", type), "note", "not a shared object");
}

TEST(PluginFile, WildProgramHeadersAreRefused) {
  const Scratch scratch;
  const std::string good = good_bytes();
  const std::string far = with_value<uint64_t>(good, offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 8);
  expect_refused(scratch.write("tenon_far.so", far), "note", "program headers lie behind its end");
  const std::string many = with_value<uint16_t>(good, offsetof(Elf64_Ehdr, e_phnum), 0xffff);
  expect_refused(scratch.write("tenon_many.so", many), "note", "65535 program headers");
  const std::string odd = with_value<uint16_t>(good, offsetof(Elf64_Ehdr, e_phentsize), 1);
  expect_refused(scratch.write("tenon_odd.so", odd), "note", "of 1 bytes");
}

// Where the last segment ends; sections of debuggers alone come behind.
size_t loaded_bytes(const std::string& elf) {
  Elf64_Ehdr header;
  std::memcpy(&header, elf.data(), sizeof header);
  size_t end = 0;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, elf.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD) end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

// Every cut is refused before dlopen, which would die of SIGBUS on some of them.
TEST(PluginFile, EveryTruncationIsRefused) {
  const Scratch scratch;
  const std::string good = good_bytes();
  const size_t end = loaded_bytes(good);
  ASSERT_GT(end, 10'000u);
  for (size_t size = 0; size < end; size += 97) {
    const LoadRecord record =
        record_of_attempt(scratch.write("tenon_good_cut.so", good.substr(0, size)));
    EXPECT_EQ(record.stage, "note") << size;
    EXPECT_THAT(record.detail, AnyOf(HasSubstr("ELF"), HasSubstr("empty"))) << size;
  }
}

// One flipped byte in the headers and the notes: whatever it does, the answer is a record.
TEST(PluginFile, AFlippedByteNeverCrashesTheCheck) {
  const Scratch scratch;
  const std::string good = good_bytes();  // under another name than its note's: never loaded
  for (size_t at = 0; at < 1024; ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(~bytes[at]);
    scratch.write("tenon_spare.so", bytes);
    try {
      load_plugin_file(scratch.path("tenon_spare.so"));
      ADD_FAILURE() << "loaded with byte " << at << " flipped";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("was refused at note: ")) << at;
    }
  }
}

TEST(PluginFile, WritableByEverybodyIsRefused) {
  const Scratch scratch;
  const std::string path = scratch.copy("good", "tenon_spare.so");
  ::chmod(path.c_str(), 0777);
  expect_refused(path, "check", "the file is writable by everybody");
}

TEST(PluginFile, AFolderWritableByEverybodyIsRefused) {
  const Scratch scratch;
  const std::string folder = scratch.make_folder("open");
  const std::string path = scratch.copy("good", "open/tenon_spare.so");
  ::chmod(folder.c_str(), 01777);
  expect_refused(path, "check", "the folder is writable by everybody");
  const std::string inner = scratch.make_folder("open/inner");
  const std::string deeper = scratch.copy("good", "open/inner/tenon_spare.so");
  ::chmod(folder.c_str(), 0777);
  expect_refused(deeper, "check", "the folder above it");
}

TEST(PluginFile, AnotherOwnerIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const Scratch scratch;
  const std::string path = scratch.copy("good", "tenon_spare.so");
  if (::chown(path.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "this root cannot";
  expect_refused(path, "check", "owned by user 12345");
}

TEST(PluginFile, FoldersAndPipesAreNoRegularFiles) {
  const Scratch scratch;
  expect_refused(scratch.make_folder("tenon_folder.so"), "check", "not a regular file");
  const std::string pipe = scratch.path("tenon_pipe.so");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_refused(pipe, "check", "not a regular file");
}

}  // namespace
}  // namespace tenon
