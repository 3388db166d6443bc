// The last events of all allocators, while somebody wants them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tenon {

enum class MemoryEventKind : uint8_t {
  kAllocate,
  kFree,
  kReserve,  // a segment came from the device
  kRelease,  // it went back
  kRefused,  // the device had no memory for size_bytes
};

struct MemoryEvent {
  int64_t time_ns = 0;  // since the start of the history
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  uint32_t segment = 0;
  uint16_t device = 0;  // the id of its context
  MemoryEventKind kind = MemoryEventKind::kAllocate;
};
static_assert(sizeof(MemoryEvent) == 32);

class MemoryHistory {
 public:
  struct Recorded {
    std::vector<MemoryEvent> events;  // in order of time
    uint64_t dropped = 0;             // older ones that had no room
  };

  // Never destroyed.
  static MemoryHistory& instance();

  void start(uint64_t max_events);
  void stop();
  [[nodiscard]] bool is_on() const noexcept { return on_.load(std::memory_order_relaxed); }
  void add(MemoryEvent event) noexcept;
  [[nodiscard]] Recorded recorded() const;
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }  // for fork

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> on_{false};
  std::chrono::steady_clock::time_point begin_;
  std::vector<MemoryEvent> ring_;
  uint64_t count_ = 0;  // ever added
};

}  // namespace tenon
