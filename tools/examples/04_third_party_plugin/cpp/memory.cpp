#include "memory.h"

#include <mutex>
#include <unordered_map>

namespace queued {

using tenon::plugin::Box;
using tenon::plugin::Status;

Buffer::Buffer(uint64_t size_bytes) : size_bytes_(size_bytes) {
  if (size_bytes > kMaxBytes) {
    throw Status(TN_OUT_OF_MEMORY, "buffer_alloc: " + std::to_string(size_bytes) +
                                       " bytes, one buffer has at most " +
                                       std::to_string(kMaxBytes));
  }
  bytes_ = std::make_unique<char[]>(size_bytes);
}

char* Buffer::range(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) {
    throw Status(TN_INVALID_ARGUMENT,
                 "beyond the end of a buffer of " + std::to_string(size_bytes_) + " bytes");
  }
  return bytes_.get() + offset_bytes;
}

// ---- handles -----------------------------------------------------------------------------------

namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<uintptr_t, Box<Buffer>*> boxes;
  uintptr_t last = 0;
};

// Never destroyed: at the end of a program buffers may be freed after static objects.
Registry& registry() {
  static auto& all = *new Registry;
  return all;
}

}  // namespace

tn_buffer Buffer::to_handle(Box<Buffer>* box) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.boxes.emplace(++all.last, box);
  return reinterpret_cast<tn_buffer>(all.last);
}

Box<Buffer>* Buffer::from_handle(tn_buffer handle) noexcept {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.boxes.find(reinterpret_cast<uintptr_t>(handle));
  return found == all.boxes.end() ? nullptr : found->second;
}

Box<Buffer>* Buffer::take(tn_buffer handle) noexcept {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto node = all.boxes.extract(reinterpret_cast<uintptr_t>(handle));
  return node.empty() ? nullptr : node.mapped();
}

}  // namespace queued
