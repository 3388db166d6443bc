// Memory that host and device share, handed out in slices: parameter blocks of kernels, and what
// uploads and downloads pass through.
#ifndef TENON_PLUGINS_VULKAN_STAGING_H
#define TENON_PLUGINS_VULKAN_STAGING_H

#include <deque>
#include <vector>

#include "gpu.h"

namespace tenon::vulkan {

struct Slice {
  char* host;
  VkDeviceAddress address;
  VkBuffer buffer;
  uint64_t offset;
};

// A ring of chunks; one stream's, used under its lock. A chunk is used again once the last submit
// that took from it is over.
class Staging {
 public:
  explicit Staging(Gpu& gpu);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // A slice that submit number `submit` uses; `done` is the last one known to be over.
  Slice take(uint64_t size_bytes, uint64_t submit, uint64_t done);

 private:
  struct Chunk {
    Allocation memory;
    uint64_t used;
    uint64_t submit;  // the last that took from it
  };

  static constexpr uint64_t kChunkBytes = uint64_t{4} << 20;
  static constexpr size_t kFreeChunks = 4;

  void reclaim(uint64_t done);

  Gpu& gpu_;
  Chunk current_{};
  std::deque<Chunk> busy_;
  std::vector<Chunk> free_;
};

}  // namespace tenon::vulkan

#endif
