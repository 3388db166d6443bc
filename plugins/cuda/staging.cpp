#include "staging.h"

#include <algorithm>
#include <cstring>

namespace tenon::cuda {

namespace {

constexpr uint64_t kAlignment = 64;

}  // namespace

Staging::Staging(std::shared_ptr<Context> context, CUstream stream)
    : context_(context), stream_(stream), memory_(std::move(context), kChunks * kChunkBytes) {}

void Staging::next_chunk() {
  const Driver& driver = context_->driver;
  if (read_[chunk_] == nullptr) read_[chunk_] = std::make_unique<Event>(context_);
  context_->check(driver.event_record(read_[chunk_]->get(), stream_), "cuEventRecord");
  chunk_ = (chunk_ + 1) % kChunks;
  used_ = 0;
  if (read_[chunk_] != nullptr) {
    context_->check(driver.event_synchronize(read_[chunk_]->get()), "cuEventSynchronize");
  }
}

void Staging::upload(CUdeviceptr target, const void* source, uint64_t size_bytes) {
  const auto* from = static_cast<const char*>(source);
  while (size_bytes > 0) {
    if (used_ == kChunkBytes) next_chunk();
    const uint64_t part = std::min(size_bytes, kChunkBytes - used_);
    char* at = memory_.data() + chunk_ * kChunkBytes + used_;
    std::memcpy(at, from, part);
    context_->check(context_->driver.upload(target, at, part, stream_), "cuMemcpyHtoDAsync");
    used_ = std::min(kChunkBytes, (used_ + part + kAlignment - 1) / kAlignment * kAlignment);
    from += part;
    target += part;
    size_bytes -= part;
  }
}

}  // namespace tenon::cuda
