// What the environment may not do: lead the loader astray, or make it choke.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/search.h>
#include <tenon/tenon.h>

#include "scratch.h"
#include "visit.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::Scratch;

// ---- raised privileges: a program that is set to another group's id ----

std::string run(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"), ::pclose);
  std::string output;
  char buffer[4096];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get()))
    output.append(buffer, got);
  return output;
}

std::string run_raised(const std::string& program) {
  return run("TENON_LAYERS=trace TENON_PLUGIN_FILES='" + tests::broken_plugin("no_note") +
             "' TENON_PLUGIN_PATH='" BROKEN_PLUGIN_DIR "' XDG_DATA_HOME=/tmp '" + program + "'");
}

TEST(RaisedPrivileges, TheEnvironmentIsIgnoredAndThatIsLogged) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const Scratch scratch;
  const std::string program = scratch.path("raised");
  std::filesystem::copy_file(TENON_RAISED_PROGRAM, program);
  // Another group's, not another user's: who builds below a folder of his own can still read it.
  if (::chown(program.c_str(), 0, 65534) != 0) GTEST_SKIP() << "this root cannot";
  ASSERT_EQ(::chmod(program.c_str(), 02755), 0);
  const std::string output = run_raised(program);
  if (output.find("AT_SECURE 0") != std::string::npos)
    GTEST_SKIP() << "this file system raises nobody";
  EXPECT_THAT(output, AllOf(HasSubstr("AT_SECURE 1\n"), HasSubstr("TENON_LAYERS \"\"\n")));
  for (const char* origin : {"TENON_PLUGIN_FILES", "TENON_PLUGIN_PATH", "XDG_DATA_HOME"}) {
    const std::string ignored = "ignored, the process runs with raised privileges";
    EXPECT_THAT(output, HasSubstr(std::string("(") + origin + "): " + ignored));
    EXPECT_THAT(output, HasSubstr(std::string("warning: plugins: ") + origin)) << output;
  }
  EXPECT_THAT(output, Not(HasSubstr("tenon_good.so")));
}

TEST(RaisedPrivileges, WithoutThemTheSameVariablesCount) {
  const std::string output = run_raised(TENON_RAISED_PROGRAM);
  EXPECT_THAT(output, AllOf(HasSubstr("AT_SECURE 0\n"), HasSubstr("TENON_LAYERS \"trace\"\n"),
                            HasSubstr("tenon_good.so"), Not(HasSubstr("ignored"))));
}

// ---- paths ----

std::vector<SearchEntry> plan(const std::string& path) {
  SearchInputs inputs;
  inputs.plugin_path = path;
  return plan_search(inputs);
}

TEST(Trust, PathsThatClimbAreRefused) {
  for (const char* path : {"/opt/../etc", "/opt/..", "/..", "/../x/"}) {
    const SearchEntry entry = plan(path)[0];
    EXPECT_EQ(entry.state, "refused") << path;
    EXPECT_THAT(entry.detail, HasSubstr("without \"..\"")) << path;
  }
  for (const char* path : {"/opt/..hidden", "/opt/two..dots/x", "/opt/..."})
    EXPECT_EQ(plan(path)[0].state, "search") << path;
}

TEST(Trust, AListIsRefusedAsAWholeWhenItIsTooLong) {
  std::string list = "/opt";
  while (list.size() < (1u << 20)) list += ":/opt";
  const std::vector<SearchEntry> entries = plan(list);
  EXPECT_EQ(entries[0].state, "refused");
  EXPECT_THAT(entries[0].detail, HasSubstr("bytes, expected at most 65536"));
  EXPECT_LT(entries[0].path.size(), 100u);
  EXPECT_NE(entries[1].origin, "TENON_PLUGIN_PATH");
}

// ---- a megabyte in each variable ----

struct Variable {
  const char* name;
  const char* begin;  // of the value; the rest is one letter
  const char* said;   // a part of the answer
};

// What the program reads: the text of the error. It lists every record of this process, but never
// the value.
std::string compute_with(const Variable& variable) {
  const std::string value = variable.begin + std::string(1 << 20, 'a');
  if (::setenv(variable.name, value.c_str(), 1) != 0) return "the variable can't be set";
  try {
    std::vector<SearchEntry> entries = plan_search(search_inputs());  // anew: not as once scanned
    static_cast<void>(scan_search(entries));
    for (const SearchEntry& entry : entries) {
      if (entry.state != "refused") continue;
      ::unsetenv(variable.name);
      return join_text("(", entry.origin, "): refused, ", entry.detail);
    }
    const Device device = default_device();
    static_cast<void>((ones({2}, TensorOptions(device)) + 1.).sum().item<float>());
    static_cast<void>(require_plugin("nosuchthing"));
  } catch (const Error& e) {
    const std::string text = e.what();
    ::unsetenv(variable.name);
    return text.size() < 500'000 ? text : join_text("a text of ", text.size(), " bytes");
  }
  return "no error";
}

TEST(Trust, AMegabyteInAVariableIsAnswered) {
  for (const Variable& row :
       {Variable{"TENON_PLUGIN_FILES", "/", "(TENON_PLUGIN_FILES): refused, the value has 1048577"},
        Variable{"TENON_PLUGIN_PATH", "/", "(TENON_PLUGIN_PATH): refused, the value has 1048577"},
        Variable{"XDG_DATA_HOME", "/", "(XDG_DATA_HOME): refused, File name too long"},
        Variable{"HOME", "/", "(user folder): refused, File name too long"},
        Variable{"TENON_DEVICE", "", "device: expected a type"},
        Variable{"TENON_NUM_THREADS", "1", "unknown device nosuchthing"},
        Variable{"TENON_LOG", "", "unknown device nosuchthing"},
        Variable{"TENON_CPU_ISA", "", "isa must be baseline, avx2 or avx512"}}) {
    const tests::Visit seen = tests::visit([&row] {
      if (std::string(row.name) == "HOME") ::unsetenv("XDG_DATA_HOME");
      return compute_with(row);
    });
    EXPECT_FALSE(seen.hung) << row.name;
    EXPECT_EQ(seen.status, 0) << row.name;
    EXPECT_THAT(seen.verdict, HasSubstr(row.said)) << row.name;
  }
}

TEST(Trust, AMegabyteOfLayersRefusesThePlugin) {
  for (const char* variable : {"TENON_LAYERS", "TENON_SHADOW"}) {
    const tests::Visit seen = tests::visit([variable] {
      ::setenv(variable, std::string(1 << 20, 'a').c_str(), 1);
      const bool refused = find_plugin("reference") == nullptr;
      const std::string why = why_no_plugin("reference");
      ::unsetenv(variable);
      return refused && why.size() < 2000 ? why : join_text("a text of ", why.size(), " bytes");
    });
    EXPECT_EQ(seen.status, 0) << variable;
    EXPECT_THAT(seen.verdict, HasSubstr("refused at layers: ")) << variable;
  }
}

}  // namespace
}  // namespace tenon
