// Reductions of blocks, one table per instruction set.
#ifndef TENON_PLUGINS_CPU_KERNELS_REDUCTION_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_REDUCTION_KERNELS_H

#include <tenon/api/device_plugin.h>

#include <cstdint>

namespace tenon::cpu {

inline constexpr uint32_t kReduceKinds = TN_REDUCE_ALL + 1;

// The accumulator's dtype of kind x dtype: integers add up in i64, halves in f32.
inline constexpr uint32_t accumulator_dtype(uint32_t kind, uint32_t dtype) {
  if (kind == TN_REDUCE_ANY || kind == TN_REDUCE_ALL) return TN_DTYPE_BOOL;
  if (dtype == TN_DTYPE_F64) return TN_DTYPE_F64;
  if (dtype >= TN_DTYPE_F16) return TN_DTYPE_F32;
  return kind == TN_REDUCE_SUM || kind == TN_REDUCE_PROD ? TN_DTYPE_I64 : dtype;
}

// *accumulator = the reduction of x[0..n), n >= 1. The tree depends on n alone.
using ReduceChunk = void (*)(void* accumulator, const void* x, int64_t n);
// accumulator[j] = reduction over r of x[r * row_stride + j], for j < n, one row after another;
// when `first` is 0 the accumulator's old value is the first operand.
using ReduceRows = void (*)(void* accumulator, const void* x, int64_t row_stride, int64_t rows,
                            int64_t n, int first);
// accumulator[j] = accumulator[j] op other[j]
using ReduceCombine = void (*)(void* accumulator, const void* other, int64_t n);
// Position of the first element of x[0..n) that is *value (a NaN is any NaN); there is one.
using ArgPosition = int64_t (*)(const void* x, int64_t n, const void* value);
// Row number `row` of x, n columns: best[j] and at[j] become x[j] and row where x[j] beats best[j]
// or row is 0. The first NaN wins.
using ArgRows = void (*)(void* best, int32_t* at, const void* x, int64_t n, int32_t row);
// Whether candidate beats best, which came earlier.
using ArgBetter = bool (*)(const void* best, const void* candidate);

struct ReductionKernels {
  // All by [kind][compute dtype of the input].
  ReduceChunk chunk[kReduceKinds][TN_DTYPE_COUNT];
  ReduceRows rows[kReduceKinds][TN_DTYPE_COUNT];
  ReduceCombine combine[kReduceKinds][TN_DTYPE_COUNT];
  ArgPosition arg_position[kReduceKinds][TN_DTYPE_COUNT];
  ArgRows arg_rows[kReduceKinds][TN_DTYPE_COUNT];
  ArgBetter arg_better[kReduceKinds][TN_DTYPE_COUNT];
};

const ReductionKernels& reduction_baseline();
const ReductionKernels& reduction_avx2();
const ReductionKernels& reduction_avx512();

}  // namespace tenon::cpu

#endif
