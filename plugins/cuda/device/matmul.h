// Parameters of batched products of strided matrices.
#ifndef TENON_PLUGINS_CUDA_DEVICE_MATMUL_H
#define TENON_PLUGINS_CUDA_DEVICE_MATMUL_H

#include "device/values.h"

namespace tenon::cuda {

// out[.., i, j] = sum over l of a[.., i, l] * b[.., l, j]
struct MatmulParams {
  int64_t m, n, k;
  int64_t tiles_m, tiles_n;
  int64_t out_strides[2], a_strides[2], b_strides[2];  // of the last two dimensions
  int32_t rank;                                        // of the batch
  uint32_t reserved;
  int64_t shape[kMaxRank];
  int64_t strides[3][kMaxRank];  // of out, a, b
  void* out;
  const void* a;
  const void* b;
  const void* bias;  // added to every row, or NULL; linear's
  int64_t bias_stride;
};

// out[i, j] += bias[j], for products that were made without it.
struct BiasParams {
  int64_t rows, columns;
  int64_t out_strides[2];
  int64_t bias_stride;
  void* out;
  const void* bias;
};

template <class T>
TENON_HD inline void add_bias_element(const BiasParams& p, int64_t number) {
  const int64_t row = number / p.columns, column = number - row * p.columns;
  T* at = static_cast<T*>(p.out) + row * p.out_strides[0] + column * p.out_strides[1];
  const T bias = static_cast<const T*>(p.bias)[column * p.bias_stride];
  *at = element_of<T>(value_of(*at) + value_of(bias));
}

// A block makes a tile of 64 x 64 in steps of 16 along k; each of its 256 threads 4 x 4 of it.
inline constexpr int kTileMN = 64, kTileK = 16, kPerThread = 4;

}  // namespace tenon::cuda

#endif
