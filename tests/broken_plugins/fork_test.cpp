// A fork while a plugin is being opened: the child computes on host memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

#include "scratch.h"
#include "visit.h"

namespace tenon {
namespace {

using tests::broken_plugin;

// Of a fork that computes with its own first use of cpu's plugin.
std::string child_computes() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(8);  // a lock that nobody opens
    const bool right = (ones({4}) + 1.).sum().item<float>() == 8;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? "the child computed" : join_text("the child ended with ", status);
}

#if !defined(__SANITIZE_THREAD__)  // which ends a forked child of many threads
TEST(ForkBesideOpening, LeavesTheChildWithoutAHeldLock) {
  const tests::Visit seen = tests::visit([] {
    std::thread opener([] { load_plugin_file(broken_plugin("slow_open")); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the other thread is inside
    std::string verdict = child_computes();
    opener.join();
    return find_plugin("slow_open") != nullptr ? verdict : verdict + ", nothing was opened";
  });
  EXPECT_FALSE(seen.hung);
  EXPECT_EQ(seen.status, 0);
  EXPECT_EQ(seen.verdict, "the child computed");
}

TEST(ForkBesideOpening, OfCpuItselfAsWell) {
  for (int round = 0; round < 10; ++round) {
    const tests::Visit seen = tests::visit([round] {
      std::thread opener([] { static_cast<void>((ones({4}) + 1.).sum().item<float>()); });
      std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
      std::string verdict = child_computes();
      opener.join();
      return verdict;
    });
    EXPECT_EQ(seen.verdict, "the child computed") << round;
  }
}
#endif

TEST(ForkInsideOpening, APluginMayForkWhileItOpens) {
  const tests::Visit seen = tests::visit([] {
    load_plugin_file(broken_plugin("fork_in_open"));
    return child_computes();
  });
  EXPECT_FALSE(seen.hung);
  EXPECT_EQ(seen.verdict, "the child computed");
}

}  // namespace
}  // namespace tenon
