// Each broken plugin is loaded in this process: the record names the stage, the verdict and the
// cause.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <tenon/runtime/loader/plugin.h>

#include "scratch.h"

namespace tenon {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Expectation {
  const char* plugin;
  const char* stage;
  const char* verdict;
  const char* detail;  // a part of it
};

void PrintTo(const Expectation& expectation, std::ostream* out) { *out << expectation.plugin; }

constexpr Expectation kExpectations[] = {
    {"no_note", "note", "refused", "no Tenon note in the file"},
    {"two_notes", "note", "refused", "more than one Tenon note"},
    {"bad_name", "note", "refused", "must be [a-z0-9_]{1,32}, got \"Bad-Name\""},
    {"file_name", "note", "refused", "must be called tenon_another_name.so"},
    {"alien_major", "note", "refused", "speaks ABI majors 7 to 9, this runtime 1 to 1"},
    {"new_host_minor", "note", "refused", "needs minor 5 of ABI major 1"},
    {"backward_range", "note", "refused", "malformed ABI versions"},
    {"no_entry", "open", "refused", "no symbol tn_plugin_entry"},
    {"undefined_symbol", "open", "failed", "tenon_test_function_nobody_has"},
    {"wrong_magic", "negotiate", "refused", "wrong magic number"},
    {"lying_note", "negotiate", "refused", "speaks ABI majors 9 to 9"},
    {"name_mismatch", "negotiate", "refused", "name is \"[31mred\""},
    {"endless_name", "negotiate", "refused", "name has 18446744073709551615 bytes"},
    {"short_descriptor", "negotiate", "refused", "name is \"\""},
    {"long_descriptor", "negotiate", "refused", "says 4096 bytes"},
    {"unknown_flags", "negotiate", "refused", "flags this runtime must understand"},
    {"layer", "negotiate", "refused", "wraps another plugin"},
    {"no_open", "negotiate", "refused", "has no open function"},
    {"entry_fails", "negotiate", "refused", "answered VERSION_MISMATCH to a host of ABI majors 1"},
    {"throw_in_entry", "negotiate", "failed",
     "exception through the C boundary: thrown on purpose"},
    {"throw_in_open", "start", "failed", "open let an exception through the C boundary"},
    {"open_fails", "start", "failed", "open answered INTERNAL: [31mno driver ?AAAA"},
    {"unknown_status", "start", "failed", "open answered status 77"},
    {"null_handle", "start", "failed", "OK with a NULL handle"},
    {"null_slots", "tables", "refused", "slots of \"core\" are NULL: device_open, upload"},
    {"null_kernel_slots", "tables", "refused", "slots of \"ops\" are NULL: launch"},
    {"short_table", "tables", "refused", "\"core\" has 64 bytes, expected at least 168"},
    {"table_flags", "tables", "refused", "\"ops\" has flags this runtime must understand"},
    {"table_version", "tables", "refused", "\"ops\" is version 2, this runtime knows 1"},
    {"no_ops", "tables", "refused",
     "no table \"ops\", which is required: UNSUPPORTED: kernels are"},
    {"null_table", "tables", "refused", "OK with a NULL table"},
    {"many_devices", "devices", "refused", "answered 4294967295 devices"},
    {"count_fails", "devices", "failed", "answered TIMEOUT: the bus did not answer"},
};

LoadRecord last_record(const std::string& path) {
  LoadRecord found;
  for (const LoadRecord& record : load_records()) {
    if (record.path == path) found = record;
  }
  return found;
}

class BrokenPlugin : public testing::TestWithParam<Expectation> {};

TEST_P(BrokenPlugin, IsRefusedWithItsCause) {
  const Expectation& expected = GetParam();
  const std::string path = tests::broken_plugin(expected.plugin);
  try {
    load_plugin_file(path);
    FAIL() << path << " was loaded";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kDevice);
    EXPECT_THAT(e.what(), HasSubstr(expected.detail));
    EXPECT_THAT(e.what(), HasSubstr(path));
  }
  const LoadRecord record = last_record(path);
  EXPECT_EQ(record.stage, expected.stage);
  EXPECT_EQ(record.verdict, expected.verdict);
  EXPECT_THAT(record.detail, HasSubstr(expected.detail));
  EXPECT_EQ(record.origin, "program");
  EXPECT_LE(record.detail.size(), 600u);
  for (const char c : record.detail) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

INSTANTIATE_TEST_SUITE_P(Load, BrokenPlugin, testing::ValuesIn(kExpectations),
                         [](const auto& parameter) { return std::string(parameter.param.plugin); });

TEST(LoadPlugin, MissingOptionalSlotsAnswerUnimplemented) {
  Plugin& plugin = load_plugin_file(tests::broken_plugin("good"));
  EXPECT_EQ(plugin.name, "good");
  EXPECT_EQ(plugin.version, "1.2.3");
  EXPECT_EQ(plugin.device_count, 1u);
  EXPECT_EQ(plugin.dlpack_device_type, TN_DLPACK_EXT);
  EXPECT_EQ(plugin.optional_slots, 0u);
  uint64_t bytes = 7;
  EXPECT_EQ(plugin.core.device_budget(nullptr, &bytes, &bytes), TN_UNIMPLEMENTED);
  EXPECT_EQ(plugin.core.buffer_host(nullptr, nullptr), TN_UNIMPLEMENTED);
  EXPECT_EQ(plugin.ops.launch_many(nullptr, nullptr, 0, nullptr, nullptr, nullptr, 0),
            TN_UNIMPLEMENTED);
  EXPECT_EQ(plugin.ops.workspace(nullptr, nullptr, &bytes), TN_OK);
  EXPECT_EQ(bytes, 0u);
}

TEST(LoadPlugin, TheSecondCallAnswersTheSamePlugin) {
  Plugin& first = load_plugin_file(tests::broken_plugin("good"));
  const size_t records = load_records().size();
  EXPECT_EQ(&load_plugin_file(tests::broken_plugin("good")), &first);
  EXPECT_EQ(find_plugin("good"), &first);
  EXPECT_EQ(load_records().size(), records);
}

TEST(LoadPlugin, AnotherFileOfALoadedNameIsShadowed) {
  load_plugin_file(tests::broken_plugin("good"));
  const tests::Scratch scratch;
  const std::string other = scratch.copy("good", "tenon_good.so");
  EXPECT_THROW(load_plugin_file(other), Error);
  EXPECT_EQ(last_record(other).verdict, "shadowed");
}

TEST(LoadPlugin, JunkBehindTheKnownTableIsNotRead) {
  Plugin& plugin = load_plugin_file(tests::broken_plugin("long_table"));
  EXPECT_EQ(plugin.core.struct_size, sizeof(tn_core));
  EXPECT_EQ(plugin.device_count, 1u);
}

TEST(LoadPlugin, NoDeviceIsNoErrorAndHasAReason) {
  Plugin& plugin = load_plugin_file(tests::broken_plugin("no_device"));
  EXPECT_EQ(plugin.device_count, 0u);
  EXPECT_EQ(plugin.no_device_reason, "no card is plugged in");
  EXPECT_EQ(last_record(tests::broken_plugin("no_device")).verdict, "loaded");
}

TEST(LoadPlugin, RelativePathsAreRefused) {
  EXPECT_THROW(load_plugin_file("tenon_relative.so"), Error);
  EXPECT_THAT(last_record("tenon_relative.so").detail, HasSubstr("expected an absolute path"));
}

TEST(LoadPlugin, AMissingFileIsAbsent) {
  EXPECT_THROW(load_plugin_file("/nowhere/tenon_good2.so"), Error);
  EXPECT_EQ(last_record("/nowhere/tenon_good2.so").verdict, "absent");
}

TEST(RequirePlugin, TheMessageHoldsEveryRecordAndFolder) {
  EXPECT_THROW(load_plugin_file(tests::broken_plugin("wrong_magic")), Error);
  try {
    static_cast<void>(require_plugin("nosuchthing"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("unknown device nosuchthing: no plugin tenon_nosuchthing.so"));
    EXPECT_THAT(e.what(), HasSubstr("known are cpu"));
    EXPECT_THAT(e.what(), HasSubstr("/usr/lib/tenon (system folder)"));
    EXPECT_THAT(e.what(), HasSubstr("tenon_wrong_magic.so: refused at negotiate, the descriptor"));
  }
}

TEST(ThrowStatus, TheTextIsThePluginsOrTheDefault) {
  Plugin& plugin = load_plugin_file(tests::broken_plugin("lying_count"));
  tn_device device = nullptr;
  const auto message = [&](tn_status status) -> std::string {
    try {
      check_status(plugin, status, "add");
    } catch (const Error& e) {
      return std::string(error_code_name(e.code())) + "|" + e.what();
    }
    return "";
  };
  EXPECT_EQ(message(TN_OK), "");
  EXPECT_EQ(message(plugin.core.device_open(plugin.handle, 2, &device)),
            "internal|add: plugin lying_count: nothing in that slot");
  EXPECT_EQ(message(TN_OUT_OF_MEMORY),
            "out of memory|add: plugin lying_count: the device is out of memory");
  EXPECT_EQ(message(-5), "internal|add: plugin lying_count: answered the unknown status -5");
}

TEST(PluginConfig, KeysAreChecked) {
  EXPECT_THROW(set_plugin_config("opaque", "no key", "1"), Error);
  EXPECT_THROW(set_plugin_config("No-Plugin", "key", "1"), Error);
  EXPECT_NO_THROW(set_plugin_config("some_plugin", "KEY_1", "1"));
}

}  // namespace
}  // namespace tenon
