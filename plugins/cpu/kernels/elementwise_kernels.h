// Pointwise kernels on blocks that lie in the first-level cache, one table per instruction set.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_KERNELS_H

#include <tenon/api/device_plugin.h>

#include <cstdint>

namespace tenon::cpu {

inline constexpr uint32_t kOpcodeCount = 96;

// out[i] = f(a[i], b[i], c[i]) for i < n, on compute values (dtypes.h). Unused inputs may be NULL;
// out may be one of the inputs.
using BlockFunction = void (*)(void* out, const void* a, const void* b, const void* c, int64_t n);
// out[i] = in[i * stride] (stride in elements), from storage to compute values or back.
using LoadFunction = void (*)(void* out, const void* in, int64_t stride, int64_t n);
using StoreFunction = void (*)(void* out, int64_t stride, const void* in, int64_t n);

// to[i * to_stride + j] = from[j * from_stride + i] for i < rows, j < columns, of 4 bytes each.
using TurnFunction = void (*)(float* to, int64_t to_stride, const float* from, int64_t from_stride,
                              int64_t rows, int64_t columns);
// Copies memory past the cache.
using StreamFunction = void (*)(void* out, const void* in, int64_t size_bytes);

struct ElementwiseKernels {
  BlockFunction op[kOpcodeCount][TN_DTYPE_COUNT];  // NULL where the table of PROGRAM.md has none
  BlockFunction cast[TN_DTYPE_COUNT][TN_DTYPE_COUNT];  // [from][to]
  LoadFunction load[TN_DTYPE_COUNT];
  StoreFunction store[TN_DTYPE_COUNT];
  TurnFunction turn;
  StreamFunction stream;
};

const ElementwiseKernels& elementwise_baseline();
const ElementwiseKernels& elementwise_avx2();
const ElementwiseKernels& elementwise_avx512();

}  // namespace tenon::cpu

#endif
