#include "memory.h"

#include <algorithm>

namespace tenon::cuda {

using plugin::Status;

Buffer::Buffer(std::shared_ptr<Context> context, uint64_t size_bytes)
    : context_(std::move(context)), size_bytes_(size_bytes) {
  const Context::Scope scope(*context_);
  const CUresult result =
      context_->driver.memory_alloc(&address_, std::max<uint64_t>(size_bytes, 1));
  const std::string what = "cuMemAlloc of " + std::to_string(size_bytes) + " bytes";
  context_->check(result, what.c_str());
}

Buffer::~Buffer() {
  context_->release([&](const Driver& d) { d.memory_free(address_); });
}

CUdeviceptr Buffer::range(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) {
    throw Status(TN_INVALID_ARGUMENT, "access to " + std::to_string(size_bytes) + " bytes at " +
                                          std::to_string(offset_bytes) + " of a buffer of " +
                                          std::to_string(size_bytes_));
  }
  return address_ + offset_bytes;
}

Pinned::Pinned(std::shared_ptr<Context> context, size_t size_bytes) : context_(std::move(context)) {
  const Context::Scope scope(*context_);
  context_->check(context_->driver.host_alloc(&data_, size_bytes, CU_MEMHOSTALLOC_PORTABLE),
                  "cuMemHostAlloc");
}

Pinned::~Pinned() {
  context_->release([&](const Driver& d) { d.host_free(data_); });
}

}  // namespace tenon::cuda
