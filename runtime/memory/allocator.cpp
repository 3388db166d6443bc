#include <tenon/runtime/memory/allocator.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/error.h>

namespace tenon {
namespace {

constexpr uint64_t kRound = 512;                // every block is a multiple of this
constexpr uint64_t kSmall = uint64_t{1} << 20;  // up to here blocks come from small segments
constexpr uint64_t kSmallSegment = uint64_t{2} << 20;
constexpr uint64_t kMiddle = uint64_t{10} << 20;  // up to here from 20 MiB segments
constexpr uint64_t kMiddleSegment = uint64_t{20} << 20;
constexpr uint64_t kHostAlignment = 4096;

uint64_t round_up(uint64_t value, uint64_t step) {
  uint64_t sum = 0;
  check(!__builtin_add_overflow(value, step - 1, &sum), ErrorCode::kOutOfMemory, "allocate",
        "no device can hold ", value, " bytes; use smaller sizes");
  return sum / step * step;
}

uint64_t segment_size(uint64_t size_bytes) {
  if (size_bytes <= kSmall) return kSmallSegment;
  if (size_bytes <= kMiddle) return kMiddleSegment;
  return round_up(size_bytes, uint64_t{2} << 20);
}

}  // namespace

Block* Allocator::allocate(uint64_t size_bytes) {
  const uint64_t size = round_up(std::max<uint64_t>(size_bytes, 1), kRound);
  const bool small = size <= kSmall;
  const std::lock_guard lock(mutex_);
  Block* block = take_free(size, small);
  if (block == nullptr) {
    Segment* segment = new_segment(segment_size(size));
    segment->small = small;
    block = new Block{.segment = segment, .size_bytes = segment->size_bytes};
  }
  block = split(block, size);
  block->free = false;
  stats_.allocated += block->size_bytes;
  stats_.allocated_peak = std::max(stats_.allocated_peak, stats_.allocated);
  ++stats_.allocations;
  return block;
}

Block* Allocator::take_free(uint64_t size_bytes, bool small) {
  const uint64_t bin = size_bytes / kRound;
  if (bin < kBins && !bins_[bin].empty()) {
    Block* block = bins_[bin].back();
    bins_[bin].pop_back();
    return block;
  }
  FreeBlocks& blocks = small ? small_free_ : large_free_;
  const auto found = blocks.lower_bound(size_bytes);
  if (found == blocks.end()) return nullptr;
  // A large request must not eat a far larger block: that would strand the rest.
  if (!small && (*found)->size_bytes > size_bytes + size_bytes / 2 + kMiddleSegment) return nullptr;
  Block* block = *found;
  blocks.erase(found);
  return block;
}

Block* Allocator::split(Block* block, uint64_t size_bytes) {
  const uint64_t rest = block->size_bytes - size_bytes;
  const bool worth = block->segment->small ? rest >= kRound : rest > kSmall;
  if (!worth) return block;
  auto* tail = new Block{.segment = block->segment,
                         .offset_bytes = block->offset_bytes + size_bytes,
                         .size_bytes = rest,
                         .free = true,
                         .previous = block,
                         .next = block->next};
  if (block->next != nullptr) block->next->previous = tail;
  block->next = tail;
  block->size_bytes = size_bytes;
  (block->segment->small ? small_free_ : large_free_).insert(tail);
  return block;
}

void Allocator::free(Block* block) noexcept {
  const std::lock_guard lock(mutex_);
  stats_.allocated -= block->size_bytes;
  const uint64_t bin = block->size_bytes / kRound;
  constexpr size_t kBinDepth = 256;
  if (bin < kBins && bins_[bin].size() < kBinDepth) {  // stays split: the next one is as big
    bins_[bin].push_back(block);
    return;
  }
  FreeBlocks& blocks = block->segment->small ? small_free_ : large_free_;
  const auto merge = [&](Block* left, Block* right) {
    left->size_bytes += right->size_bytes;
    left->next = right->next;
    if (right->next != nullptr) right->next->previous = left;
    delete right;
    return left;
  };
  if (Block* next = block->next; next != nullptr && next->free) {
    blocks.erase(next);
    block = merge(block, next);
  }
  if (Block* previous = block->previous; previous != nullptr && previous->free) {
    blocks.erase(previous);
    block = merge(previous, block);
  }
  block->free = true;
  blocks.insert(block);
}

Segment* Allocator::new_segment(uint64_t size_bytes) {
  auto segment = std::make_unique<Segment>();
  segment->size_bytes = size_bytes;
  if (context_.is_cpu()) {
    segment->host = static_cast<std::byte*>(std::aligned_alloc(kHostAlignment, size_bytes));
    if (segment->host == nullptr) {
      trim_locked();
      segment->host = static_cast<std::byte*>(std::aligned_alloc(kHostAlignment, size_bytes));
    }
    check(segment->host != nullptr, ErrorCode::kOutOfMemory, "allocate", "cpu has no ", size_bytes,
          " bytes left (", stats_.allocated, " in use, ", stats_.reserved,
          " held); free tensors or use smaller batches");
  } else {
    context_.require_compute();
    const Plugin& plugin = context_.plugin();
    tn_buffer buffer = nullptr;
    tn_status status = plugin.core.buffer_alloc(context_.handle(), size_bytes, &buffer);
    if (status == TN_OUT_OF_MEMORY) {
      // Queued work may still use what lies in the cache: wait, give it back, ask once more.
      context_.synchronize();
      trim_locked();
      status = plugin.core.buffer_alloc(context_.handle(), size_bytes, &buffer);
    }
    if (status == TN_OUT_OF_MEMORY) {
      fail(ErrorCode::kOutOfMemory, "allocate", context_.device(), " has no ", size_bytes,
           " bytes left (", stats_.allocated, " in use, ", stats_.reserved,
           " held): ", take_plugin_error(), "; free tensors or use smaller batches");
    }
    context_.check_status(status, "allocate");
    check(buffer != nullptr, ErrorCode::kInternal, "allocate", "plugin ", plugin.name,
          " answered OK without a buffer");
    segment->buffer = buffer;
  }
  stats_.reserved += size_bytes;
  stats_.reserved_peak = std::max(stats_.reserved_peak, stats_.reserved);
  ++stats_.segment_allocations;
  return segment.release();
}

void Allocator::release_segment(Segment* segment) noexcept {
  stats_.reserved -= segment->size_bytes;
  if (const tn_buffer buffer = segment->buffer) context_.plugin().core.buffer_free(buffer);
  std::free(segment->host);
  delete segment;
}

void Allocator::trim_locked() {
  // Binned blocks first go back to the sets, where neighbours merge.
  for (auto& bin : bins_) {
    for (Block* block : bin) {
      FreeBlocks& blocks = block->segment->small ? small_free_ : large_free_;
      block->free = true;
      while (block->next != nullptr && block->next->free && blocks.erase(block->next) != 0) {
        Block* next = block->next;
        block->size_bytes += next->size_bytes;
        block->next = next->next;
        if (next->next != nullptr) next->next->previous = block;
        delete next;
      }
      while (block->previous != nullptr && block->previous->free &&
             blocks.erase(block->previous) != 0) {
        Block* previous = block->previous;
        previous->size_bytes += block->size_bytes;
        previous->next = block->next;
        if (block->next != nullptr) block->next->previous = previous;
        delete block;
        block = previous;
      }
      blocks.insert(block);
    }
    bin.clear();
  }
  for (FreeBlocks* blocks : {&small_free_, &large_free_}) {
    for (auto it = blocks->begin(); it != blocks->end();) {
      Block* block = *it;
      if (block->previous == nullptr && block->next == nullptr) {
        it = blocks->erase(it);
        release_segment(block->segment);
        delete block;
      } else {
        ++it;
      }
    }
  }
}

void Allocator::empty_cache() {
  if (!context_.is_cpu()) context_.synchronize();
  const std::lock_guard lock(mutex_);
  trim_locked();
}

MemoryStats Allocator::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void Allocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.allocated_peak = stats_.allocated;
  stats_.reserved_peak = stats_.reserved;
}

tn_buffer Allocator::buffer(Segment& segment) {
  context_.require_compute();
  const std::lock_guard lock(mutex_);
  if (segment.buffer == nullptr) {
    tn_buffer buffer = nullptr;
    context_.check_status(context_.plugin().core.buffer_from_host(context_.handle(), segment.host,
                                                                  segment.size_bytes, &buffer),
                          "buffer_from_host");
    check(buffer != nullptr, ErrorCode::kInternal, "buffer_from_host", "plugin ",
          context_.plugin().name, " answered OK without a buffer");
    segment.buffer = buffer;
  }
  return segment.buffer;
}

MemoryStats memory_stats(const Device& device) {
  return DeviceContext::get(device).allocator().stats();
}

void empty_cache(const Device& device) { DeviceContext::get(device).allocator().empty_cache(); }

}  // namespace tenon
