// matmul in tiles through shared memory: any dtype, any strides. linear's bias.
#include "device/matmul.h"
#include "device/opcodes.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

TENON_DEVICE inline float multiply_add(float a, float b, float sum) { return c_fma(a, b, sum); }
TENON_DEVICE inline double multiply_add(double a, double b, double sum) { return c_fma(a, b, sum); }
TENON_DEVICE inline int64_t multiply_add(int64_t a, int64_t b, int64_t sum) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b) +
                              static_cast<uint64_t>(sum));
}

// One step's parts of a and b, [k][row or column]. Consecutive threads read along whichever
// dimension is dense.
template <class T>
TENON_DEVICE void load_tile(const T* from, int64_t rows, int64_t depth, int64_t row_stride,
                            int64_t depth_stride, int64_t row0, int64_t depth0,
                            Class<T> (*tile)[kTileMN]) {
  const bool along_depth = depth_stride <= row_stride;
  for (int i = thread_x(); i < kTileMN * kTileK; i += 256) {
    const int row = along_depth ? i / kTileK : i % kTileMN;
    const int step = along_depth ? i % kTileK : i / kTileMN;
    const bool inside = row0 + row < rows && depth0 + step < depth;
    tile[step][row] =
        inside ? value_of(from[(row0 + row) * row_stride + (depth0 + step) * depth_stride])
               : Class<T>(0);
  }
}

template <class T>
TENON_DEVICE void matmul(const MatmulParams& p) {
  using C = Class<T>;
  C(*a_tile)[kTileMN] = shared_memory<C[kTileMN]>();
  C(*b_tile)[kTileMN] = a_tile + kTileK;
  const int64_t tile_n = block_x() % p.tiles_n, rest = block_x() / p.tiles_n;
  const int64_t tile_m = rest % p.tiles_m;
  int64_t batch = rest / p.tiles_m, at[3] = {0, 0, 0};
  for (int d = p.rank - 1; d >= 0; --d) {
    const int64_t above = batch / p.shape[d], index = batch - above * p.shape[d];
    for (int i = 0; i < 3; ++i) at[i] += index * p.strides[i][d];
    batch = above;
  }
  const T* a = static_cast<const T*>(p.a) + at[1];
  const T* b = static_cast<const T*>(p.b) + at[2];
  const int64_t row0 = tile_m * kTileMN, column0 = tile_n * kTileMN;
  // A thread's rows and columns are 16 apart, so that reads of the tiles do not collide.
  const int y = thread_x() / 16, x = thread_x() % 16;
  C sums[kPerThread][kPerThread] = {};
  for (int64_t depth0 = 0; depth0 < p.k; depth0 += kTileK) {
    load_tile(a, p.m, p.k, p.a_strides[0], p.a_strides[1], row0, depth0, a_tile);
    load_tile(b, p.n, p.k, p.b_strides[1], p.b_strides[0], column0, depth0, b_tile);
    sync_block();
    for (int step = 0; step < kTileK; ++step) {
      C left[kPerThread], right[kPerThread];
      for (int i = 0; i < kPerThread; ++i) left[i] = a_tile[step][y + 16 * i];
      for (int j = 0; j < kPerThread; ++j) right[j] = b_tile[step][x + 16 * j];
      for (int i = 0; i < kPerThread; ++i) {
        for (int j = 0; j < kPerThread; ++j) {
          sums[i][j] = multiply_add(left[i], right[j], sums[i][j]);
        }
      }
    }
    sync_block();
  }
  T* out = static_cast<T*>(p.out) + at[0];
  const T* bias = static_cast<const T*>(p.bias);
  for (int i = 0; i < kPerThread; ++i) {
    for (int j = 0; j < kPerThread; ++j) {
      const int64_t row = row0 + y + 16 * i, column = column0 + x + 16 * j;
      if (row >= p.m || column >= p.n) continue;
      C sum = sums[i][j];
      if (bias != nullptr) sum += value_of(bias[column * p.bias_stride]);
      out[row * p.out_strides[0] + column * p.out_strides[1]] = element_of<T>(sum);
    }
  }
}

template <class T>
TENON_DEVICE void add_bias(const BiasParams& p) {
  const int64_t number = global_thread();
  if (number < p.rows * p.columns) add_bias_element<T>(p, number);
}

}  // namespace

TENON_KERNEL(matmul_u8, 256, MatmulParams, matmul<uint8_t>)
TENON_KERNEL(matmul_i8, 256, MatmulParams, matmul<int8_t>)
TENON_KERNEL(matmul_i16, 256, MatmulParams, matmul<int16_t>)
TENON_KERNEL(matmul_i32, 256, MatmulParams, matmul<int32_t>)
TENON_KERNEL(matmul_i64, 256, MatmulParams, matmul<int64_t>)
TENON_KERNEL(matmul_f16, 256, MatmulParams, matmul<Half>)
TENON_KERNEL(matmul_bf16, 256, MatmulParams, matmul<BFloat16>)
TENON_KERNEL(matmul_f32, 256, MatmulParams, matmul<float>)
TENON_KERNEL(matmul_f64, 256, MatmulParams, matmul<double>)
TENON_KERNEL(add_bias_f16, 256, BiasParams, add_bias<Half>)
TENON_KERNEL(add_bias_bf16, 256, BiasParams, add_bias<BFloat16>)
TENON_KERNEL(add_bias_f32, 256, BiasParams, add_bias<float>)
TENON_KERNEL(add_bias_f64, 256, BiasParams, add_bias<double>)

}  // namespace tenon::cuda
