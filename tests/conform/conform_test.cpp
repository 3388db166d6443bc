// Every plugin conforms at every level, with as many cases as the floor says; every mutant does
// not, and is told what is wrong with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

namespace tenon::conform_test {
namespace {

using ::testing::ContainsRegex;
using Json = nlohmann::json;

struct Outcome {
  int exit_code = -1;
  Json json;
};

Outcome conform(const std::string& plugin, const std::string& options) {
  // A crash is to be told as a crash, not as a report of a sanitizer.
  const std::string command = "ASAN_OPTIONS=\"$ASAN_OPTIONS:handle_segv=0\" " CONFORM_PROGRAM " " +
                              plugin + " --json - " + options;
  FILE* stream = popen(command.c_str(), "r");
  EXPECT_NE(stream, nullptr) << command;
  std::string text;
  char buffer[65536];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, stream)) > 0;) text.append(buffer, n);
  const int status = pclose(stream);
  Outcome outcome{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                  .json = Json::parse(text, nullptr, false)};
  EXPECT_FALSE(outcome.json.is_discarded()) << command << "\n" << text.substr(0, 2000);
  return outcome;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string plugin_under_test() {
  return variable("TENON_PLUGIN_PATH") + "/tenon_" + variable("TENON_DEVICE") + ".so";
}

// "core 9000" a line: the least number of cases that pass.
size_t floor_of(const std::string& level) {
  std::ifstream stream(FLOOR_FILE);
  std::string name;
  for (size_t least = 0; stream >> name >> least;) {
    if (name == level) return least;
  }
  ADD_FAILURE() << FLOOR_FILE << " has no line for " << level;
  return 0;
}

class Level : public testing::TestWithParam<const char*> {};

TEST_P(Level, IsHeld) {
  const Outcome outcome =
      conform(plugin_under_test(), std::string("--timeout 60 --level ") + GetParam());
  ASSERT_TRUE(outcome.json.is_object());
  for (const Json& failure : outcome.json.at("failures")) ADD_FAILURE() << failure.dump(2);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_EQ(outcome.json.at("levels").size(), 1u);
  const Json& row = outcome.json.at("levels")[0];
  std::printf("%s\n", row.dump().c_str());
  const size_t cases = row.at("cases"), skipped = row.at("skipped");
  EXPECT_GE(row.at("passed").get<size_t>(), floor_of(GetParam()));
  EXPECT_LE(skipped * 20, cases) << "more than 5 % were skipped: "
                                 << outcome.json.at("skips").dump(2);
  for (const Json& skip : outcome.json.at("skips")) EXPECT_NE(skip.at("reason"), "");
}

INSTANTIATE_TEST_SUITE_P(All, Level, testing::Values("load", "core", "train", "async", "program"),
                         [](const auto& param) { return std::string(param.param); });

// ---- mutants -----------------------------------------------------------------------------------

struct Mutant {
  const char* name;
  const char* options;  // where it shows
  const char* in_case;  // regular expressions
  const char* text;
};

constexpr Mutant kMutants[] = {
    {"wrong_product", "--filter core/matmul/f32", "core/matmul/f32/", "expected .*, got "},
    {"writes_behind", "--filter core/copy/shape/u8", "core/copy/shape/u8/", "wrote byte "},
    {"changes_input", "--filter core/sort/ascending/f32", "core/sort/", "input 0: wrote byte "},
    {"says_yes", "--filter core/refusal", "core/refusal/", "expected query to answer NO"},
    {"says_no", "--filter core/reduce/sum/f64", "core/reduce/sum/f64/",
     "compute_dtypes names the dtype"},
    {"gives_no_reason", "--filter core/refusal", "core/refusal/", "NO without a reason"},
    {"hangs_in_launch", "--timeout 1 --filter 'core/nonzero/f32/dense/*'",
     "core/nonzero/f32/dense/scalar", "hung"},
    {"crashes_in_prepare", "--filter 'core/scan/sum/f32/dense/*'", "core/scan/", "signal 11"},
    {"exits_in_launch", "--filter 'core/random/bits/0/dense/*'", "core/random/",
     "ended the process with status 0"},
    {"loses_nan", "--filter core/reduce/max/f32/special", "core/reduce/max/f32/special/",
     "expected nan"},
    {"hides_bad_index", "--filter core/bad_index/gather/f32", "core/bad_index/gather/",
     "expected INDEX_ERROR, got OK"},
    {"never_the_same", "--filter core/reduce/sum/f32/dense", "core/reduce/sum/f32/",
     "claimed the same bits on every run"},
    {"keeps_the_scalar", "--filter program/scalar", "program/scalar/", "scalar|expected "},
    {"wrong_step", "--filter train/optimizer", "train/optimizer/", "expected .*, got "},
    {"two_symbols", "--filter load/file", "load/file/exports_one_symbol",
     "exports more than tn_plugin_entry: helper_of_the_vendor"},
    {"last_index_wins", "--filter core/reduce/argmax/i64", "core/reduce/argmax/i64/",
     "expected 0, got 1"},
};

class Mutants : public testing::TestWithParam<Mutant> {};

TEST_P(Mutants, AreFound) {
  const Mutant& mutant = GetParam();
  const Outcome outcome =
      conform(std::string(MUTANT_FOLDER) + "/" + mutant.name + "/tenon_plain.so", mutant.options);
  ASSERT_TRUE(outcome.json.is_object());
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_FALSE(outcome.json.at("conforms").get<bool>());
  const Json& failures = outcome.json.at("failures");
  ASSERT_FALSE(failures.empty());
  for (const Json& failure : failures) {
    EXPECT_THAT(failure.at("case").get<std::string>(), ContainsRegex(mutant.in_case));
    EXPECT_THAT(failure.at("text").get<std::string>(), ContainsRegex(mutant.text));
    EXPECT_THAT(failure.at("again").get<std::string>(),
                testing::HasSubstr("--filter '" + failure.at("case").get<std::string>() + "'"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, testing::ValuesIn(kMutants),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(Conform, AnEmptyPassFails) {
  const Outcome outcome = conform(plugin_under_test(), "--filter nothing/has/this/name");
  EXPECT_EQ(outcome.exit_code, 1);
}

TEST(Conform, WhatIsNoPluginIsRefused) {
  const Outcome outcome = conform(CONFORM_PROGRAM, "--level load");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_FALSE(outcome.json.at("failures").empty());
  EXPECT_TRUE(outcome.json.at("facts").contains("error"));
}

}  // namespace
}  // namespace tenon::conform_test
