// TENON_DEVICE and the plugin search, as the operator of somebody else's program meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Environment = std::map<std::string, std::string>;

Outcome tour(const Environment& environment) {
  return run({.arguments = {program("01_tensor_tour")}, .environment = environment});
}

// Ends by itself with a message: no crash, no hang.
void expect_refused(const Outcome& outcome) {
  EXPECT_GT(outcome.exit_code, 0) << outcome.describe();
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_LT(outcome.err.size(), 20000u) << "a message for people";
}

const std::string kPlugins = TENON_BUILD_FOLDER "/lib/tenon";

bool has_cuda_plugin() { return std::filesystem::exists(kPlugins + "/tenon_cuda.so"); }
bool has_nvidia_driver() { return std::filesystem::exists("/dev/nvidiactl"); }

TEST(DeviceChoice, APluginWithoutADeviceSaysWhy) {
  if (!has_cuda_plugin() || has_nvidia_driver()) GTEST_SKIP() << "cuda is not built, or has a GPU";
  const Outcome outcome = tour({{"TENON_DEVICE", "cuda"}});
  expect_refused(outcome);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cuda has no device"), HasSubstr("no CUDA driver"),
                                 HasSubstr("libcuda.so.1"), HasSubstr("TENON_CUDA_DRIVER")));
}

TEST(DeviceChoice, AMissingPluginListsWhatWasSearchedAndFound) {
  if (has_cuda_plugin()) GTEST_SKIP() << "cuda is built here";
  const Outcome outcome = tour({{"TENON_DEVICE", "cuda"}});
  expect_refused(outcome);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cuda"), HasSubstr("searched for plugins"),
                                 HasSubstr(kPlugins), HasSubstr("/usr/local/lib/tenon"),
                                 HasSubstr("tenon_opaque.so"), HasSubstr("tenon_reference.so")));
}

TEST(DeviceChoice, AnOptionalEntryIsSkippedAndSaidOnce) {
  if (has_cuda_plugin() && has_nvidia_driver()) GTEST_SKIP() << "cuda may be usable here";
  const Outcome outcome = tour({{"TENON_DEVICE", "cuda?,cpu"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_EQ(count(outcome.err, "skipped cuda"), 1u) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr(" on cpu"));
}

TEST(DeviceChoice, AnUnknownNameIsRefusedWithTheKnownOnes) {
  const Outcome outcome = tour({{"TENON_DEVICE", "nosuchthing"}});
  expect_refused(outcome);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("nosuchthing"), HasSubstr("known are"), HasSubstr("cpu"),
                                 HasSubstr("opaque"), HasSubstr("reference")));
}

TEST(DeviceChoice, NothingUsableNamesEveryCandidate) {
  const Outcome outcome = tour({{"TENON_DEVICE", "nosuchthing?, opaque:7?"}});
  expect_refused(outcome);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("nosuchthing:"), HasSubstr("there is no opaque:7")));
}

TEST(DeviceChoice, EmptyMeansCpu) {
  for (const char* value : {"", " ", "\t "}) {
    const Outcome outcome = tour({{"TENON_DEVICE", value}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    EXPECT_THAT(outcome.out, HasSubstr(" on cpu"));
  }
}

TEST(DeviceChoice, MalformedListsAreRefused) {
  for (const char* value : {"cpu,", ",cpu", "?", "cuda??", "opaque:", "opaque:x", "opaque:-1",
                            "opaque:99999999999999999999", "UPPER", "a b", "../cpu", "/lib/x.so",
                            "cpu;opaque", "%s%n", "\x1b[31mred", "cpu:0:0"}) {
    const Outcome outcome = tour({{"TENON_DEVICE", value}});
    expect_refused(outcome);
    EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b"))) << "control characters are not repeated";
  }
}

// Linux lets one string of the environment be 128 KiB long; a list of many entries then.
TEST(DeviceChoice, AHugeValueIsRefusedShortly) {
  const std::string huge(120'000, 'a');
  expect_refused(tour({{"TENON_DEVICE", huge}}));
  std::string list;
  for (int i = 0; i < 20'000; ++i) list += "none?,";
  list += "cpu";
  const Outcome outcome = tour({{"TENON_DEVICE", list}});
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.exit_code;
  EXPECT_EQ(count(outcome.err, "skipped none"), 1u);
}

TEST(DeviceChoice, AnIndexPicksOneOfSeveral) {
  const Outcome second = tour({{"TENON_DEVICE", "opaque:1"}});
  EXPECT_EQ(second.exit_code, 0) << second.describe();
  EXPECT_THAT(second.out, HasSubstr(" on opaque:1"));
  const Outcome eighth = tour({{"TENON_DEVICE", "opaque:7"}});
  expect_refused(eighth);
  EXPECT_THAT(eighth.err, AllOf(HasSubstr("there is no opaque:7"), HasSubstr("opaque has ")));
}

TEST(DeviceChoice, SeveralDevicesLiveAtOnce) {
  const Outcome outcome = run({.arguments = {program("integration_all_devices"), "cpu", "opaque:0",
                                             "opaque:1", "reference"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("320 moves between 4 devices"));
}

TEST(DeviceChoice, TwoVendorsAndCpuLiveInOneProgram) {
  const Outcome outcome =
      run({.arguments = {program("integration_all_devices"), "cpu", "plain", "other_vendor"},
           .environment = {{"TENON_PLUGIN_PATH", TENON_THIRD_PARTY_FOLDER ":" + kPlugins}}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("180 moves between 3 devices"));
}

// ---- the plugin search ----

TEST(PluginSearch, RelativeAndEmptyPathElementsAreRefusedAndSaid) {
  for (const char* path : {"lib/tenon", ".", "..", "../lib/tenon", ":", "/nonexistent:"}) {
    const Outcome outcome = run({.arguments = {program("01_tensor_tour")},
                                 .environment = {{"TENON_PLUGIN_PATH", path}},
                                 .folder = TENON_BUILD_FOLDER});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("TENON_PLUGIN_PATH"), HasSubstr("refused")));
  }
  const Outcome file = run({.arguments = {program("01_tensor_tour")},
                            .environment = {{"TENON_PLUGIN_FILES", "lib/tenon/tenon_opaque.so"}},
                            .folder = TENON_BUILD_FOLDER});
  EXPECT_THAT(file.err, AllOf(HasSubstr("TENON_PLUGIN_FILES"), HasSubstr("refused")));
}

TEST(PluginSearch, TheWorkingFolderIsNeverSearched) {
  const ScratchFolder folder;
  std::filesystem::copy(kPlugins + "/tenon_opaque.so", folder.path("tenon_copy.so"));
  std::filesystem::create_directory(folder.path("tenon"));
  std::filesystem::copy(kPlugins + "/tenon_opaque.so", folder.path("tenon/tenon_copy.so"));
  const Outcome outcome = run({.arguments = {program("01_tensor_tour")},
                               .environment = {{"TENON_DEVICE", "copy"}},
                               .folder = folder.path()});
  expect_refused(outcome);
  EXPECT_THAT(outcome.err, Not(HasSubstr(folder.path())));
}

TEST(PluginSearch, FoldersThatAnyoneMayWriteAreRefused) {
  const ScratchFolder folder;
  std::filesystem::copy(kPlugins + "/tenon_opaque.so", folder.path());
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  const Outcome outcome = tour({{"TENON_DEVICE", "opaque"}, {"TENON_PLUGIN_PATH", folder.path()}});
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(folder.path()), HasSubstr("refused")));
  EXPECT_EQ(outcome.exit_code, 0) << "the one beside the runtime serves\n" << outcome.describe();
}

TEST(PluginSearch, FilesThatAnyoneMayWriteAreRefused) {
  const ScratchFolder folder;
  const std::string file = folder.path("tenon_opaque.so");
  std::filesystem::copy(kPlugins + "/tenon_opaque.so", file);
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  const Outcome outcome = tour({{"TENON_DEVICE", "opaque"}, {"TENON_PLUGIN_FILES", file}});
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(file), HasSubstr("refused"), HasSubstr("writ")));
}

TEST(PluginSearch, FilesThatAreNoPluginsAreRefused) {
  const ScratchFolder folder;
  write_text(folder.path("tenon_text.so"), "this is no library\n");
  write_text(folder.path("tenon_empty.so"), "");
  std::filesystem::create_directory(folder.path("tenon_folder.so"));
  ASSERT_EQ(::mkfifo(folder.path("tenon_fifo.so").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", folder.path("tenon_dangling.so"));
  for (const std::string name : {"text", "empty", "folder", "fifo", "dangling"}) {
    const Outcome outcome = tour({{"TENON_DEVICE", name}, {"TENON_PLUGIN_PATH", folder.path()}});
    expect_refused(outcome);
    EXPECT_THAT(outcome.err, HasSubstr("tenon_" + name + ".so")) << outcome.describe();
  }
}

TEST(PluginSearch, TheFirstOfANameWins) {
  const ScratchFolder folder;
  std::filesystem::copy(kPlugins + "/tenon_opaque.so", folder.path());
  const Outcome outcome = run({.arguments = {program("tenon"), "doctor"},
                               .environment = {{"TENON_PLUGIN_PATH", folder.path()}}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(folder.path("tenon_opaque.so")), HasSubstr("shadowed")));
}

}  // namespace
}  // namespace tenon::integration
