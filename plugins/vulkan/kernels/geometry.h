// Parts of tensors' geometry that kernels hand to shaders.
#ifndef TENON_PLUGINS_VULKAN_KERNELS_GEOMETRY_H
#define TENON_PLUGINS_VULKAN_KERNELS_GEOMETRY_H

#include <initializer_list>

#include "../kernel.h"

namespace tenon::vulkan {

// Dimensions of several tensors walked together: an extent and a stride of each.
struct Dims {
  uint32_t rank = 0;
  uint64_t count = 1;
  std::array<std::array<uint32_t, 5>, TN_MAX_RANK> rows{};  // extent, strides

  // Appends a dimension; one of extent 1 is left out, one that continues the last is merged.
  template <size_t N>
  void append(int64_t extent, const std::array<int64_t, N>& strides) {
    count *= static_cast<uint64_t>(extent);
    if (extent == 1) return;
    bool merges = rank > 0;
    for (size_t i = 0; merges && i < N; ++i) {
      merges = rows[rank - 1][i + 1] == static_cast<uint64_t>(strides[i] * extent);
    }
    if (!merges) rows[rank++][0] = 1;
    auto& row = rows[rank - 1];
    row[0] *= static_cast<uint32_t>(extent);
    for (size_t i = 0; i < N; ++i) row[i + 1] = static_cast<uint32_t>(strides[i]);
  }
  // The rows, each `width` words.
  void write(Words& words, uint32_t width) const {
    for (uint32_t d = 0; d < rank; ++d) {
      for (uint32_t i = 0; i < width; ++i) words.u32(rows[d][i]);
    }
  }
};

inline uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// Name of the module that computes a dtype: its family and its class of numbers.
inline std::string in_class_of(const std::string& family, uint32_t dtype) {
  if (dtype == TN_DTYPE_F64) return family + "_double";
  return family + (support::is_float(dtype) ? "_float" : "_whole");
}

// Why this device cannot compute a dtype; empty when it can.
inline std::string refuse_dtype(const Gpu& gpu, const char* op, uint32_t dtype) {
  if (dtype != TN_DTYPE_F64 || gpu.features().f64) return "";
  return std::string(op) + ": this device does not compute f64";
}

// The integer dtype of the same size: bits are moved as they are.
inline uint32_t raw_dtype_of(uint32_t dtype) {
  switch (support::dtype_size(dtype)) {
    case 1:
      return dtype == TN_DTYPE_BOOL ? TN_DTYPE_BOOL : TN_DTYPE_U8;
    case 2:
      return TN_DTYPE_I16;
    case 4:
      return TN_DTYPE_I32;
    default:
      return TN_DTYPE_I64;
  }
}

}  // namespace tenon::vulkan

#endif
