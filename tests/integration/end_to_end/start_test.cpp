// What a program costs before and beside its work: time to start and end, stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;

TEST(Start, TheTourOnCpuTakesSixtyMilliseconds) {
#ifdef TENON_SANITIZED
  GTEST_SKIP() << "sanitizers are slow";
#endif
  double best = 1e9;
  for (int i = 0; i < 10; ++i) {
    const Outcome outcome = run({.arguments = {program("01_tensor_tour")}});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.describe();
    best = std::min(best, outcome.seconds);
  }
  RecordProperty("milliseconds", std::to_string(best * 1e3));
  EXPECT_LE(best, 0.060);
}

TEST(Stack, AMillionOpsGoForwardBackwardAndAwayInEightMegabytes) {
  for (const char* device : {"cpu", "opaque"}) {
    const char* ops = std::string_view(device) == "cpu" ? "1000000" : "20000";
    const Outcome outcome = run({.arguments = {program("integration_long_chain"), ops},
                                 .environment = {{"TENON_DEVICE", device}},
                                 .stack_bytes = uint64_t{8} << 20});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
    EXPECT_THAT(outcome.out, HasSubstr("gradient 1\nnodes left 0\n"));
    EXPECT_THAT(outcome.out, HasSubstr("value " + std::to_string(std::stol(ops) + 1) + "\n"));
  }
}

}  // namespace
}  // namespace tenon::integration
