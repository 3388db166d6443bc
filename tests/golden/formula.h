// Numbers that Python and C++ both compute, so that no input is stored. Twin:
// tools/goldens/formula.py.
#pragma once

#include <cstdint>
#include <string_view>

#include <tenon/runtime/tensor.h>

namespace tenon::golden {

// 32 bits for element i of the sequence `seed` (the mixer "lowbias32" of C. Wellons).
[[nodiscard]] constexpr uint32_t hash_of(uint32_t seed, uint32_t i) {
  uint32_t h = seed * 0x9e3779b9u + i;
  h ^= h >> 16;
  h *= 0x7feb352du;
  h ^= h >> 15;
  h *= 0x846ca68bu;
  return h ^ (h >> 16);
}
// In [lo, hi), 20 bits.
[[nodiscard]] constexpr double real(uint32_t seed, uint32_t i, double lo, double hi) {
  const uint32_t m = (hash_of(seed, i) & 1023u) << 10 | (i & 1023u);
  return lo + (hi - lo) * (m / 1048576.0);
}
// In [lo, hi).
[[nodiscard]] constexpr int64_t integer(uint32_t seed, uint32_t i, int64_t lo, int64_t hi) {
  return lo + static_cast<int64_t>(hash_of(seed, i)) % (hi - lo);
}
// A seed from a name (CRC-32 as in zlib).
[[nodiscard]] uint32_t seed_of(std::string_view text);

// A tensor of the sequence on the default device; floats are real(), the rest integer().
[[nodiscard]] Tensor tensor_of(uint32_t seed, const Shape& sizes, DType dtype, double lo,
                               double hi);
// Explicit values, row-major.
[[nodiscard]] Tensor tensor_of(const std::vector<double>& values, const Shape& sizes, DType dtype);

}  // namespace tenon::golden
