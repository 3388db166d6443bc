// Ways to leave, to be stopped and to fork: the right status, no crash, and soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;

#ifdef TENON_SANITIZED
constexpr double kSoon = 30;
#else
constexpr double kSoon = 2;  // processor seconds: a busy machine does not decide
#endif

struct Way {
  const char* name;
  int signal = 0;         // that must end the program
  const char* says = "";  // on either stream
};

class LeavingBy : public ::testing::TestWithParam<Way> {};

TEST_P(LeavingBy, IsCleanOnEveryDevice) {
  const Way& way = GetParam();
  for (const char* device : {"cpu", "reference", "opaque"}) {
    const Outcome outcome =
        run({.arguments = {program("integration_ways_out"), way.name},
             .environment = {{"TENON_DEVICE", device}, {"TENON_OPAQUE_DELAY_US", "2000"}},
             .limit = std::chrono::seconds(60)});
    EXPECT_FALSE(outcome.timed_out) << device;
    EXPECT_EQ(outcome.signal, way.signal) << device << ": " << outcome.describe();
    EXPECT_EQ(outcome.exit_code, way.signal == 0 ? 0 : -1) << device << ": " << outcome.describe();
    EXPECT_LT(outcome.cpu_seconds, kSoon) << device;
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr(way.says)) << device;
  }
}
INSTANTIATE_TEST_SUITE_P(
    Ways, LeavingBy,
    ::testing::Values(Way{"return"}, Way{"exit"}, Way{"quick_exit"}, Way{"_exit"},
                      Way{"exit_in_thread"}, Way{"exit_beside_a_busy_thread"},
                      Way{"thread_ends_with_tensors"}, Way{"work_in_flight"},
                      Way{"work_in_flight_quick"}, Way{"static_destructor", 0, "late 4"},
                      Way{"at_exit", 0, "late 4"}, Way{"exception", SIGABRT, "out of main"},
                      Way{"tenon_error", SIGABRT, "shapes must broadcast"}, Way{"abort", SIGABRT}),
    [](const auto& row) {
      return std::string(row.param.name[0] == '_' ? "underscore" : "") + row.param.name;
    });

class StoppedBy : public ::testing::TestWithParam<int> {};

TEST_P(StoppedBy, ASignalEndsTheProgramInTheMiddleOfAStep) {
  for (const char* device : {"cpu", "reference", "opaque"}) {
    const Outcome outcome = run({.arguments = {program("integration_ways_out"), "run_for_ever"},
                                 .environment = {{"TENON_DEVICE", device}},
                                 .limit = std::chrono::seconds(60),
                                 .watch = [](pid_t process, std::string_view out) {
                                   if (out.find("ready") == std::string_view::npos) return false;
                                   ::kill(process, GetParam());
                                   return true;
                                 }});
    EXPECT_FALSE(outcome.timed_out) << device;
    EXPECT_EQ(outcome.signal, GetParam()) << device << ": " << outcome.describe();
  }
}
INSTANTIATE_TEST_SUITE_P(Signals, StoppedBy, ::testing::Values(SIGTERM, SIGINT, SIGKILL),
                         [](const auto& row) { return "signal" + std::to_string(row.param); });

// ---- fork ----

Outcome fork_by(const char* way, const char* device = "cpu") {
  Outcome outcome = run({.arguments = {program("integration_forks"), way, device},
                         .environment = {{"TENON_DEVICE", device}},
                         .limit = std::chrono::seconds(60)});
  EXPECT_FALSE(outcome.timed_out) << way << " on " << device;
  EXPECT_LT(outcome.cpu_seconds, kSoon) << way << " on " << device;
  return outcome;
}

class ForkedChild : public ::testing::TestWithParam<const char*> {};

TEST_P(ForkedChild, ComputesOnHostMemory) {
  const Outcome outcome = fork_by(GetParam());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
}
INSTANTIATE_TEST_SUITE_P(Ways, ForkedChild,
                         ::testing::Values("before_init", "after_init", "grandchild",
                                           "child_trains", "exec", "exit_in_child"),
                         [](const auto& row) { return std::string(row.param); });

TEST(Fork, OtherDevicesAnswerAnErrorInTheChildAndLiveOnInTheParent) {
  for (const char* way : {"device_in_child", "tensor_of_device_in_child"}) {
    const Outcome outcome = fork_by(way, "opaque");
    EXPECT_EQ(outcome.exit_code, 3) << way << ": " << outcome.describe();
    EXPECT_THAT(outcome.out, HasSubstr("fork")) << way;
  }
  EXPECT_EQ(fork_by("host_memory_beside_device", "opaque").exit_code, 0);
  EXPECT_EQ(fork_by("exit_in_child", "opaque").exit_code, 0);
  EXPECT_EQ(fork_by("exec", "opaque").exit_code, 0);
}

}  // namespace
}  // namespace tenon::integration
