// Philox4x32-10 (Salmon et al., SC'11), the generator behind "random".
#ifndef TENON_PLUGINS_CUDA_DEVICE_PHILOX_H
#define TENON_PLUGINS_CUDA_DEVICE_PHILOX_H

#include "device/base.h"

namespace tenon::cuda {

struct PhiloxWords {
  uint32_t word[4];
};

// The words of elements 4 * group .. 4 * group + 3.
TENON_HD inline PhiloxWords philox(uint64_t seed, uint64_t offset, uint64_t group) {
  uint32_t c0 = static_cast<uint32_t>(group), c1 = static_cast<uint32_t>(group >> 32);
  uint32_t c2 = static_cast<uint32_t>(offset), c3 = static_cast<uint32_t>(offset >> 32);
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c0, product1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(product0);
    key0 += 0x9E3779B9u;  // golden ratio
    key1 += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return {{c0, c1, c2, c3}};
}

struct RandomParams {
  int64_t count;
  uint64_t seed, offset;
  void* out;
  int32_t rank;
  uint32_t packed;  // dense and aligned
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
  float mean, deviation;  // of normals
};

TENON_HD inline float uniform_of(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

// Box and Muller (1958). 1 - u is exact, and so is the angle's way to [-1/4, 1/4] of a turn:
// cos(2 pi v) = sin(2 pi (|v - 1/2| - 1/4)).
TENON_HD inline float normal_of(uint32_t first, uint32_t second) {
  const float radius = sqrtf(-2.0f * logf(1.0f - uniform_of(first)));
  return radius * sinf(6.2831853f * (fabsf(uniform_of(second) - 0.5f) - 0.25f));
}

}  // namespace tenon::cuda

#endif
