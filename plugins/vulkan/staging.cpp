#include "staging.h"

#include <utility>

namespace tenon::vulkan {
namespace {

constexpr uint64_t kAlignment = 64;

}  // namespace

Staging::Staging(Gpu& gpu) : gpu_(gpu) { current_.memory = gpu_.allocate_staging(kChunkBytes); }

Staging::~Staging() {
  gpu_.free(current_.memory, false);
  for (const Chunk& chunk : busy_) gpu_.free(chunk.memory, false);
  for (const Chunk& chunk : free_) gpu_.free(chunk.memory, false);
}

void Staging::reclaim(uint64_t done) {
  while (!busy_.empty() && busy_.front().submit <= done) {
    Chunk chunk = busy_.front();
    busy_.pop_front();
    if (chunk.memory.size_bytes == kChunkBytes && free_.size() < kFreeChunks) {
      chunk.used = 0;
      free_.push_back(chunk);
    } else {
      gpu_.free(chunk.memory, false);
    }
  }
}

Slice Staging::take(uint64_t size_bytes, uint64_t submit, uint64_t done) {
  const auto slice_of = [](const Chunk& chunk, uint64_t offset) {
    return Slice{chunk.memory.host + offset, chunk.memory.address + offset, chunk.memory.buffer,
                 offset};
  };
  if (size_bytes > kChunkBytes) {  // one of its own
    reclaim(done);
    busy_.push_back({gpu_.allocate_staging(size_bytes), size_bytes, submit});
    return slice_of(busy_.back(), 0);
  }
  const uint64_t offset = (current_.used + kAlignment - 1) / kAlignment * kAlignment;
  if (offset + size_bytes <= kChunkBytes) {
    current_.used = offset + size_bytes;
    current_.submit = submit;
    return slice_of(current_, offset);
  }
  reclaim(done);
  Chunk next{};
  if (free_.empty()) {
    next.memory = gpu_.allocate_staging(kChunkBytes);
  } else {
    next = free_.back();
    free_.pop_back();
  }
  busy_.push_back(std::exchange(current_, next));
  current_.used = size_bytes;
  current_.submit = submit;
  return slice_of(current_, 0);
}

}  // namespace tenon::vulkan
