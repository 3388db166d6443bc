// Counters of memory, what happens when a device has none left, the history and its picture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/memory/memory.h>
#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Bytes of device memory that nobody has written.
Tensor bytes(uint64_t size_bytes, const Device& device = default_device()) {
  return empty({static_cast<int64_t>(size_bytes)}, TensorOptions(kUInt8, device));
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder of this process that goes with the object.
struct Folder {
  std::string path =
      std::filesystem::temp_directory_path() / ("tenon_memory_" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

// ---- counters ----

TEST(MemoryStats, CountEachBlock) {
  const Device device = default_device();
  const MemoryStats before = memory_stats(device);
  {
    const Tensor small = bytes(1000), large = bytes(3 * kMiB);
    const MemoryStats during = memory_stats(device);
    EXPECT_EQ(during.allocated, before.allocated + 1024 + 3 * kMiB);
    EXPECT_EQ(during.allocations, before.allocations + 2);
    EXPECT_EQ(during.frees, before.frees);
    EXPECT_EQ(during.cached(), during.reserved - during.allocated);
  }
  const MemoryStats after = memory_stats(device);
  EXPECT_EQ(after.allocated, before.allocated);
  EXPECT_EQ(after.frees, before.frees + 2);
  EXPECT_EQ(after.hits, after.allocations - after.segment_allocations);
  EXPECT_EQ(after.segments, after.segment_allocations - after.segment_frees);
}

TEST(MemoryStats, PeaksAreExactAndBeginAnew) {
  const Device device = default_device();
  (void)bytes(30 * kMiB);
  reset_peak_memory_stats(device);
  const uint64_t base = memory_stats(device).allocated;
  EXPECT_EQ(memory_stats(device).allocated_peak, base);
  EXPECT_EQ(memory_stats(device).reserved_peak, memory_stats(device).reserved);
  for (int i = 0; i < 3; ++i) {
    const Tensor a = bytes(512), b = bytes(1024), c = bytes(2 * kMiB);
  }
  EXPECT_EQ(memory_stats(device).allocated_peak, base + 1536 + 2 * kMiB);
  for (int i = 0; i < 3; ++i) {
    const Tensor a = bytes(512), b = bytes(4096);
  }
  EXPECT_EQ(memory_stats(device).allocated_peak, base + 1536 + 2 * kMiB);
  reset_peak_memory_stats(device);
  EXPECT_EQ(memory_stats(device).allocated_peak, base);
}

TEST(MemoryStats, SumWhatAllThreadsHold) {
  const Device device = default_device();
  const MemoryStats before = memory_stats(device);
  std::vector<std::vector<Tensor>> held(4);
  std::vector<std::thread> threads;
  for (auto& tensors : held) {
    threads.emplace_back([&tensors] {
      for (int i = 0; i < 100; ++i) (void)bytes(700);
      for (int i = 0; i < 10; ++i) tensors.push_back(bytes(700));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_stats(device).allocated, before.allocated + 40 * 1024);
  EXPECT_EQ(memory_stats(device).allocations, before.allocations + 440);
  held.clear();  // by another thread than the one that made them
  EXPECT_EQ(memory_stats(device).allocated, before.allocated);
  EXPECT_EQ(memory_stats(device).frees, before.frees + 440);
}

TEST(MemoryCache, IsGivenBackWhenThreadsHaveEnded) {
  const Device device = default_device();
  empty_cache(device);
  const MemoryStats before = memory_stats(device);
  std::thread([] {
    std::vector<Tensor> tensors;
    for (int i = 0; i < 500; ++i) tensors.push_back(bytes(8192));
  }).join();
  EXPECT_GT(memory_stats(device).reserved, before.reserved);
  empty_cache(device);
  EXPECT_EQ(memory_stats(device).reserved, before.reserved);
}

// What is freed in one size serves every other size.
TEST(MemoryCache, DoesNotPileUpSizes) {
  const Device device = default_device();
  empty_cache(device);
  const uint64_t before = memory_stats(device).reserved;
  for (uint64_t size = 512; size <= 64 * 512; size += 512) {
    std::vector<Tensor> tensors;
    for (uint64_t sum = 0; sum < kMiB; sum += size) tensors.push_back(bytes(size));
  }
  EXPECT_LE(memory_stats(device).reserved, before + 6 * kMiB);
  const Tensor whole = bytes(kMiB);
  EXPECT_LE(memory_stats(device).reserved, before + 6 * kMiB);
}

TEST(MemoryCache, ServesASecondStepWithoutTheDevice) {
  const Device device = default_device();
  const auto step = [] {
    const Tensor x = ones({64, 1000}), w = ones({1000, 500});
    return matmul(x, w).relu().sum().item<float>();
  };
  const float first = step();
  const MemoryStats before = memory_stats(device);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(step(), first);
  EXPECT_EQ(memory_stats(device).segment_allocations, before.segment_allocations);
  EXPECT_EQ(memory_stats(device).reserved, before.reserved);
}

// ---- no memory left ----

std::string out_of_memory_text(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOutOfMemory) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// A device of 48 MiB that refuses the second request whatever its size. It is opened once, so all
// that happens there is one case.
TEST(OutOfMemory, GivesTheCacheBackThenSaysTheSizes) {
  set_plugin_config("opaque", "memory_bytes", std::to_string(48 * kMiB));
  set_plugin_config("opaque", "refuse_nth", "2");
  const Device device("opaque", 1);
  const Tensor kept = full({1000}, 3.0, TensorOptions(device));
  EXPECT_EQ(memory_stats(device).segments, 1u);
  {
    const Tensor x = full({5, 1000, 1000}, 2.0, TensorOptions(device));  // refused once
    EXPECT_EQ(x.sum().item<float>(), 1e7f);
  }
  EXPECT_EQ(memory_stats(device).retries, 1u);

  (void)bytes(25 * kMiB, device);  // 20 and 25 are cached now: 40 fit only without them
  const Tensor most = bytes(40 * kMiB, device);
  EXPECT_EQ(memory_stats(device).retries, 2u);
  EXPECT_EQ(memory_stats(device).reserved, 42 * kMiB);

  // No room for a segment of 20 MiB, but for what is asked.
  Tensor exact = full({1000, 1000}, 1.0, TensorOptions(device));
  EXPECT_EQ(exact.sum().item<float>(), 1e6f);

  const MemoryStats before = memory_stats(device);
  const std::string text = out_of_memory_text([&] { (void)bytes(60 * kMiB, device); });
  EXPECT_THAT(text, HasSubstr("opaque:1 has no memory left for " + std::to_string(60 * kMiB)));
  EXPECT_THAT(text, HasSubstr(std::to_string(before.allocated) + " are in use"));
  EXPECT_THAT(text, HasSubstr(std::to_string(before.cached()) + " cached"));
  EXPECT_THAT(text, HasSubstr("limit is " + std::to_string(48 * kMiB)));

  const MemoryStats after = memory_stats(device);
  EXPECT_EQ(after.allocated, before.allocated);
  EXPECT_EQ(after.reserved, before.reserved);
  EXPECT_EQ(kept.sum().item<float>(), 3000);
  EXPECT_EQ(exact.add_(1).sum().item<float>(), 2e6f);
  EXPECT_EQ(ones({10}).sum().item<float>(), 10);  // nor is another device concerned
}

TEST(OutOfMemory, OfTheHostIsTypedAndHarmless) {
  const Device cpu("cpu");
  const Tensor kept = ones({1000}, TensorOptions(cpu));
  const MemoryStats before = memory_stats(cpu);
  const uint64_t asked = uint64_t{1} << 46;
  const std::string text = out_of_memory_text([&] { (void)bytes(asked, cpu); });
  EXPECT_THAT(text, HasSubstr("cpu has no memory left for " + std::to_string(asked)));
  EXPECT_THAT(text, HasSubstr("limit is "));
  EXPECT_EQ(memory_stats(cpu).allocated, before.allocated);
  EXPECT_EQ(kept.sum().item<float>(), 1000);
}

// ---- history ----

TEST(MemoryHistory, IsWrittenAndDrawn) {
  const Folder folder;
  const Tensor before = bytes(2000);
  start_memory_history();
  { const Tensor a = bytes(1 * kMiB), b = bytes(100); }
  const Tensor c = bytes(7 * 512);
  stop_memory_history();
  const Tensor unseen = bytes(9 * 512);
  memory_snapshot(folder.path + "/shot");

  const std::string json = read_file(folder.path + "/shot.json");
  EXPECT_THAT(json, HasSubstr("\"format\":1"));
  EXPECT_THAT(json, HasSubstr("\"device\":\"" + default_device().str() + "\""));
  EXPECT_EQ(count(json, "\"kind\":\"allocate\""), 3u);
  EXPECT_EQ(count(json, "\"kind\":\"free\""), 2u);
  EXPECT_THAT(json, HasSubstr("\"size\":3584}"));
  EXPECT_THAT(json, Not(HasSubstr("\"size\":4608}")));
  EXPECT_THAT(json, HasSubstr("\"events_dropped\":0"));

  const std::string svg = read_file(folder.path + "/shot.svg");
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr(">" + default_device().str() + "</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>1.0 MiB in segment "));
}

TEST(MemoryHistory, KeepsTheLastEventsOnly) {
  const Folder folder;
  start_memory_history(8);
  for (int i = 0; i < 50; ++i) (void)bytes(512);
  stop_memory_history();
  memory_snapshot(folder.path + "/few.json");
  const std::string json = read_file(folder.path + "/few.json");
  EXPECT_EQ(count(json, "\"kind\""), 8u);
  EXPECT_FALSE(std::filesystem::exists(folder.path + "/few.json.svg"));
  start_memory_history();  // begins anew
  stop_memory_history();
  memory_snapshot(folder.path + "/none.json");
  EXPECT_EQ(count(read_file(folder.path + "/none.json"), "\"kind\""), 0u);
}

TEST(MemoryHistory, SeesEveryThread) {
  const Folder folder;
  start_memory_history();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) (void)bytes(600);
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop_memory_history();
  memory_snapshot(folder.path + "/threads.json");
  const std::string json = read_file(folder.path + "/threads.json");
  EXPECT_EQ(count(json, "\"kind\":\"allocate\""), 400u);
  EXPECT_EQ(count(json, "\"kind\":\"free\""), 400u);
}

TEST(MemoryHistory, RefusesWhatCantBe) {
  EXPECT_THROW(start_memory_history(0), Error);
  EXPECT_THROW(start_memory_history(uint64_t{1} << 40), Error);
  EXPECT_THROW(memory_snapshot("/no/such/folder/shot"), Error);
}

// ---- fork ----

#if !defined(__SANITIZE_THREAD__)  // which ends a forked child of many threads
TEST(MemoryFork, LeavesTheChildAHostAllocator) {
  (void)bytes(100'000, Device("cpu"));  // what the first use locks is not what this is about
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&stop] {
      while (!stop.load()) (void)bytes(100'000, Device("cpu"));
    });
  }
  for (int i = 0; i < 30; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);  // a lock that nobody opens
      const Tensor small = bytes(100, Device("cpu")), large = bytes(200'000, Device("cpu"));
      ::_exit(large.numel() == 200'000 && small.numel() == 100 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "child " << i;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}
#endif

}  // namespace
}  // namespace tenon
