// The program `tenon`: JSON that parses, a doctor one can read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <tenon/runtime/loader/environment.h>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Outcome tenon(std::vector<std::string> arguments,
              std::map<std::string, std::string> environment = {}) {
  arguments.insert(arguments.begin(), program("tenon"));
  return run({.arguments = std::move(arguments), .environment = std::move(environment)});
}

Json parsed(const Outcome& outcome, int exit_code = 0) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.describe();
  Json json = Json::parse(outcome.out, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << outcome.out.substr(0, 2000);
  return json;
}

TEST(Cli, DevicesAsJsonNameEveryDevice) {
  const std::string text = parsed(tenon({"devices", "--json"})).dump();
  for (const char* device : {"cpu", "reference", "opaque"}) EXPECT_THAT(text, HasSubstr(device));
}

TEST(Cli, OpsAsJsonNameEveryOp) {
  for (const char* device : {"cpu", "reference", "opaque"}) {
    const std::string text = parsed(tenon({"ops", "--device", device, "--json"})).dump();
    for (const char* op : {"add", "matmul", "conv2d", "cross_entropy"}) {
      EXPECT_THAT(text, HasSubstr('"' + std::string(op) + '"')) << device;
    }
  }
}

TEST(Cli, DoctorTellsPathPluginsAndVariables) {
  const Outcome outcome = tenon({"doctor"}, {{"TENON_PLUGIN_PATH", "/nonexistent/folder"}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("/nonexistent/folder"));
  for (const char* plugin : {"tenon_cpu.so", "tenon_reference.so", "tenon_opaque.so"}) {
    EXPECT_THAT(outcome.out, HasSubstr(plugin));
  }
  for (const EnvironmentVariable& variable : environment_variables()) {
    EXPECT_THAT(outcome.out, HasSubstr(variable.name));
  }
  EXPECT_FALSE(parsed(tenon({"doctor", "--json"})).empty());
}

TEST(Cli, DoctorSurvivesWhatIsNoPlugin) {
  const ScratchFolder folder;
  write_text(folder.path("tenon_broken.so"), "nothing");
  const std::map<std::string, std::string> environment = {{"TENON_PLUGIN_PATH", folder.path()},
                                                          {"TENON_DEVICE", "broken"}};
  EXPECT_THAT(tenon({"doctor"}, environment).out, HasSubstr("tenon_broken.so"));
  const Json json = parsed(tenon({"doctor", "--json"}, environment), 1);  // no default device
  EXPECT_THAT(json.dump(), HasSubstr("tenon_broken.so"));
}

TEST(Cli, WrongUseIsRefused) {
  EXPECT_GT(tenon({}).exit_code, 0);
  EXPECT_GT(tenon({"nonsense"}).exit_code, 0);
  const Outcome outcome = tenon({"ops", "--device", "nosuchthing"});
  EXPECT_GT(outcome.exit_code, 0) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("nosuchthing"));
}

}  // namespace
}  // namespace tenon::integration
