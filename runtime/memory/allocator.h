// The one caching allocator: plugins (or the host) give raw segments, this hands out blocks. All
// work of a device is stream-ordered, so a freed block may be handed out again at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/export.h>

namespace tenon {

class DeviceContext;

// Raw memory of a device.
struct Segment {
  std::byte* host = nullptr;                // "cpu" only
  std::atomic<tn_buffer> buffer = nullptr;  // for "cpu" made when the plugin first needs it
  uint64_t size_bytes = 0;
  bool small = false;
};

// Part of a segment; neighbours merge when free.
struct Block {
  Segment* segment = nullptr;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  bool free = false;
  Block* previous = nullptr;
  Block* next = nullptr;
};

// Counters of one device, in bytes.
struct MemoryStats {
  uint64_t allocated = 0, allocated_peak = 0;  // handed out
  uint64_t reserved = 0, reserved_peak = 0;    // held from the device
  uint64_t allocations = 0, segment_allocations = 0;
};

class TENON_API Allocator {
 public:
  explicit Allocator(DeviceContext& context) : context_(context) {}

  // At least size_bytes. On out-of-memory: trims, synchronises, retries once.
  // Errors: OutOfMemory with sizes, DeviceLost.
  [[nodiscard]] Block* allocate(uint64_t size_bytes);
  void free(Block* block) noexcept;
  // Returns unused segments to the device.
  void empty_cache();
  [[nodiscard]] MemoryStats stats() const;
  void reset_peak();
  // Plugin handle of a host segment, made on first use. Errors: Device.
  [[nodiscard]] tn_buffer buffer(Segment& segment);

 private:
  struct BySize {
    using is_transparent = void;
    bool operator()(const Block* a, const Block* b) const noexcept {
      if (a->size_bytes != b->size_bytes) return a->size_bytes < b->size_bytes;
      return a < b;
    }
    bool operator()(const Block* a, uint64_t size_bytes) const noexcept {
      return a->size_bytes < size_bytes;
    }
    bool operator()(uint64_t size_bytes, const Block* a) const noexcept {
      return size_bytes < a->size_bytes;
    }
  };
  using FreeBlocks = std::set<Block*, BySize>;

  Block* take_free(uint64_t size_bytes, bool small);
  Block* split(Block* block, uint64_t size_bytes);
  Segment* new_segment(uint64_t size_bytes);
  void release_segment(Segment* segment) noexcept;
  void trim_locked();

  DeviceContext& context_;
  mutable std::mutex mutex_;
  // Exact-size bins for small blocks (a push and a pop), a sorted set for the rest.
  static constexpr size_t kBins = 64;
  std::vector<Block*> bins_[kBins];
  FreeBlocks small_free_, large_free_;
  MemoryStats stats_;
};

// Statistics and cache of a device. Errors: Device.
class Device;
[[nodiscard]] TENON_API MemoryStats memory_stats(const Device& device);
TENON_API void empty_cache(const Device& device);

}  // namespace tenon
