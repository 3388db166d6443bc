// No host memory for the runtime's own objects: what was taken before is given back.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <vector>

#include <tenon/tenon.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they bring their own
namespace {

// Counts down with each object of the pools; at 0 there is no memory. -1: for ever enough.
thread_local int allocations_left = -1;

}  // namespace

void* operator new(std::size_t size, std::align_val_t alignment) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  const auto unit = static_cast<std::size_t>(alignment);
  void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tenon {
namespace {

TEST(Storage, AFailedObjectLeavesNoBlockBehind) {
  const Device device = default_device();
  static_cast<void>(empty({4}, TensorOptions(device)));
  const uint64_t before = memory_stats(device).allocated;
  for (int point = 0; point < 12; ++point) {
    std::vector<Tensor> held;
    held.reserve(10'000);
    bool failed = false;
    allocations_left = point;
    try {
      while (held.size() < 10'000) held.push_back(empty({4}, TensorOptions(device)));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    allocations_left = -1;
    EXPECT_TRUE(failed) << point;
    const uint64_t expected = before + held.size() * 512;
    EXPECT_EQ(memory_stats(device).allocated, expected) << point;
  }
  EXPECT_EQ(memory_stats(device).allocated, before);
}

}  // namespace
}  // namespace tenon
#endif
