// Uploads from ordinary host memory: through a ring of pinned chunks, so that the source is free
// again when the call returns and the copy still runs on the stream.
#ifndef TENON_PLUGINS_CUDA_STAGING_H
#define TENON_PLUGINS_CUDA_STAGING_H

#include <array>
#include <memory>

#include "timeline.h"

namespace tenon::cuda {

class Staging {
 public:
  Staging(std::shared_ptr<Context> context, CUstream stream);

  // Queues the copy; blocks only while the whole ring is still being read.
  void upload(CUdeviceptr target, const void* source, uint64_t size_bytes);

 private:
  static constexpr uint64_t kChunkBytes = uint64_t{1} << 20;
  static constexpr size_t kChunks = 8;

  void next_chunk();

  const std::shared_ptr<Context> context_;
  const CUstream stream_;
  Pinned memory_;
  std::array<std::unique_ptr<Event>, kChunks> read_;  // set: reached once the chunk may be reused
  size_t chunk_ = 0;
  uint64_t used_ = 0;
};

}  // namespace tenon::cuda

#endif
