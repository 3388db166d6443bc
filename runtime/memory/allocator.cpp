#include <tenon/runtime/memory/allocator.h>

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/error.h>
#include <tenon/runtime/loader/call_slot_internal.h>
#include <tenon/runtime/memory/guard_internal.h>
#include <tenon/runtime/memory/history_internal.h>
#include <tenon/runtime/memory/host_memory_internal.h>
#include <tenon/runtime/memory/thread_cache_internal.h>

namespace tenon {

// Devices whose small blocks threads keep; the ids of contexts. Trivial, so that the hot path needs
// no initialisation guard.
constexpr uint32_t kCachedDevices = 16;
struct ThreadCaches {
  ThreadCache* of[kCachedDevices];
  bool closed;  // the thread ends

  void close() noexcept {
    closed = true;
    for (ThreadCache*& cache : of) {
      if (cache != nullptr) cache->allocator->retire(*cache);
      cache = nullptr;
    }
  }
};

namespace {

constexpr uint64_t kSmall = uint64_t{1} << 20;  // up to here blocks come from small segments
constexpr uint64_t kSmallSegment = uint64_t{2} << 20;
constexpr uint64_t kMiddle = uint64_t{10} << 20;  // up to here from 20 MiB segments
constexpr uint64_t kMiddleSegment = uint64_t{20} << 20;
constexpr uint64_t kHostPage = 4096;
// Pages of host segments of such sizes come at once, by all threads. Still larger ones may be meant
// to stay partly empty.
constexpr uint64_t kTouchLeast = kMiddle, kTouchMost = uint64_t{1} << 30;

__attribute__((tls_model("initial-exec"))) constinit thread_local ThreadCaches thread_caches{};

struct ThreadCachesDrain {
  ~ThreadCachesDrain() { thread_caches.close(); }
};

ThreadCache* cache_of(uint32_t id) noexcept {
  return id < kCachedDevices ? thread_caches.of[id] : nullptr;
}

uint64_t round_up(uint64_t value, uint64_t step) {
  uint64_t sum = 0;
  check(!__builtin_add_overflow(value, step - 1, &sum), ErrorCode::kOutOfMemory, "allocate",
        "no device can hold ", value, " bytes; use smaller sizes");
  return sum / step * step;
}

uint64_t segment_size(uint64_t size_bytes) {
  if (guards_allocations()) return size_bytes;
  if (size_bytes <= kSmall) return kSmallSegment;
  if (size_bytes <= kMiddle) return kMiddleSegment;
  return round_up(size_bytes, kHugePage);
}

std::byte* host_of(const Block& block) noexcept {
  std::byte* host = block.segment->host;
  return host == nullptr ? nullptr : host + block.offset_bytes;
}

uint64_t memory_limit(DeviceContext& context, uint64_t* free_bytes) {
  *free_bytes = UINT64_MAX;
  if (context.is_cpu()) {
    return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
           static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  const Plugin& plugin = context.plugin();
  uint64_t budget = 0;
  const bool known = (plugin.optional_slots & kHasBudget) != 0 &&
                     plugin.core.device_budget(context.handle(), free_bytes, &budget) == TN_OK;
  return known ? budget : context.info().memory_bytes;
}

}  // namespace

// Guarded memory is never cached: round 0, which no thread's cache ever has.
Allocator::Allocator(DeviceContext& context)
    : context_(context), round_(guards_allocations() ? 0 : 1) {}

namespace {

// The guard reads and writes beside a tensor itself, and sees what others do there.
void forbid([[maybe_unused]] const std::byte* memory,
            [[maybe_unused]] uint64_t size_bytes) noexcept {
#if defined(ASAN_POISON_MEMORY_REGION)
  if (!guards_allocations()) forbid_host(memory, size_bytes);
#endif
}

}  // namespace

// ---- handing out ----

Block* Allocator::allocate(uint64_t size_bytes) {
  if (size_bytes <= ThreadCache::kLargest) {
    ThreadCache* cache = cache_of(context_.id());
    if (cache != nullptr && cache->round == round_.load(std::memory_order_relaxed)) {
      if (Block* block = cache->take(size_bytes)) {
        allow_host(host_of(*block), size_bytes);
        return block;
      }
    }
  }
  return allocate_locked(size_bytes);
}

void Allocator::free(Block* block) noexcept {
  forbid(host_of(*block), block->size_bytes);
  if (block->size_bytes <= ThreadCache::kLargest) {
    ThreadCache* cache = cache_of(context_.id());
    if (cache != nullptr && cache->round == round_.load(std::memory_order_relaxed) &&
        cache->give(block)) {
      return;
    }
  }
  free_locked(block);
}

Block* Allocator::allocate_locked(uint64_t size_bytes) {
  const uint64_t size = round_up(std::max<uint64_t>(size_bytes, 1), kBlockUnit);
  const bool small = size <= kSmall;
  Block* block = nullptr;
  bool untouched = false;
  {
    const std::lock_guard lock(mutex_);
    ThreadCache* cache = enter();
    pool_.reserve(2);  // one for a segment, one for what is left of a block
    if (guards_allocations()) {
      const GuardLayout layout = guard_layout(size_bytes, context_.is_cpu());
      block = new_segment(layout.segment_bytes, false);
      block->offset_bytes = layout.offset_bytes;
      block->size_bytes = size;  // as the counters have it
    } else {
      block = find_or_grow(size, small, cache);
    }
    use(block, size);
    Segment& segment = *block->segment;
    untouched =
        segment.host != nullptr && !segment.touched && size > kTouchLeast && size <= kTouchMost;
    segment.touched = segment.touched || untouched;
    record(MemoryEventKind::kAllocate, &segment, block->offset_bytes, block->size_bytes);
  }
  if (guards_allocations()) {
    try {
      guard(context_, *block->segment, block->offset_bytes, size_bytes);
    } catch (...) {
      free(block);
      throw;
    }
  }
  allow_host(host_of(*block), size_bytes);
  if (untouched) touch_host(host_of(*block), size_bytes);
  return block;
}

Block* Allocator::find(uint64_t size_bytes, bool small, Fit fit) noexcept {
  FreeBlocks& blocks = small ? free_.small : free_.large;
  Block* block = blocks.find(size_bytes);
  if (block == nullptr) return nullptr;
  // A large request must not eat a far larger block: that would strand the rest.
  const bool far = !small && block->size_bytes > size_bytes + size_bytes / 2 + kMiddleSegment;
  if (far && fit == Fit::kClose) return nullptr;
  blocks.remove(block);
  return block;
}

Block* Allocator::find_or_grow(uint64_t size_bytes, bool small, ThreadCache* cache) {
  if (Block* block = find(size_bytes, small, Fit::kClose)) return block;
  if (small && cache != nullptr && cache->held_bytes >= size_bytes) {
    drain(*cache);  // pieces of other sizes may make one of this size
    if (Block* block = find(size_bytes, small, Fit::kClose)) return block;
  }
  return new_segment(size_bytes, small);
}

void Allocator::use(Block* block, uint64_t size_bytes) noexcept {
  const uint64_t rest = block->size_bytes - size_bytes;
  if (block->segment->small ? rest >= kBlockUnit : rest > kSmall) {
    Block* tail = pool_.take();
    tail->segment = block->segment;
    tail->offset_bytes = block->offset_bytes + size_bytes;
    tail->size_bytes = rest;
    tail->state = BlockState::kFree;
    tail->previous = block;
    tail->next = block->next;
    if (block->next != nullptr) block->next->previous = tail;
    block->next = tail;
    block->size_bytes = size_bytes;
    free_.of(*block->segment).insert(tail);
  }
  block->state = BlockState::kTaken;
  allocated_ += static_cast<int64_t>(block->size_bytes);
  allocated_peak_ = std::max(allocated_peak_, allocated_);
  ++stats_.allocations;
}

void Allocator::free_locked(Block* block) noexcept {
  const std::lock_guard lock(mutex_);
  ThreadCache* cache = enter();
  const uint64_t size = block->size_bytes;
  allocated_ -= static_cast<int64_t>(size);
  ++stats_.frees;
  record(MemoryEventKind::kFree, block->segment, block->offset_bytes, size);
  if (guards_allocations()) {
    unguard(context_, *block->segment);
    release(block->segment);
    return pool_.give(block);
  }
  if (cache != nullptr && size <= ThreadCache::kLargest &&
      cache->held_bytes + size > ThreadCache::kMaxBytes) {
    drain(*cache);
  }
  merge(block);
}

void Allocator::absorb_next(Block* block) noexcept {
  Block* next = block->next;
  block->size_bytes += next->size_bytes;
  block->next = next->next;
  if (next->next != nullptr) next->next->previous = block;
  pool_.give(next);
}

void Allocator::merge(Block* block) noexcept {
  FreeBlocks& blocks = free_.of(*block->segment);
  if (Block* next = block->next; next != nullptr && next->state == BlockState::kFree) {
    blocks.remove(next);
    absorb_next(block);
  }
  if (Block* previous = block->previous;
      previous != nullptr && previous->state == BlockState::kFree) {
    blocks.remove(previous);
    absorb_next(previous);
    block = previous;
  }
  block->state = BlockState::kFree;
  blocks.insert(block);
}

// ---- caches of threads ----

ThreadCache* Allocator::enter() noexcept {
  const uint32_t id = context_.id();
  if (id >= kCachedDevices || thread_caches.closed) return nullptr;
  ThreadCache*& cache = thread_caches.of[id];
  if (cache == nullptr) {
    cache = new (std::nothrow) ThreadCache;
    if (cache == nullptr) return nullptr;
    static thread_local ThreadCachesDrain drain_at_end;
    static_cast<void>(drain_at_end);
    cache->allocator = this;
    cache->next = caches_;
    if (caches_ != nullptr) caches_->previous = cache;
    caches_ = cache;
  }
  fold(*cache);
  const uint32_t round = round_.load(std::memory_order_relaxed);
  if (cache->round != round) {
    drain(*cache);
    if (round != 0) cache->round = round;
  }
  return cache;
}

void Allocator::fold(ThreadCache& cache) noexcept {
  const auto take = [](auto& counter) {
    const auto value = counter.load(std::memory_order_relaxed);
    counter.store(0, std::memory_order_relaxed);
    return value;
  };
  const int64_t peak = allocated_ + take(cache.allocated_peak);
  if (cache.peak_round == peak_round_) allocated_peak_ = std::max(allocated_peak_, peak);
  cache.peak_round = peak_round_;
  allocated_ += take(cache.allocated);
  allocated_peak_ = std::max(allocated_peak_, allocated_);
  stats_.allocations += take(cache.allocations);
  stats_.frees += take(cache.frees);
}

void Allocator::drain(ThreadCache& cache) noexcept {
  if (cache.held_bytes == 0) return;
  for (Block*& head : cache.lists) {
    while (Block* block = head) {
      head = block->list_next;
      merge(block);
    }
  }
  cache.held_bytes = 0;
}

void Allocator::retire(ThreadCache& cache) noexcept {
  {
    const std::lock_guard lock(mutex_);
    fold(cache);
    drain(cache);
    (cache.previous != nullptr ? cache.previous->next : caches_) = cache.next;
    if (cache.next != nullptr) cache.next->previous = cache.previous;
  }
  delete &cache;
}

void Allocator::next_round() noexcept {
  if (++last_round_ == UINT32_MAX) last_round_ = 1;
  round_.store(recording_ || guards_allocations() ? 0 : last_round_, std::memory_order_relaxed);
}

void Allocator::follow_history() {
  const std::lock_guard lock(mutex_);
  recording_ = MemoryHistory::instance().is_on();
  next_round();
}

// ---- segments ----

Block* Allocator::new_segment(uint64_t size_bytes, bool small) {
  if (!context_.is_cpu()) context_.require_compute();
  const uint64_t largest = context_.is_cpu() ? 0 : context_.info().allocation_max;
  uint64_t wanted = segment_size(size_bytes);
  if (largest != 0) wanted = std::max(std::min(wanted, largest), size_bytes);
  auto segment = std::make_unique<Segment>();
  segment->small = small;
  std::string reason;
  if (!obtain(*segment, wanted, &reason)) {
    record(MemoryEventKind::kRefused, nullptr, 0, wanted);
    ++stats_.retries;
    // Queued work may still use what lies in the cache: wait, give it back, ask once more.
    context_.synchronize();
    next_round();
    static_cast<void>(enter());
    trim();
    if (Block* block = find(size_bytes, small, Fit::kAny)) return block;
    const uint64_t least = context_.is_cpu() ? round_up(size_bytes, kHostPage) : size_bytes;
    if (!obtain(*segment, wanted, &reason) &&
        (least >= wanted || !obtain(*segment, least, &reason))) {
      if (Block* block = find(size_bytes, false, Fit::kAny)) return block;
      fail_out_of_memory(size_bytes, reason);
    }
  }
  Block* block = pool_.take();
  block->segment = segment.get();
  block->size_bytes = segment->size_bytes;
  segment->first = block;
  segment->number = segment_count_++;
  segment->next = segments_;
  if (segments_ != nullptr) segments_->previous = segment.get();
  segments_ = segment.get();
  stats_.reserved += segment->size_bytes;
  stats_.reserved_peak = std::max(stats_.reserved_peak, stats_.reserved);
  ++stats_.segments;
  ++stats_.segment_allocations;
  record(MemoryEventKind::kReserve, segment.get(), 0, segment->size_bytes);
  return segment.release()->first;
}

bool Allocator::obtain(Segment& segment, uint64_t size_bytes, std::string* reason) {
  if (context_.is_cpu()) {
    // The first small one is touched page by page: a program that does little stays little.
    const bool huge = size_bytes > kSmallSegment || stats_.reserved > 0;
    segment.host = guards_allocations()
                       ? map_guarded(size_bytes)
                       : map_host(size_bytes, huge ? Pages::kHuge : Pages::kNormal);
    if (segment.host == nullptr) return false;
    forbid(segment.host, size_bytes);
  } else {
    const Plugin& plugin = context_.plugin();
    tn_buffer buffer = nullptr;
    const tn_status status = call_slot(plugin, "buffer_alloc", [&] {
      return plugin.core.buffer_alloc(context_.handle(), size_bytes, &buffer);
    });
    if (status == TN_OUT_OF_MEMORY) {
      *reason = take_plugin_error();
      return false;
    }
    context_.check_status(status, "allocate");
    check(buffer != nullptr, ErrorCode::kInternal, "allocate", "plugin ", plugin.name,
          " answered OK without a buffer");
    segment.buffer = buffer;
  }
  segment.size_bytes = size_bytes;
  return true;
}

void Allocator::fail_out_of_memory(uint64_t asked_bytes, const std::string& reason) {
  uint64_t free_bytes = 0;
  const uint64_t limit = memory_limit(context_, &free_bytes);
  const auto in_use = static_cast<uint64_t>(std::max<int64_t>(allocated_, 0));
  std::string text = join_text(context_.device(), " has no memory left for ", asked_bytes,
                               " bytes: ", in_use, " are in use, ", stats_.reserved - in_use,
                               " cached in pieces that don't fit, its limit is ", limit);
  if (free_bytes != UINT64_MAX) text += join_text(", ", free_bytes, " are free");
  if (!reason.empty()) text += join_text(" (", reason, ")");
  fail(ErrorCode::kOutOfMemory, "allocate", text, "; free tensors or use smaller batches");
}

void Allocator::release(Segment* segment) noexcept {
  record(MemoryEventKind::kRelease, segment, 0, segment->size_bytes);
  (segment->previous != nullptr ? segment->previous->next : segments_) = segment->next;
  if (segment->next != nullptr) segment->next->previous = segment->previous;
  stats_.reserved -= segment->size_bytes;
  --stats_.segments;
  ++stats_.segment_frees;
  if (const tn_buffer buffer = segment->buffer) {
    const Plugin& plugin = context_.plugin();
    call_release(plugin, "buffer_free", [&] { plugin.core.buffer_free(buffer); });
  }
  if (guards_allocations()) {
    unmap_guarded(segment->host, segment->size_bytes);
  } else {
    unmap_host(segment->host, segment->size_bytes);
  }
  delete segment;
}

void Allocator::trim() noexcept {
  for (Segment* segment = segments_; segment != nullptr;) {
    Segment* next = segment->next;
    Block* whole = segment->first;
    if (whole->state == BlockState::kFree && whole->next == nullptr) {
      free_.of(*segment).remove(whole);
      pool_.give(whole);
      release(segment);
    }
    segment = next;
  }
}

void Allocator::empty_cache() {
  const std::lock_guard lock(mutex_);
  if (!context_.is_cpu()) context_.synchronize();
  next_round();
  static_cast<void>(enter());
  trim();
}

tn_buffer Allocator::buffer(Segment& segment) {
  if (const tn_buffer known = segment.buffer.load(std::memory_order_acquire)) return known;
  context_.require_compute();
  const std::lock_guard lock(mutex_);
  if (segment.buffer == nullptr) {
    tn_buffer buffer = nullptr;
    const Plugin& plugin = context_.plugin();
    const auto wrap = [&] {
      return plugin.core.buffer_from_host(context_.handle(), segment.host, segment.size_bytes,
                                          &buffer);
    };
    context_.check_status(call_slot(plugin, "buffer_from_host", wrap), "buffer_from_host");
    check(buffer != nullptr, ErrorCode::kInternal, "buffer_from_host", "plugin ",
          context_.plugin().name, " answered OK without a buffer");
    segment.buffer = buffer;
  }
  return segment.buffer;
}

// ---- what is seen from outside ----

MemoryStats Allocator::stats() const {
  const std::lock_guard lock(mutex_);
  MemoryStats result = stats_;
  int64_t allocated = allocated_, peak = allocated_peak_;
  for (const ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
    if (cache->peak_round == peak_round_) {
      peak = std::max(peak, allocated_ + cache->allocated_peak.load(std::memory_order_relaxed));
    }
    allocated += cache->allocated.load(std::memory_order_relaxed);
    result.allocations += cache->allocations.load(std::memory_order_relaxed);
    result.frees += cache->frees.load(std::memory_order_relaxed);
  }
  // Threads that go on may be counted twice or not at all for one block.
  allocated = std::clamp<int64_t>(allocated, 0, static_cast<int64_t>(result.reserved));
  result.allocated = static_cast<uint64_t>(allocated);
  result.allocated_peak = static_cast<uint64_t>(std::max(peak, allocated));
  result.hits = result.allocations - result.segment_allocations;
  return result;
}

void Allocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  static_cast<void>(enter());
  ++peak_round_;
  if (ThreadCache* own = cache_of(context_.id())) own->peak_round = peak_round_;
  allocated_peak_ = allocated_;
  for (const ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
    allocated_peak_ += cache->allocated.load(std::memory_order_relaxed);
  }
  stats_.reserved_peak = stats_.reserved;
}

std::vector<SegmentView> Allocator::segments() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentView> views;
  for (const Segment* segment = segments_; segment != nullptr; segment = segment->next) {
    SegmentView& view = views.emplace_back();
    view.number = segment->number;
    view.size_bytes = segment->size_bytes;
    for (const Block* block = segment->first; block != nullptr; block = block->next) {
      view.blocks.push_back({block->offset_bytes, block->size_bytes, block->state});
    }
  }
  std::sort(views.begin(), views.end(),
            [](const SegmentView& a, const SegmentView& b) { return a.number < b.number; });
  return views;
}

void Allocator::record(MemoryEventKind kind, const Segment* segment, uint64_t offset_bytes,
                       uint64_t size_bytes) const noexcept {
  if (!recording_) return;
  MemoryHistory::instance().add({.offset_bytes = offset_bytes,
                                 .size_bytes = size_bytes,
                                 .segment = segment == nullptr ? 0 : segment->number,
                                 .device = static_cast<uint16_t>(context_.id()),
                                 .kind = kind});
}

}  // namespace tenon
