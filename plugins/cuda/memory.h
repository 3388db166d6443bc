// Device memory behind the ABI's buffers.
#ifndef TENON_PLUGINS_CUDA_MEMORY_H
#define TENON_PLUGINS_CUDA_MEMORY_H

#include <memory>

#include "context.h"

namespace tenon::cuda {

class Buffer {
 public:
  // Throws OUT_OF_MEMORY.
  Buffer(std::shared_ptr<Context> context, uint64_t size_bytes);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] bool is_of(const Context* context) const { return context_.get() == context; }
  // Address of [offset, offset + size); throws INVALID_ARGUMENT when that is not inside.
  [[nodiscard]] CUdeviceptr range(uint64_t offset_bytes, uint64_t size_bytes) const;

 private:
  std::shared_ptr<Context> context_;
  uint64_t size_bytes_;
  CUdeviceptr address_ = 0;
};

// Pinned host memory.
class Pinned {
 public:
  Pinned(std::shared_ptr<Context> context, size_t size_bytes);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  [[nodiscard]] char* data() const { return static_cast<char*>(data_); }

 private:
  std::shared_ptr<Context> context_;
  void* data_ = nullptr;
};

}  // namespace tenon::cuda

#endif
