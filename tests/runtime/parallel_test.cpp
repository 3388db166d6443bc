#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include <tenon/runtime/error.h>
#include <tenon/runtime/parallel.h>

namespace tenon {
namespace {

// Each index is visited once, in parts of at least `grain`.
void expect_covered(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
  std::atomic<bool> too_small{false};
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    if (end - begin < std::min(grain, count)) too_small = true;
    for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
  });
  EXPECT_FALSE(too_small) << count << " by " << grain;
  for (const std::atomic<int>& visit : visits) ASSERT_EQ(visit, 1) << count << " by " << grain;
}

TEST(ParallelFor, VisitsEachIndexOnce) {
  set_thread_count(4);
  for (const int64_t count : {0, 1, 2, 3, 7, 16, 17, 1000, 4099}) {
    for (const int64_t grain : {1, 2, 3, 64, 100000}) expect_covered(count, grain);
  }
}

TEST(ParallelFor, HugeRangesDoNotOverflow) {
  set_thread_count(3);
  constexpr int64_t kCount = INT64_MAX - 1;
  std::atomic<int64_t> total{0};
  parallel_for(kCount, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
  EXPECT_EQ(total, kCount);
}

TEST(ParallelFor, NegativeAndZeroArgumentsDoNothingWrong) {
  parallel_for(-5, 1, [](int64_t, int64_t) { FAIL(); });
  expect_covered(10, 0);
  expect_covered(10, -3);
}

TEST(ParallelFor, UsesSeveralThreads) {
  set_thread_count(2);
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  // Two parts meet only when two threads run them at a time; the second chance is for slow
  // machines.
  for (int attempt = 0; attempt < 1000 && !met; ++attempt) {
    parallel_for(2, 1, [&](int64_t, int64_t) {
      ++inside;
      for (int i = 0; i < 100000 && !met; ++i) {
        if (inside == 2) met = true;
      }
      --inside;
    });
  }
  EXPECT_TRUE(met);
}

TEST(ParallelFor, NestedCallsRunInline) {
  set_thread_count(4);
  std::atomic<int64_t> sum{0};
  parallel_for(8, 1, [&](int64_t begin, int64_t end) {
    const std::thread::id outer = std::this_thread::get_id();
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(100, 1, [&](int64_t b, int64_t e) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        sum += e - b;
      });
    }
  });
  EXPECT_EQ(sum, 800);
}

TEST(ParallelFor, AnExceptionReachesTheCaller) {
  set_thread_count(4);
  for (int attempt = 0; attempt < 100; ++attempt) {
    EXPECT_THROW(parallel_for(64, 1,
                              [](int64_t begin, int64_t) {
                                if (begin >= 32) throw std::runtime_error("part failed");
                              }),
                 std::runtime_error);
  }
  expect_covered(100, 1);
}

TEST(ParallelFor, CallersMayBeConcurrent) {
  set_thread_count(3);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 12; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        int64_t own = 0;
        std::atomic<int64_t> sum{0};
        parallel_for(50, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
        own += sum;
        total += own;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, 12 * 300 * 50);
}

TEST(ParallelFor, TheThreadCountMayChangeAtAnyTime) {
  for (const int64_t threads : {1, 5, 2, 8, 1, 3}) {
    set_thread_count(threads);
    EXPECT_EQ(thread_count(), threads);
    expect_covered(1000, 1);
  }
  EXPECT_THROW(set_thread_count(0), Error);
  EXPECT_THROW(set_thread_count(1'000'000), Error);
}

TEST(ParallelFor, AForkedChildComputesWithAPoolOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP()
      << "ThreadSanitizer forbids threads in a forked child (TSAN_OPTIONS=die_after_fork=0)";
#endif
  set_thread_count(4);
  expect_covered(100, 1);  // the pool is there
  const pid_t child = ::fork();
  if (child == 0) {
    std::atomic<int64_t> sum{0};
    for (int i = 0; i < 100; ++i) {
      parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    }
    ::_exit(sum == 10000 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  expect_covered(100, 1);
}

}  // namespace
}  // namespace tenon
