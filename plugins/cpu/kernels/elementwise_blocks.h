// Builds an ElementwiseKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_BLOCKS_H

#include <cstring>

#include "elementwise_functors.h"
#include "elementwise_kernels.h"
#include "elementwise_math.h"
#include "elementwise_turn.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

template <class Op, class T>
void unary_block(void* out, const void* a, const void*, const void*, int64_t n) {
  const T* x = static_cast<const T*>(a);
  auto* y = static_cast<decltype(Op::apply(*x))*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = Op::apply(x[i]);
}

template <class Op, class T>
void binary_block(void* out, const void* a, const void* b, const void*, int64_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  auto* z = static_cast<decltype(Op::apply(*x, *y))*>(out);
  for (int64_t i = 0; i < n; ++i) z[i] = Op::apply(x[i], y[i]);
}

// The same on f32 vectors; the last lanes are computed as a whole vector as well.
template <class Op>
void unary_vectors(void* out, const void* a, const void*, const void*, int64_t n) {
  const float* x = static_cast<const float*>(a);
  float* y = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, Op::apply(load(x + i)));
  const int rest = static_cast<int>(n - i);
  if (rest != 0) store_part(y + i, Op::apply(load_part(x + i, rest)), rest);
}

template <class Op>
void binary_vectors(void* out, const void* a, const void* b, const void*, int64_t n) {
  const float* x = static_cast<const float*>(a);
  const float* y = static_cast<const float*>(b);
  float* z = static_cast<float*>(out);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(z + i, Op::apply(load(x + i), load(y + i)));
  const int rest = static_cast<int>(n - i);
  if (rest != 0) {
    store_part(z + i, Op::apply(load_part(x + i, rest), load_part(y + i, rest)), rest);
  }
}

template <class T>
void fma_block(void* out, const void* a, const void* b, const void* c, int64_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  const T* z = static_cast<const T*>(c);
  T* w = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) w[i] = Fma::apply(x[i], y[i], z[i]);
}

template <class T>
void where_block(void* out, const void* a, const void* b, const void* c, int64_t n) {
  const uint8_t* condition = static_cast<const uint8_t*>(a);
  const T* y = static_cast<const T*>(b);
  const T* z = static_cast<const T*>(c);
  T* w = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) w[i] = condition[i] != 0 ? y[i] : z[i];
}

// A float block rounded to Half or BFloat16.
template <class H>
void round_block(void* block, int64_t n) {
  float* x = static_cast<float*>(block);
  for (int64_t i = 0; i < n; ++i) x[i] = to_compute(to_storage<H>(x[i]));
}

template <class H, BlockFunction F>
void rounded_block(void* out, const void* a, const void* b, const void* c, int64_t n) {
  F(out, a, b, c, n);
  round_block<H>(out, n);
}

template <class From, class To>
void cast_block(void* out, const void* a, const void*, const void*, int64_t n) {
  const compute_t<From>* x = static_cast<const compute_t<From>*>(a);
  compute_t<To>* y = static_cast<compute_t<To>*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = to_compute(cast<To, From>(x[i]));
}

template <class T>
void load_block(void* out, const void* in, int64_t stride, int64_t n) {
  const T* x = static_cast<const T*>(in);
  compute_t<T>* y = static_cast<compute_t<T>*>(out);
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = to_compute(x[i]);
  } else if (stride == 0) {
    const compute_t<T> value = to_compute(x[0]);
    for (int64_t i = 0; i < n; ++i) y[i] = value;
  } else if (stride == 2) {
    for (int64_t i = 0; i < n; ++i) y[i] = to_compute(x[i * 2]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = to_compute(x[i * stride]);
  }
}

template <class T>
void store_block(void* out, int64_t stride, const void* in, int64_t n) {
  const compute_t<T>* x = static_cast<const compute_t<T>*>(in);
  T* y = static_cast<T*>(out);
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = to_storage<T>(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * stride] = to_storage<T>(x[i]);
  }
}

// Sets an operator for dtype D whose storage type is T.
template <BlockFunction F, bool kRounds = true>
constexpr void set_float_op(ElementwiseKernels& table, uint32_t opcode) {
  table.op[opcode][TN_DTYPE_F32] = F;
  table.op[opcode][TN_DTYPE_F16] = kRounds ? &rounded_block<Half, F> : F;
  table.op[opcode][TN_DTYPE_BF16] = kRounds ? &rounded_block<BFloat16, F> : F;
}

template <class Op, bool kRounds = true>
constexpr void set_unary_float(ElementwiseKernels& table, uint32_t opcode) {
  set_float_op<&unary_block<Op, float>, kRounds>(table, opcode);
  table.op[opcode][TN_DTYPE_F64] = &unary_block<Op, double>;
}

// f32 by vectors, f64 by the C library.
template <class Vector, class Op>
constexpr void set_function(ElementwiseKernels& table, uint32_t opcode) {
  set_float_op<&unary_vectors<Vector>, true>(table, opcode);
  table.op[opcode][TN_DTYPE_F64] = &unary_block<Op, double>;
}

template <class Op>
constexpr void set_unary_integer(ElementwiseKernels& table, uint32_t opcode) {
  table.op[opcode][TN_DTYPE_U8] = &unary_block<Op, uint8_t>;
  table.op[opcode][TN_DTYPE_I8] = &unary_block<Op, int8_t>;
  table.op[opcode][TN_DTYPE_I16] = &unary_block<Op, int16_t>;
  table.op[opcode][TN_DTYPE_I32] = &unary_block<Op, int32_t>;
  table.op[opcode][TN_DTYPE_I64] = &unary_block<Op, int64_t>;
}

template <class Op, bool kRounds = true>
constexpr void set_binary_float(ElementwiseKernels& table, uint32_t opcode) {
  set_float_op<&binary_block<Op, float>, kRounds>(table, opcode);
  table.op[opcode][TN_DTYPE_F64] = &binary_block<Op, double>;
}

template <class Op>
constexpr void set_binary_integer(ElementwiseKernels& table, uint32_t opcode) {
  table.op[opcode][TN_DTYPE_U8] = &binary_block<Op, uint8_t>;
  table.op[opcode][TN_DTYPE_I8] = &binary_block<Op, int8_t>;
  table.op[opcode][TN_DTYPE_I16] = &binary_block<Op, int16_t>;
  table.op[opcode][TN_DTYPE_I32] = &binary_block<Op, int32_t>;
  table.op[opcode][TN_DTYPE_I64] = &binary_block<Op, int64_t>;
}

template <class Op>
constexpr void set_binary_bool(ElementwiseKernels& table, uint32_t opcode) {
  table.op[opcode][TN_DTYPE_BOOL] = &binary_block<Op, uint8_t>;
}

template <class Op>
constexpr void set_arithmetic(ElementwiseKernels& table, uint32_t opcode) {
  set_binary_float<Op>(table, opcode);
  set_binary_integer<Op>(table, opcode);
}

template <class Op>
constexpr void set_comparison(ElementwiseKernels& table, uint32_t opcode) {
  set_binary_float<Op, false>(table, opcode);
  set_binary_integer<Op>(table, opcode);
  set_binary_bool<Op>(table, opcode);
}

template <class Op>
constexpr void set_bitwise(ElementwiseKernels& table, uint32_t opcode) {
  set_binary_integer<Op>(table, opcode);
  set_binary_bool<Op>(table, opcode);
}

template <class Op>
constexpr void set_exact_unary(ElementwiseKernels& table, uint32_t opcode) {
  set_unary_float<Op, false>(table, opcode);
  set_unary_integer<Op>(table, opcode);
}

template <class From>
constexpr void set_casts_from(ElementwiseKernels& table, uint32_t from) {
  BlockFunction* row = table.cast[from];
  row[TN_DTYPE_BOOL] = &cast_block<From, Bool>;
  row[TN_DTYPE_U8] = &cast_block<From, uint8_t>;
  row[TN_DTYPE_I8] = &cast_block<From, int8_t>;
  row[TN_DTYPE_I16] = &cast_block<From, int16_t>;
  row[TN_DTYPE_I32] = &cast_block<From, int32_t>;
  row[TN_DTYPE_I64] = &cast_block<From, int64_t>;
  row[TN_DTYPE_F16] = &cast_block<From, Half>;
  row[TN_DTYPE_BF16] = &cast_block<From, BFloat16>;
  row[TN_DTYPE_F32] = &cast_block<From, float>;
  row[TN_DTYPE_F64] = &cast_block<From, double>;
}

// What every dtype has: copy, where, loads, stores, casts.
template <class T>
constexpr void set_movement(ElementwiseKernels& table, uint32_t dtype) {
  table.op[TN_PROGRAM_COPY][dtype] = &unary_block<Copy, compute_t<T>>;
  table.op[TN_PROGRAM_WHERE][dtype] = &where_block<compute_t<T>>;
  table.load[dtype] = &load_block<T>;
  table.store[dtype] = &store_block<T>;
  set_casts_from<T>(table, dtype);
}

constexpr void set_all_movement(ElementwiseKernels& t) {
  set_movement<Bool>(t, TN_DTYPE_BOOL);
  set_movement<uint8_t>(t, TN_DTYPE_U8);
  set_movement<int8_t>(t, TN_DTYPE_I8);
  set_movement<int16_t>(t, TN_DTYPE_I16);
  set_movement<int32_t>(t, TN_DTYPE_I32);
  set_movement<int64_t>(t, TN_DTYPE_I64);
  set_movement<Half>(t, TN_DTYPE_F16);
  set_movement<BFloat16>(t, TN_DTYPE_BF16);
  set_movement<float>(t, TN_DTYPE_F32);
  set_movement<double>(t, TN_DTYPE_F64);
}

constexpr void set_all_binary(ElementwiseKernels& t) {
  set_arithmetic<Add>(t, TN_PROGRAM_ADD);
  set_arithmetic<Sub>(t, TN_PROGRAM_SUB);
  set_arithmetic<Mul>(t, TN_PROGRAM_MUL);
  set_arithmetic<Div>(t, TN_PROGRAM_DIV);
  set_arithmetic<Rem>(t, TN_PROGRAM_REM);
  set_arithmetic<Pow>(t, TN_PROGRAM_POW);
  set_comparison<Eq>(t, TN_PROGRAM_EQ);
  set_comparison<Ne>(t, TN_PROGRAM_NE);
  set_comparison<Lt>(t, TN_PROGRAM_LT);
  set_comparison<Le>(t, TN_PROGRAM_LE);
  set_comparison<Gt>(t, TN_PROGRAM_GT);
  set_comparison<Ge>(t, TN_PROGRAM_GE);
  set_comparison<Min>(t, TN_PROGRAM_MIN);
  set_comparison<Max>(t, TN_PROGRAM_MAX);
  set_bitwise<And>(t, TN_PROGRAM_AND);
  set_bitwise<Or>(t, TN_PROGRAM_OR);
  set_bitwise<Xor>(t, TN_PROGRAM_XOR);
  set_binary_integer<Shl>(t, TN_PROGRAM_SHL);
  set_binary_integer<Shr>(t, TN_PROGRAM_SHR);
  set_binary_float<Atan2>(t, TN_PROGRAM_ATAN2);
  set_float_op<&fma_block<float>>(t, TN_PROGRAM_FMA);
  t.op[TN_PROGRAM_FMA][TN_DTYPE_F64] = &fma_block<double>;
}

constexpr void set_all_unary(ElementwiseKernels& t) {
  set_unary_integer<Not>(t, TN_PROGRAM_NOT);
  t.op[TN_PROGRAM_NOT][TN_DTYPE_BOOL] = &unary_block<NotBool, uint8_t>;
  set_unary_float<IsNan, false>(t, TN_PROGRAM_ISNAN);
  set_exact_unary<Neg>(t, TN_PROGRAM_NEG);
  set_exact_unary<Abs>(t, TN_PROGRAM_ABS);
  set_exact_unary<Sign>(t, TN_PROGRAM_SIGN);
  set_exact_unary<Floor>(t, TN_PROGRAM_FLOOR);
  set_exact_unary<Ceil>(t, TN_PROGRAM_CEIL);
  set_exact_unary<Trunc>(t, TN_PROGRAM_TRUNC);
  set_exact_unary<Round>(t, TN_PROGRAM_ROUND);
  set_exact_unary<Relu>(t, TN_PROGRAM_RELU);
  set_unary_float<Sqrt>(t, TN_PROGRAM_SQRT);
  set_function<VectorRsqrt, Rsqrt>(t, TN_PROGRAM_RSQRT);
  set_unary_float<Recip>(t, TN_PROGRAM_RECIP);
  set_function<VectorExp, Exp>(t, TN_PROGRAM_EXP);
  set_function<VectorExpm1, Expm1>(t, TN_PROGRAM_EXPM1);
  set_function<VectorLog, Log>(t, TN_PROGRAM_LOG);
  set_function<VectorLog1p, Log1p>(t, TN_PROGRAM_LOG1P);
  set_function<VectorLog2, Log2>(t, TN_PROGRAM_LOG2);
  set_function<VectorExp2, Exp2>(t, TN_PROGRAM_EXP2);
  set_function<VectorSin, Sin>(t, TN_PROGRAM_SIN);
  set_function<VectorCos, Cos>(t, TN_PROGRAM_COS);
  set_function<VectorTan, Tan>(t, TN_PROGRAM_TAN);
  set_function<VectorAsin, Asin>(t, TN_PROGRAM_ASIN);
  set_function<VectorAcos, Acos>(t, TN_PROGRAM_ACOS);
  set_function<VectorAtan, Atan>(t, TN_PROGRAM_ATAN);
  set_function<VectorSinh, Sinh>(t, TN_PROGRAM_SINH);
  set_function<VectorCosh, Cosh>(t, TN_PROGRAM_COSH);
  set_function<VectorTanh, Tanh>(t, TN_PROGRAM_TANH);
  set_function<VectorAsinh, Asinh>(t, TN_PROGRAM_ASINH);
  set_function<VectorAcosh, Acosh>(t, TN_PROGRAM_ACOSH);
  set_function<VectorAtanh, Atanh>(t, TN_PROGRAM_ATANH);
  set_function<VectorErf, Erf>(t, TN_PROGRAM_ERF);
  set_function<VectorErfc, Erfc>(t, TN_PROGRAM_ERFC);
  set_function<VectorSigmoid, Sigmoid>(t, TN_PROGRAM_SIGMOID);
}

constexpr ElementwiseKernels make_elementwise_kernels() {
  ElementwiseKernels table{};
  set_all_movement(table);
  set_all_binary(table);
  set_all_unary(table);
  table.turn = &turn;
  table.stream = &stream;
  return table;
}

inline constexpr ElementwiseKernels kElementwiseKernels = make_elementwise_kernels();

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
