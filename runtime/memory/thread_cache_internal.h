// Small blocks that a thread keeps for its next tensors: taken and given back without a lock.
#pragma once

#include <atomic>
#include <cstdint>

#include <tenon/runtime/memory/block.h>

namespace tenon {

class Allocator;

// Of one thread and one device. Only its thread changes it; the counters may be read by others.
// They hold what happened since the allocator last added them to its own.
struct ThreadCache {
  static constexpr uint64_t kLists = 64;  // of blocks of 512 to 32,768 bytes
  static constexpr uint64_t kLargest = kLists * kBlockUnit;
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 20;

  Allocator* allocator = nullptr;
  uint32_t round = UINT32_MAX;  // of the allocator, when this was last in step with it
  uint32_t peak_round = 0;
  uint64_t held_bytes = 0;
  Block* lists[kLists] = {};
  std::atomic<int64_t> allocated{0}, allocated_peak{0};
  std::atomic<uint64_t> allocations{0}, frees{0};
  ThreadCache* previous = nullptr;
  ThreadCache* next = nullptr;

  // size_bytes <= kLargest; nullptr when there is none of this size.
  Block* take(uint64_t size_bytes) noexcept {
    const uint64_t list = size_bytes == 0 ? 0 : (size_bytes - 1) / kBlockUnit;
    Block* block = lists[list];
    if (block == nullptr) return nullptr;
    lists[list] = block->list_next;
    held_bytes -= block->size_bytes;
    const int64_t now =
        allocated.load(std::memory_order_relaxed) + static_cast<int64_t>(block->size_bytes);
    allocated.store(now, std::memory_order_relaxed);
    if (now > allocated_peak.load(std::memory_order_relaxed)) {
      allocated_peak.store(now, std::memory_order_relaxed);
    }
    bump(allocations);
    return block;
  }

  // block->size_bytes <= kLargest; false when the cache is full.
  bool give(Block* block) noexcept {
    const uint64_t size_bytes = block->size_bytes;
    if (held_bytes + size_bytes > kMaxBytes) return false;
    Block*& head = lists[size_bytes / kBlockUnit - 1];
    block->list_next = head;
    head = block;
    held_bytes += size_bytes;
    allocated.store(allocated.load(std::memory_order_relaxed) - static_cast<int64_t>(size_bytes),
                    std::memory_order_relaxed);
    bump(frees);
    return true;
  }

 private:
  static void bump(std::atomic<uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

}  // namespace tenon
