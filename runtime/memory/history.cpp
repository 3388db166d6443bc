#include <tenon/runtime/memory/history_internal.h>

#include <algorithm>

namespace tenon {

MemoryHistory& MemoryHistory::instance() {
  static MemoryHistory& history = *new MemoryHistory;
  return history;
}

void MemoryHistory::start(uint64_t max_events) {
  std::vector<MemoryEvent> ring(max_events);
  const std::lock_guard lock(mutex_);
  ring_.swap(ring);
  count_ = 0;
  begin_ = std::chrono::steady_clock::now();
  on_.store(true, std::memory_order_relaxed);
}

void MemoryHistory::stop() { on_.store(false, std::memory_order_relaxed); }

void MemoryHistory::add(MemoryEvent event) noexcept {
  const std::lock_guard lock(mutex_);
  if (ring_.empty() || !is_on()) return;
  event.time_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin_).count();
  ring_[count_++ % ring_.size()] = event;
}

MemoryHistory::Recorded MemoryHistory::recorded() const {
  const std::lock_guard lock(mutex_);
  Recorded result;
  const uint64_t kept = std::min<uint64_t>(count_, ring_.size());
  result.dropped = count_ - kept;
  result.events.reserve(kept);
  for (uint64_t i = result.dropped; i < count_; ++i) {
    result.events.push_back(ring_[i % ring_.size()]);
  }
  return result;
}

}  // namespace tenon
