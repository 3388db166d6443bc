// A fork while a plugin is being opened: the child computes on host memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

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
    int ends[2];
    if (::pipe(ends) != 0) return std::string("no pipe");
    ::setenv("SLOW_OPEN_TELLS", std::to_string(ends[1]).c_str(), 1);
    std::thread opener([] { load_plugin_file(broken_plugin("slow_open")); });
    char told = 0;
    if (::read(ends[0], &told, 1) != 1) return std::string("nobody opened it");  // it is inside
    std::string verdict = child_computes();
    opener.join();
    return find_plugin("slow_open") != nullptr ? verdict : verdict + ", nothing was opened";
  });
  EXPECT_FALSE(seen.hung);
  EXPECT_EQ(seen.status, 0);
  EXPECT_EQ(seen.verdict, "the child computed");
}

// At ten moments of the opening, from its begin on.
TEST(ForkBesideOpening, OfCpuItselfAsWell) {
  for (int round = 0; round < 10; ++round) {
    const tests::Visit seen = tests::visit([round] {
      std::atomic<bool> begun{false};
      std::thread opener([&begun] {
        begun.store(true);
        begun.notify_one();
        static_cast<void>((ones({4}) + 1.).sum().item<float>());
      });
      begun.wait(false);
      const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(300) * round;
      while (std::chrono::steady_clock::now() < moment) continue;
      std::string verdict = child_computes();
      opener.join();
      return verdict;
    });
    EXPECT_EQ(seen.verdict, "the child computed") << round;
  }
}

// Each layer and the guard have locks that the other thread takes at every call.
class ForkBesideWork : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ForkBesideWork, LeavesTheChildWithoutAHeldLock) {
  const tests::Visit seen = tests::visit([] {
    ::setenv(GetParam().first, GetParam().second, 1);
    std::atomic<int> done{0};
    std::atomic<bool> stop{false};
    std::thread worker([&] {
      const NoGradGuard guard;
      while (!stop.load()) {
        const Tensor x = ones({4}).requires_grad_();
        static_cast<void>((x.view({2, 2}) + 1.).sum().item<float>());
        ++done;
        done.notify_one();
      }
    });
    done.wait(0);
    std::string verdict = "the child computed";
    for (int i = 0; i < 20 && verdict == "the child computed"; ++i) verdict = child_computes();
    stop.store(true);
    worker.join();
    return verdict;
  });
  EXPECT_FALSE(seen.hung);
  EXPECT_EQ(seen.status, 0);
  EXPECT_EQ(seen.verdict, "the child computed");
}

INSTANTIATE_TEST_SUITE_P(
    Layers, ForkBesideWork,
    testing::Values(std::pair{"TENON_LAYERS", "validate"},
                    std::pair{"TENON_LAYERS", "trace:file=/dev/null"},
                    std::pair{"TENON_LAYERS", "fault:slot=launch:call=1000000:as=internal"},
                    std::pair{"TENON_ALLOC", "guard"}, std::pair{"TENON_SHADOW", "reference"}));
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
