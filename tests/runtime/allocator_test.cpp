#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

// Blocks of many sizes live at once; each must keep its own bytes.
void churn(uint32_t seed, int steps) {
  std::mt19937 random(seed);
  struct Held {
    Ref<Storage> storage;
    unsigned char mark;
  };
  std::vector<Held> held;
  const auto whole = [](const Held& h) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(h.storage->host());
    return std::all_of(bytes, bytes + h.storage->size_bytes(),
                       [&](unsigned char byte) { return byte == h.mark; });
  };
  for (int step = 0; step < steps; ++step) {
    if (held.size() > 64 || (!held.empty() && random() % 3 == 0)) {
      const size_t at = random() % held.size();
      ASSERT_TRUE(whole(held[at])) << "seed " << seed << " step " << step;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      continue;
    }
    const auto magnitude = static_cast<uint32_t>(random() % 22);
    const uint64_t size = random() % (uint64_t{1} << magnitude);
    held.push_back({Storage::allocate(DeviceContext::cpu(), size),
                    static_cast<unsigned char>(random())});
    if (size > 0) std::memset(held.back().storage->host(), held.back().mark, size);
  }
  for (const Held& h : held) ASSERT_TRUE(whole(h)) << "seed " << seed;
}

TEST(AllocatorChurn, NoTwoBlocksShareBytes) { churn(7, 20000); }

TEST(AllocatorChurn, SurvivesManyThreads) {
  std::vector<std::thread> threads;
  for (uint32_t seed = 0; seed < 8; ++seed) threads.emplace_back([seed] { churn(seed, 3000); });
  for (std::thread& thread : threads) thread.join();
}

TEST(AllocatorChurn, GivesEverythingBack) {
  Allocator& allocator = DeviceContext::cpu().allocator();
  const uint64_t before = allocator.stats().allocated;
  churn(3, 5000);
  EXPECT_EQ(allocator.stats().allocated, before);
  allocator.empty_cache();
  EXPECT_LE(allocator.stats().reserved, allocator.stats().reserved_peak);
  if (before == 0) {
    EXPECT_EQ(allocator.stats().reserved, 0u);
  }
}

TEST(AllocatorChurn, LargeBlocksAreReusedNotPiledUp) {
  Allocator& allocator = DeviceContext::cpu().allocator();
  for (int i = 0; i < 20; ++i) (void)Storage::allocate(DeviceContext::cpu(), 64u << 20);
  EXPECT_LE(allocator.stats().reserved, allocator.stats().allocated + (200u << 20));
}

// Two threads work on one device; each gets its own right answers.
TEST(Threads, ComputeSideBySide) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 50; ++i) {
        const Tensor x = full({100}, t + 1);
        if ((x * 2 + 1).sum().item<float>() != 100.0f * (2.0f * static_cast<float>(t + 1) + 1.0f))
          ++wrong[static_cast<size_t>(t)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace tenon
