// Builds a ReductionKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_REDUCTION_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_REDUCTION_BLOCKS_H

#include "elementwise_functors.h"
#include "reduction_kernels.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// From an input value to the accumulator's type.
template <class Acc, bool kTruth>
struct Enter {
  template <class T>
  static Acc apply(T x) {
    if constexpr (kTruth) {
      return x != T{0};
    } else {
      return static_cast<Acc>(x);
    }
  }
};

template <class Op, class T, class Acc, bool kTruth>
void reduce_chunk(void* accumulator, const void* in, int64_t n) {
  constexpr int64_t kLanes = 64;
  using In = Enter<Acc, kTruth>;
  const T* x = static_cast<const T*>(in);
  Acc lanes[kLanes];
  int64_t width = kLanes;
  while (width > n) width /= 2;
  for (int64_t j = 0; j < width; ++j) lanes[j] = In::apply(x[j]);
  int64_t i = width;
  if (width == kLanes) {
    for (; i + kLanes <= n; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) lanes[j] = Op::apply(lanes[j], In::apply(x[i + j]));
    }
  }
  for (int64_t j = 0; i < n; ++i, ++j) {
    lanes[j % width] = Op::apply(lanes[j % width], In::apply(x[i]));
  }
  for (int64_t half = width / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) lanes[j] = Op::apply(lanes[j], lanes[j + half]);
  }
  *static_cast<Acc*>(accumulator) = lanes[0];
}

template <class Op, class T, class Acc, bool kTruth>
void reduce_rows(void* accumulator, const void* in, int64_t row_stride, int64_t rows, int64_t n,
                 int first) {
  using In = Enter<Acc, kTruth>;
  const T* x = static_cast<const T*>(in);
  Acc* a = static_cast<Acc*>(accumulator);
  int64_t r = 0;
  if (first != 0) {
    for (int64_t j = 0; j < n; ++j) a[j] = In::apply(x[j]);
    r = 1;
  }
  for (; r < rows; ++r) {
    const T* row = x + r * row_stride;
    for (int64_t j = 0; j < n; ++j) a[j] = Op::apply(a[j], In::apply(row[j]));
  }
}

template <class Op, class Acc>
void reduce_combine(void* accumulator, const void* other, int64_t n) {
  Acc* a = static_cast<Acc*>(accumulator);
  const Acc* b = static_cast<const Acc*>(other);
  for (int64_t j = 0; j < n; ++j) a[j] = Op::apply(a[j], b[j]);
}

// Strictly more extreme than a value that came earlier.
struct Greater {
  template <class T>
  static bool apply(T best, T candidate) {
    return candidate > best || (candidate != candidate && best == best);
  }
};
struct Less {
  template <class T>
  static bool apply(T best, T candidate) {
    return candidate < best || (candidate != candidate && best == best);
  }
};

template <class T>
int64_t arg_position(const void* in, int64_t n, const void* value) {
  constexpr int64_t kBlock = 64;
  const T* x = static_cast<const T*>(in);
  const T best = *static_cast<const T*>(value);
  const auto matches = [best](T v) { return v == best || (best != best && v != v); };
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    int found = 0;
    for (int64_t j = 0; j < kBlock; ++j) found |= matches(x[i + j]) ? 1 : 0;
    if (found != 0) break;
  }
  while (!matches(x[i])) ++i;
  return i;
}

template <class Better, class T>
void arg_rows(void* best, int32_t* at, const void* in, int64_t n, int32_t row) {
  T* b = static_cast<T*>(best);
  const T* x = static_cast<const T*>(in);
  if (row == 0) {
    for (int64_t j = 0; j < n; ++j) b[j] = x[j], at[j] = 0;
    return;
  }
  for (int64_t j = 0; j < n; ++j) {
    const bool better = Better::apply(b[j], x[j]);
    b[j] = better ? x[j] : b[j];
    at[j] = better ? row : at[j];
  }
}

template <class Better, class T>
bool arg_better(const void* best, const void* candidate) {
  return Better::apply(*static_cast<const T*>(best), *static_cast<const T*>(candidate));
}

template <class Op, class T, class Acc, bool kTruth>
constexpr void set_reduction(ReductionKernels& t, uint32_t kind, uint32_t dtype) {
  t.chunk[kind][dtype] = &reduce_chunk<Op, T, Acc, kTruth>;
  t.rows[kind][dtype] = &reduce_rows<Op, T, Acc, kTruth>;
  t.combine[kind][dtype] = &reduce_combine<Op, Acc>;
}

template <class T>
constexpr void set_reductions(ReductionKernels& t, uint32_t dtype) {
  using Acc = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
  set_reduction<Add, T, Acc, false>(t, TN_REDUCE_SUM, dtype);
  set_reduction<Mul, T, Acc, false>(t, TN_REDUCE_PROD, dtype);
  set_reduction<Max, T, T, false>(t, TN_REDUCE_MAX, dtype);
  set_reduction<Min, T, T, false>(t, TN_REDUCE_MIN, dtype);
  set_reduction<Or, T, uint8_t, true>(t, TN_REDUCE_ANY, dtype);
  set_reduction<And, T, uint8_t, true>(t, TN_REDUCE_ALL, dtype);
  t.arg_position[TN_REDUCE_ARGMAX][dtype] = &arg_position<T>;
  t.arg_position[TN_REDUCE_ARGMIN][dtype] = &arg_position<T>;
  t.arg_rows[TN_REDUCE_ARGMAX][dtype] = &arg_rows<Greater, T>;
  t.arg_rows[TN_REDUCE_ARGMIN][dtype] = &arg_rows<Less, T>;
  t.arg_better[TN_REDUCE_ARGMAX][dtype] = &arg_better<Greater, T>;
  t.arg_better[TN_REDUCE_ARGMIN][dtype] = &arg_better<Less, T>;
}

constexpr ReductionKernels make_reduction_kernels() {
  ReductionKernels t{};
  set_reductions<uint8_t>(t, TN_DTYPE_BOOL);
  set_reductions<uint8_t>(t, TN_DTYPE_U8);
  set_reductions<int8_t>(t, TN_DTYPE_I8);
  set_reductions<int16_t>(t, TN_DTYPE_I16);
  set_reductions<int32_t>(t, TN_DTYPE_I32);
  set_reductions<int64_t>(t, TN_DTYPE_I64);
  set_reductions<float>(t, TN_DTYPE_F32);
  set_reductions<double>(t, TN_DTYPE_F64);
  return t;
}

inline constexpr ReductionKernels kReductionKernels = make_reduction_kernels();

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
