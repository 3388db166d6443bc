// The one caching allocator: plugins (or the host) give raw segments, this hands out blocks. All
// work of a device is stream-ordered, so a freed block may be handed out again at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/export.h>
#include <tenon/runtime/memory/block.h>
#include <tenon/runtime/memory/free_blocks.h>
#include <tenon/runtime/memory/memory.h>

namespace tenon {

class DeviceContext;
struct ThreadCache;
enum class MemoryEventKind : uint8_t;

// One segment as memory_snapshot() shows it.
struct SegmentView {
  struct Part {
    uint64_t offset_bytes = 0, size_bytes = 0;
    BlockState state = BlockState::kFree;
  };
  uint32_t number = 0;
  uint64_t size_bytes = 0;
  std::vector<Part> blocks;
};

// Note "Rounds": blocks of up to 32 KiB come from and go to a cache of the calling thread as long
// as its round is the allocator's. Whoever wants every block, or every call, of all threads changes
// the round; each thread then comes through the locked path, where its cache is emptied.
class TENON_API Allocator {
 public:
  explicit Allocator(DeviceContext& context);
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // At least size_bytes. When the device has no memory: waits for its work, gives the cache back
  // and asks again, then for no more than is needed. Errors: OutOfMemory with sizes, DeviceLost.
  [[nodiscard]] Block* allocate(uint64_t size_bytes);
  void free(Block* block) noexcept;
  // Returns unused segments to the device.
  void empty_cache();
  [[nodiscard]] MemoryStats stats() const;
  void reset_peak();
  // Plugin handle of a host segment, made on first use. Errors: Device.
  [[nodiscard]] tn_buffer buffer(Segment& segment);

  // Follows the history's switch.
  void follow_history();
  [[nodiscard]] std::vector<SegmentView> segments() const;
  // Around fork, so that the child finds the lock free.
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }

 private:
  friend struct ThreadCaches;
  struct Lists {
    FreeBlocks small, large;
    [[nodiscard]] FreeBlocks& of(const Segment& segment) noexcept {
      return segment.small ? small : large;
    }
  };

  Block* allocate_locked(uint64_t size_bytes);
  void free_locked(Block* block) noexcept;
  // This thread's cache in step with the allocator; nullptr when there is none. Under the lock.
  ThreadCache* enter() noexcept;
  void fold(ThreadCache& cache) noexcept;
  void drain(ThreadCache& cache) noexcept;
  void retire(ThreadCache& cache) noexcept;
  void next_round() noexcept;

  enum class Fit : uint8_t { kClose, kAny };
  [[nodiscard]] Block* find(uint64_t size_bytes, bool small, Fit fit) noexcept;
  [[nodiscard]] Block* find_or_grow(uint64_t size_bytes, bool small, ThreadCache* cache);
  void use(Block* block, uint64_t size_bytes) noexcept;
  void merge(Block* block) noexcept;
  void absorb_next(Block* block) noexcept;
  [[nodiscard]] Block* new_segment(uint64_t size_bytes, bool small);
  // False when the device has no memory, and why. Errors: what else the plugin answers.
  bool obtain(Segment& segment, uint64_t size_bytes, std::string* reason);
  void release(Segment* segment) noexcept;
  void trim() noexcept;
  [[noreturn]] void fail_out_of_memory(uint64_t asked_bytes, const std::string& reason);
  void record(MemoryEventKind kind, const Segment* segment, uint64_t offset_bytes,
              uint64_t size_bytes) const noexcept;

  DeviceContext& context_;
  // Read by every call, written seldom; 0 while a history is recorded, which no cache ever has.
  std::atomic<uint32_t> round_{1};
  uint32_t last_round_ = 1;
  alignas(64) mutable std::mutex mutex_;
  uint32_t peak_round_ = 0;
  uint32_t segment_count_ = 0;  // ever
  bool recording_ = false;
  Lists free_;
  BlockPool pool_;
  Segment* segments_ = nullptr;
  ThreadCache* caches_ = nullptr;
  int64_t allocated_ = 0, allocated_peak_ = 0;  // without what caches have yet to tell
  MemoryStats stats_;                           // the others
};

}  // namespace tenon
