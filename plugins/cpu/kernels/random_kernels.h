// Philox4x32-10 on vectors, one table per instruction set.
#ifndef TENON_PLUGINS_CPU_KERNELS_RANDOM_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_RANDOM_KERNELS_H

#include <cstdint>

namespace tenon::cpu {

struct PhiloxKey {
  uint64_t seed;
  uint64_t offset;
};

struct NormalSpread {
  float mean, deviation;
};

struct RandomKernels {
  // Words of elements [start, start + n).
  void (*words)(const PhiloxKey& key, int64_t start, int64_t n, uint32_t* out);
  // The same as uniforms in [0, 1).
  void (*uniforms)(const PhiloxKey& key, int64_t start, int64_t n, float* out);
  // Element e is made of words 2 e and 2 e + 1 (Box and Muller).
  void (*normals)(const PhiloxKey& key, int64_t start, int64_t n, const NormalSpread& spread,
                  float* out);
};

const RandomKernels& random_baseline();
const RandomKernels& random_avx2();
const RandomKernels& random_avx512();

}  // namespace tenon::cpu

#endif
