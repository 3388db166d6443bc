// Many steps of training in changing sizes: memory neither grows nor is asked of the system again.
// TENON_FULL=1 makes it 200,000 steps on cpu, 10,000 on slower devices.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>

#include <tenon/tenon.h>

namespace tenon {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

int64_t soak_steps(const Device& device) {
  const bool full = std::getenv("TENON_FULL") != nullptr;
  return device.is_cpu() ? (full ? 200'000 : 4'000) : (full ? 10'000 : 1'000);
}

uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

struct Net : nn::Cloneable<Net> {
  nn::Linear a{8, 64}, b{64, 4};
  Net() {
    register_module("a", &Net::a);
    register_module("b", &Net::b);
  }
  Tensor forward(const Tensor& x) override { return b(relu(a(x))); }
};

TEST(MemorySoak, TrainingStaysFlat) {
  const Device device = default_device();
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 1e-3});
  std::mt19937 random(11);
  const int64_t steps = soak_steps(device), warm_up = steps / 2;
  MemoryStats warm;
  uint64_t warm_resident = 0;
  for (int64_t step = 0; step < steps; ++step) {
    const auto batch = static_cast<int64_t>(1 + random() % 64);
    const Tensor x = full({batch, 8}, 0.5), target = zeros({batch}, TensorOptions(kInt64));
    const Tensor loss = cross_entropy(net(x), target);
    adam.zero_grad();
    loss.backward();
    adam.step();
    if (step % 10 == 0) {  // waits: what is queued takes memory of the host, too
      ASSERT_TRUE(std::isfinite(loss.item<double>())) << "step " << step;
    }
    if (step == warm_up) {
      warm = memory_stats(device);
      warm_resident = resident_bytes();
    }
  }
  synchronize(device);
  const MemoryStats after = memory_stats(device);
  EXPECT_LE(after.reserved, warm.reserved + 2 * kMiB);  // a rare pair of sizes may need one more
  EXPECT_LE(after.allocated_peak, warm.allocated_peak + kMiB);
  EXPECT_LE(after.allocated, warm.allocated + kMiB / 8);
  EXPECT_LE(after.segment_allocations, warm.segment_allocations + 1);
  RecordProperty("grown_bytes", std::to_string(resident_bytes() - warm_resident));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what is freed
  EXPECT_LE(resident_bytes(), warm_resident + 4 * kMiB);
#endif
}

#if defined(__linux__)
// Once warm, a step takes no page of the system.
TEST(MemorySoak, WarmStepsDoNotFault) {
  const auto step = [] {
    const Tensor x = ones({64, 256}), w = ones({256, 4096});
    return matmul(x, w).relu_().sum();
  };
  for (int i = 0; i < 5; ++i) (void)step();
  const auto faults = [] {
    std::ifstream file("/proc/self/stat");
    std::string word;
    for (int field = 0; field < 10; ++field) file >> word;  // minflt
    return std::stoull(word);
  };
  if (!default_device().is_cpu()) synchronize(default_device());
  const uint64_t segments = memory_stats(default_device()).segment_allocations;
  const uint64_t before = faults();
  for (int i = 0; i < 20; ++i) (void)step();
  synchronize(default_device());
  EXPECT_EQ(memory_stats(default_device()).segment_allocations, segments);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(faults() - before, 40u);  // two a step, where fresh memory would be 1,280
#else
  static_cast<void>(before);
#endif
}
#endif

}  // namespace
}  // namespace tenon
