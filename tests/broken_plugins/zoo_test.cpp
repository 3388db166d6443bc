// The zoo: whatever a plugin does wrong, the operator reads what it was, and the program lives on.
// One table, plugin -> who caught it -> verdict -> what `tenon conform` says of the file; each row
// in a process of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elf.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include <tenon/runtime/layers/fault.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/search.h>
#include <tenon/tenon.h>

#include "scratch.h"
#include "visit.h"

namespace tenon {
namespace {

using nlohmann::json;
using tests::broken_plugin;
using tests::Scratch;

// ---- who looks ----

std::string record_text(const LoadRecord& record) {
  return join_text(record.verdict, " at ", record.stage, ": ", record.detail);
}

std::string load(const std::string& path) {
  static_cast<void>(known_plugin_types());  // scans, so that the attempt's record is the last
  try {
    load_plugin_file(path);
    return "loaded";
  } catch (const Error&) {
    return record_text(load_records().back());
  }
}

std::string load_named(const std::string& name) { return load(broken_plugin(name)); }

std::string probe(const std::string& name) {
  ::setenv("TENON_PROBE", "3", 1);
  return load_named(name);
}

std::string ask_doctor(const std::string& name) {
  const tests::Finished run =
      tests::run_tenon({"doctor", "--json", "--timeout", "3"},
                       {{"TENON_PLUGIN_FILES", broken_plugin(name)}, {"TENON_LOG", "error"}});
  const json report = json::parse(run.output);
  for (const json& plugin : report["plugins"]) {
    if (plugin["name"] != name) continue;
    return join_text(plugin["verdict"].get<std::string>(), " at ",
                     plugin["stage"].get<std::string>(), ": ", plugin["detail"].get<std::string>());
  }
  return "doctor does not know it";
}

// Computes on the plugin's device. What it had is given back, whatever happened.
std::string compute(const std::string& name, const char* variable = nullptr,
                    const char* value = nullptr) {
  ::setenv("TENON_LAYERS", "fault", 1);  // counts what is out
  if (variable != nullptr) ::setenv(variable, value, 1);
  load_plugin_file(broken_plugin(name));
  std::string verdict = "computed";
  try {
    const Tensor x = rand({3, 5}).to(name.c_str());
    const Tensor y = softmax(x * x, 1);
    static_cast<void>(y.sum().item<float>());
  } catch (const Error& e) {
    verdict = e.what();
  }
  try {
    synchronize(Device(name));
  } catch (const Error&) {  // told once already
  }
  empty_cache(Device(name));
  const int64_t buffers = layers::fault_counts(name).buffers;
  return buffers == 0 ? verdict : join_text(verdict, "; ", buffers, " buffers are left");
}

// What `tenon conform` finds in these cases, and that it comes to an end.
std::string conform(const std::string& name, const std::string& cases) {
#ifdef TENON_SANITIZED
  constexpr std::chrono::seconds kLimit{60};
#else
  constexpr std::chrono::seconds kLimit{10};
#endif
  const auto begin = std::chrono::steady_clock::now();
  const tests::Finished run = tests::run_tenon(
      {"conform", broken_plugin(name), "--timeout", "3", "--filter", cases, "--json", "-"}, {});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLimit) << name;
  EXPECT_EQ(run.status, 1) << name << ": " << run.output;
  const json report = json::parse(run.output, nullptr, false);
  if (!report.is_object()) return "no report: " + run.output;
  std::string verdict = report["facts"].value("error", "");
  for (const json& failure : report["failures"]) {
    verdict += join_text(verdict.empty() ? "" : "; ", failure["case"].get<std::string>(), ": ",
                         failure["text"].get<std::string>());
  }
  return verdict;
}

// Two records of a search in these folders, of which the last tells.
std::string search(const std::string& path) {
  SearchInputs inputs;
  inputs.plugin_path = path;
  std::vector<SearchEntry> entries = plan_search(inputs);
  std::erase_if(entries, [](const SearchEntry& e) { return e.origin == "system folder"; });
  const std::vector<LoadRecord> records = scan_search(entries);
  return records.size() == 2 ? record_text(records.back()) : join_text(records.size(), " records");
}

// ---- the animals ----

struct Animal {
  const char* what;
  const char* keeper;  // who caught it
  std::function<std::string()> look;
  const char* verdict;  // a part of it
  // Of conform, where there is a file for it.
  const char* plugin = nullptr;
  const char* cases = nullptr;
  const char* conform_verdict = nullptr;
};

std::string load_bytes(const Scratch& scratch, const std::string& bytes) {
  return load(scratch.write("tenon_bytes.so", bytes));
}

std::string of_another_machine() {
  std::string bytes = tests::read_bytes(broken_plugin("good"));
  const uint16_t machine = EM_S390;
  std::memcpy(bytes.data() + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
  return bytes;
}

std::vector<Animal> animals_of_the_loader(const Scratch& scratch) {
  const std::string one = scratch.make_folder("one"), two = scratch.make_folder("two"),
                    rivals = scratch.make_folder("rivals"), links = scratch.make_folder("links"),
                    linked = scratch.make_folder("linked");
  for (const char* copy : {"one/tenon_good.so", "two/tenon_good.so", "rivals/tenon_good.so",
                           "rivals/tenon_good_too.so", "links/tenon_good.so"})
    scratch.copy("good", copy);
  EXPECT_EQ(::symlink((links + "/tenon_good.so").c_str(), (links + "/tenon_same.so").c_str()), 0);
  EXPECT_EQ(::symlink((one + "/tenon_good.so").c_str(), (linked + "/tenon_good.so").c_str()), 0);
  return {
      {"not ELF", "loader", [&] { return load_bytes(scratch, "#!/bin/sh\n"); },
       "refused at note: not an ELF file"},
      {"truncated ELF", "loader",
       [&] {
         return load_bytes(scratch, tests::read_bytes(broken_plugin("good")).substr(0, 1000));
       },
       "refused at note: "},
      {"wrong architecture", "loader", [&] { return load_bytes(scratch, of_another_machine()); },
       "refused at note: not for this processor: expected ELF machine "},
      {"no note", "loader", [] { return load_named("no_note"); },
       "refused at note: no Tenon note in the file", "no_note", "load/file",
       "note_agrees_with_descriptor: expected one Tenon note, found 0"},
      {"bad magic", "loader", [] { return load_named("wrong_magic"); },
       "refused at negotiate: the descriptor has a wrong magic number", "wrong_magic",
       "load/entry/card", "the magic number is wrong"},
      {"alien major", "loader", [] { return load_named("alien_major"); },
       "refused at note: speaks ABI majors 7 to 9", "alien_major", "load/runtime",
       "the runtime's verdict is refused at note: speaks ABI majors 7"},
      {"short table", "loader", [] { return load_named("short_table"); },
       "refused at tables: the table \"core\" has 64 bytes, expected at least", "short_table",
       "load/runtime", "the runtime's verdict is refused at tables: "},
      {"null required slot", "loader", [] { return load_named("null_slots"); },
       "refused at tables: required slots of \"core\" are NULL: device_open, upload", "null_slots",
       "load/runtime", "the runtime's verdict is refused at tables: required slots"},
      {"throws int in open", "loader", [] { return load_named("throw_in_open"); },
       "failed at start: open let an exception through the C boundary", "throw_in_open",
       "load/open/again", "an exception came through the C boundary"},
      {"OK with NULL handle", "loader", [] { return load_named("null_handle"); },
       "failed at start: open answered OK with a NULL handle", "null_handle", "load/open/again",
       "open answered OK with a NULL handle"},
      {"same name twice, one folder", "loader", [=] { return search(rivals); },
       "refused at note: two files of this folder claim the device good"},
      {"same name twice, two folders", "loader", [=] { return search(one + ":" + two); },
       "shadowed at search: the first found wins: "},
      {"symlink twice, one folder", "loader", [=] { return search(links); },
       "two files of this folder claim the device good: tenon_same.so and tenon_good.so"},
      {"symlink twice, two folders", "loader", [=] { return search(one + ":" + linked); },
       "shadowed at search: the first found wins: "},
      {"calls back after release", "loader", [] { return load_named("late_caller"); },
       "failed at devices: device_count answered INTERNAL: the bus did not answer", "late_caller",
       "load/runtime", "device_count answered INTERNAL: the bus did not answer"},
  };
}

std::vector<Animal> animals_of_the_helper() {
  return {
      {"hangs in open", "doctor", [] { return ask_doctor("hang_in_open"); },
       "failed at start: hung: no answer of the helper process within 3000 ms", "hang_in_open",
       "load/open", "opening the plugin: hung"},
      {"hangs in open", "probe", [] { return probe("hang_in_open"); },
       "failed at probe: at start: hung: no answer of the helper process within 3000 ms"},
      {"exit() in open", "doctor", [] { return ask_doctor("exit_in_open"); },
       "failed at start: ended the helper process with status 0 before it had answered",
       "exit_in_open", "load/open/again", "opening the plugin: ended the process with status 0"},
      {"exit() in open", "probe", [] { return probe("exit_in_open"); },
       "failed at probe: at start: ended the helper process with status 0"},
      {"crashes in entry", "doctor", [] { return ask_doctor("crash_in_entry"); },
       "failed at negotiate: crashed in the helper process: signal 6", "crash_in_entry",
       "load/open/again", "opening the plugin: crashed: signal 6"},
      {"crashes at exit", "probe", [] { return probe("crash_at_exit"); },
       "failed at probe: at exit: crashed in the helper process: signal 6", "crash_at_exit",
       "load/open/flags", "closing the plugin: crashed: signal 6"},
      {"leaks streams", "doctor", [] { return ask_doctor("leaky_streams"); },
       "failed at streams: 16 streams of device 0, made and destroyed, leave 16 open files",
       "leaky_streams", "load/runtime", "leave 16 open files"},
      {"leaks streams", "probe", [] { return probe("leaky_streams"); },
       "failed at probe: at streams: 16 streams of device 0"},
  };
}

std::vector<Animal> animals_of_the_runtime(const Scratch& scratch) {
  return {
      {"throws bad_alloc in launch", "runtime", [] { return compute("throw_in_launch"); },
       "mul: plugin throw_in_launch: launch let an exception through the C boundary: "
       "std::bad_alloc",
       "throw_in_launch", "core/copy/shape/f32/dense/scalar", "std::bad_alloc"},
      {"throws string in prepare", "runtime", [] { return compute("throw_in_prepare"); },
       "mul: plugin throw_in_prepare: prepare let an exception through the C boundary",
       "throw_in_prepare", "core/copy/shape/f32/dense/scalar", "crashed: signal 6"},
      {"OK with NULL buffer", "runtime", [] { return compute("null_buffer"); },
       "allocate: plugin null_buffer answered OK without a buffer", "null_buffer",
       "core/copy/shape/f32/dense/scalar", "crashed: signal 11"},
      {"garbage status", "runtime", [] { return compute("garbage_status"); },
       "mul: plugin garbage_status: answered status 12345 without a text", "garbage_status",
       "core/copy/shape/f32/dense/scalar", "launch answered status 12345"},
      {"prepare fails after yes", "runtime", [] { return compute("prepare_fails"); },
       "mul: plugin prepare_fails: the compiler is not installed", "prepare_fails",
       "core/copy/shape/f32/dense/scalar",
       "query said yes, then prepare answered INTERNAL: the compiler"},
      {"failure only at the event", "runtime", [] { return compute("late_failure"); },
       "mul on late_failure:0 (3, 5): plugin late_failure: the multiplier overheated",
       "late_failure", "core/copy/shape/f32/dense/scalar",
       "then sync answered INTERNAL: the multiplier overheated"},
      {"writes one byte past its output", "TENON_ALLOC",
       [] { return compute("writes_past", "TENON_ALLOC", "guard"); },
       "mul: plugin writes_past: TENON_ALLOC=guard: mul: its kernel wrote beside output 0 float32 "
       "(3, 5): byte 60 of 60, behind the end",
       "writes_past", "core/copy/shape/f32/dense/scalar",
       "output 0: wrote byte 4 of 4, which is no element of it"},
      {"lies in query", "TENON_SHADOW",
       [&] {
         std::filesystem::current_path(scratch.make_folder("shadow"));  // takes the reproduction
         return compute("lying_query", "TENON_SHADOW", "reference");
       },
       "softmax: TENON_SHADOW: output 0, element (0, 0)", "lying_query", "train/gradient/softmax",
       "element 0 of 108: expected"},
  };
}

TEST(Zoo, EachBrokenPluginHasItsVerdict) {
  const Scratch scratch;
  std::vector<Animal> animals = animals_of_the_loader(scratch);
  for (const auto& more : {animals_of_the_helper(), animals_of_the_runtime(scratch)})
    animals.insert(animals.end(), more.begin(), more.end());
  std::printf("%-30s %-12s %s\n", "plugin", "caught by", "verdict");
  for (const Animal& animal : animals) {
    const tests::Visit seen = tests::visit(animal.look);
    std::printf("%-30s %-12s %s\n", animal.what, animal.keeper, seen.verdict.c_str());
    EXPECT_FALSE(seen.hung) << animal.what;
    EXPECT_EQ(seen.status, 0) << animal.what;
    EXPECT_THAT(seen.verdict, testing::HasSubstr(animal.verdict)) << animal.what;
    EXPECT_THAT(seen.verdict, testing::Not(testing::HasSubstr("buffers are left"))) << animal.what;
    if (animal.plugin == nullptr) continue;
    const std::string found = conform(animal.plugin, animal.cases);
    std::printf("%-30s %-12s %s\n", "", "conform", found.substr(0, 200).c_str());
    EXPECT_THAT(found, testing::HasSubstr(animal.conform_verdict)) << animal.what;
  }
  EXPECT_GE(animals.size(), 30u);
  EXPECT_FALSE(std::filesystem::is_empty(scratch.path("shadow"))) << "the shadow left no file";
}

TEST(Zoo, ACallAfterCloseIsNamedAndIgnored) {
  const tests::Finished run =
      tests::run_tenon({"devices"}, {{"TENON_PLUGIN_FILES", broken_plugin("late_caller")}});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, testing::HasSubstr("late_caller"));
  EXPECT_THAT(run.output, testing::Not(testing::HasSubstr("I am still here")));
}

}  // namespace
}  // namespace tenon
