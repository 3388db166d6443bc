// `tenon bench`: every device has a roof, and kernels beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Outcome bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {program("tenon"), "bench"});
  return run({.arguments = std::move(arguments), .environment = {{"TENON_NUM_THREADS", "1"}}});
}

TEST(Bench, EveryDeviceShowsKernelsBesideItsRoof) {
  const ScratchFolder folder;
  for (const char* device : {"cpu", "opaque"}) {
    const std::string file = folder.path(std::string(device) + ".json");
    const Outcome outcome =
        bench({"--device", device, "--filter", "^(add|mm 64x64x64)", "--json", file});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    EXPECT_THAT(outcome.out, HasSubstr("multiply-adds"));
    std::ifstream stream(file);
    const Json json = Json::parse(stream, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << outcome.describe();
    EXPECT_THAT(json["device"].get<std::string>(), HasSubstr(device));
    ASSERT_EQ(json["kernels"].size(), 2U);
    for (const Json& copy : json["copies"]) EXPECT_GT(copy["gb_per_second"], 0);
    for (const Json& kernel : json["kernels"]) {
      EXPECT_GT(kernel["ns"], 0) << kernel;
      EXPECT_GT(kernel["share"], 0) << kernel;
    }
    EXPECT_EQ(json["kernels"][0]["bytes"], 12e6);
    EXPECT_EQ(json["kernels"][1]["flops"], 2 * 64 * 64 * 64);
  }
}

TEST(Bench, WrongUseIsRefused) {
  const Outcome none = bench({"--device", "cpu", "--filter", "no such kernel"});
  EXPECT_EQ(none.exit_code, 1) << none.describe();
  EXPECT_THAT(none.err, HasSubstr("no such kernel"));
  const Outcome broken = bench({"--device", "cpu", "--filter", "add("});
  EXPECT_EQ(broken.exit_code, 1) << broken.describe();
  EXPECT_THAT(broken.err, HasSubstr("extended regular expression, got add("));
  EXPECT_EQ(bench({"--device", "nosuchthing"}).exit_code, 1);
  const Outcome unwritable =
      bench({"--device", "cpu", "--filter", "^fill", "--json", "/nonexistent/folder/file"});
  EXPECT_EQ(unwritable.exit_code, 1) << unwritable.describe();
  EXPECT_THAT(unwritable.err, HasSubstr("/nonexistent/folder/file"));
}

}  // namespace
}  // namespace tenon::integration
