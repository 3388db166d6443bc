// The program `tenon` in processes of its own: TENON_DEVICE, doctor, probes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "scratch.h"

namespace tenon {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::Finished;
using tests::run_tenon;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Broken plugins one at a time: `tenon devices` opens all that it finds.
Finished devices_of(const std::string& list, const std::string& plugin) {
  return run_tenon({"devices", "--json"},
                   {{"TENON_DEVICE", list}, {"TENON_PLUGIN_FILES", tests::broken_plugin(plugin)}});
}

TEST(TenonDevice, UnsetIsCpu) {
  const Finished run = run_tenon({"devices", "--json"}, {});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_EQ(json::parse(run.output)["default"], "cpu");
}

TEST(TenonDevice, AnOptionalEntryIsSkippedAndSaidOnce) {
  const Finished run = run_tenon({"devices"}, {{"TENON_DEVICE", "nosuchthing?, cpu"}});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_EQ(count_of(run.output, "TENON_DEVICE: skipped nosuchthing: unknown device"), 1u)
      << run.output;
}

TEST(TenonDevice, ARequiredEntryThatFailsNamesEveryCandidate) {
  const Finished run = run_tenon({"devices"}, {{"TENON_DEVICE", "one?,two,cpu"}});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("two can't be used in \"one?,two,cpu\""),
                    HasSubstr("one: unknown device one"), HasSubstr("two: unknown device two"),
                    HasSubstr("searched for plugins:")));
}

TEST(TenonDevice, OnlyOptionalEntriesMayAllFail) {
  const Finished run = run_tenon({"devices"}, {{"TENON_DEVICE", "one?,two?"}});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.output, HasSubstr("no entry can be used in \"one?,two?\""));
}

TEST(TenonDevice, BadGrammarIsShown) {
  for (const char* list :
       {"cpu,,x", "Cuda", "cuda:", "cuda:-1", "cuda:1x", "?", "a b", "cuda:1:2"}) {
    const Finished run = run_tenon({"devices"}, {{"TENON_DEVICE", list}});
    EXPECT_EQ(run.status, 1) << list;
    EXPECT_THAT(run.output, HasSubstr("expected a")) << list;
  }
}

TEST(TenonDevice, AnIndexBeyondTheCountIsAnError) {
  const Finished run = devices_of("good:1", "good");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.output, HasSubstr("there is no good:1: good has 1 device, counted from 0"));
  EXPECT_THAT(run_tenon({"devices"}, {{"TENON_DEVICE", "cpu:1"}}).output,
              HasSubstr("there is no cpu:1"));
}

TEST(TenonDevice, APluginWithoutDevicesGivesItsReason) {
  const Finished run = devices_of("no_device", "no_device");
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.output, HasSubstr("no_device has no device: no card is plugged in"));
}

TEST(TenonDevice, ABrokenPluginGivesItsStageAndCause) {
  const Finished run = devices_of("wrong_magic?,cpu", "wrong_magic");
  EXPECT_THAT(run.output, AllOf(HasSubstr("skipped wrong_magic"), HasSubstr("refused at negotiate"),
                                HasSubstr("wrong magic number")));
}

// A plugin that is whole, by name.
std::string whole_plugin(const std::string& name) {
  return std::string(WHOLE_PLUGIN_DIR) + "/tenon_" + name + ".so";
}

TEST(TenonDevice, AutoTakesAnAcceleratorButNoEmulatedOne) {
  const Finished real =
      run_tenon({"devices"}, {{"TENON_DEVICE", "auto"},
                              {"TENON_LOG", "info"},
                              {"TENON_PLUGIN_FILES", whole_plugin("accelerator")}});
  EXPECT_EQ(real.status, 0) << real.output;
  EXPECT_THAT(real.output, HasSubstr("TENON_DEVICE=auto chose accelerator"));
  const Finished emulated =
      run_tenon({"devices"}, {{"TENON_DEVICE", "auto"},
                              {"TENON_LOG", "info"},
                              {"TENON_PLUGIN_FILES", whole_plugin("emulated")}});
  EXPECT_EQ(emulated.status, 0) << emulated.output;
  EXPECT_THAT(emulated.output, AllOf(HasSubstr("TENON_DEVICE=auto chose cpu"),
                                     HasSubstr("emulated:0 (only by name)")));
}

TEST(TenonDevice, AutoTakesCpuWhereNothingBetterIs) {
  const Finished run = run_tenon({"devices"}, {{"TENON_DEVICE", "auto"}, {"TENON_LOG", "info"}});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("TENON_DEVICE=auto chose cpu"));
}

// ---- doctor ----

json doctor(const std::string& variable, const std::string& value) {
  const Finished run = run_tenon({"doctor", "--json", "--timeout", "3"},
                                 {{variable, value}, {"TENON_LOG", "error"}});
  EXPECT_EQ(run.status, 0) << run.output;
  return json::parse(run.output);
}

json plugin_named(const json& report, const std::string& name) {
  for (const json& plugin : report["plugins"]) {
    if (plugin["name"] == name) return plugin;
  }
  return {};
}

TEST(Doctor, ACrashAHangAndABadExitAreVerdicts) {
  const json report = doctor("TENON_PLUGIN_PATH", BROKEN_PLUGIN_DIR);
  const json crash = plugin_named(report, "crash_in_entry");
  EXPECT_EQ(crash["stage"], "negotiate");
  EXPECT_THAT(crash["detail"].get<std::string>(), HasSubstr("signal 6"));
  const json hang = plugin_named(report, "hang_in_entry");
  EXPECT_EQ(hang["stage"], "negotiate");
  EXPECT_THAT(hang["detail"].get<std::string>(), HasSubstr("hung: no answer"));
  const json exit = plugin_named(report, "crash_at_exit");
  EXPECT_EQ(exit["stage"], "exit");
  EXPECT_THAT(exit["detail"].get<std::string>(), HasSubstr("signal 6"));
}

TEST(Doctor, FactsComeFromTheHelper) {
  const json report = doctor("TENON_PLUGIN_FILES", tests::broken_plugin("lying_count"));
  const json lying = plugin_named(report, "lying_count");
  EXPECT_EQ(lying["verdict"], "loaded");
  EXPECT_EQ(lying["version"], "1.2.3");
  ASSERT_EQ(lying["devices"].size(), 3u);
  EXPECT_EQ(lying["devices"][0]["name"], "broken");
  EXPECT_THAT(lying["devices"][2]["error"].get<std::string>(), HasSubstr("nothing in that slot"));
  EXPECT_EQ(plugin_named(report, "cpu")["verdict"], "loaded");
  EXPECT_EQ(report["default"], "cpu");
}

TEST(Doctor, EveryVariableIsListed) {
  const Finished run = run_tenon({"doctor"}, {{"TENON_TYPO", "1"}, {"TENON_NUM_THREADS", "2"}});
  EXPECT_THAT(run.output, AllOf(HasSubstr("TENON_DEVICE"), HasSubstr("TENON_PLUGIN_PATH"),
                                HasSubstr("TENON_TYPO"), HasSubstr("= \"2\"")));
}

// ---- TENON_PROBE ----

TEST(TenonProbe, ACrashBecomesAnError) {
  const Finished run = run_tenon(
      {"devices"},
      {{"TENON_PROBE", "1"}, {"TENON_PLUGIN_FILES", tests::broken_plugin("crash_in_entry")}});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, AllOf(HasSubstr("failed at probe"), HasSubstr("at negotiate: crashed"),
                                HasSubstr("signal 6")));
}

TEST(TenonProbe, WithoutItTheCrashIsOurs) {
  const Finished run =
      run_tenon({"devices"}, {{"TENON_PLUGIN_FILES", tests::broken_plugin("crash_in_entry")}});
  EXPECT_NE(run.status, 0);
}

TEST(TenonProbe, AGoodPluginPasses) {
  const Finished run = run_tenon(
      {"devices"}, {{"TENON_PROBE", "1"}, {"TENON_PLUGIN_FILES", tests::broken_plugin("good")}});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("good:0"));
}

TEST(TenonOps, ListsEveryOpAsJson) {
  const Finished run = run_tenon({"ops", "--device", "cpu", "--json"}, {});
  ASSERT_EQ(run.status, 0) << run.output;
  const json report = json::parse(run.output);
  EXPECT_EQ(report["count"], report["ops"].size());
  EXPECT_GT(report["count"], 50);
  for (const json& op : report["ops"]) {
    EXPECT_FALSE(op["summary"].get<std::string>().empty()) << op["name"];
    EXPECT_NE(op["support"], "no") << op["name"];
  }
}

TEST(TenonProgram, UnknownWordsAreRefused) {
  EXPECT_NE(run_tenon({"dance"}, {}).status, 0);
  EXPECT_NE(run_tenon({}, {}).status, 0);
  EXPECT_THAT(run_tenon({"ops", "--device", "nosuchthing"}, {}).output,
              HasSubstr("unknown device nosuchthing"));
}

}  // namespace
}  // namespace tenon
