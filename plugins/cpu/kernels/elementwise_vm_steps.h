// Builds a VmKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_STEPS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_STEPS_H

#include "elementwise_math.h"
#include "elementwise_vm.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

inline constexpr int64_t kWide = 8 * kLanes;

using Wide = void (*)(const VmStep*, const VmFrame&, int64_t, Float, Float, Float, Float, Float,
                      Float, Float, Float);
using Narrow = void (*)(const VmStep*, const VmFrame&, int64_t, Float);

// The operand's elements from i on.
TENON_CPU_INLINE std::byte* place(const VmFrame& frame, uint32_t operand, int64_t i) {
  const VmOperand& o = frame.operands[operand];
  return o.base + i * o.step;
}
TENON_CPU_INLINE const float* floats(const VmFrame& frame, uint32_t operand, int64_t i) {
  return reinterpret_cast<const float*>(place(frame, operand, i));
}

// F::step(x, step, frame, i, v): the new value of vector v, whose elements begin at i + v kLanes.
template <class F>
void wide_step(const VmStep* step, const VmFrame& frame, int64_t i, Float x0, Float x1, Float x2,
               Float x3, Float x4, Float x5, Float x6, Float x7) {
  x0 = F::step(x0, *step, frame, i, 0);
  x1 = F::step(x1, *step, frame, i, 1);
  x2 = F::step(x2, *step, frame, i, 2);
  x3 = F::step(x3, *step, frame, i, 3);
  x4 = F::step(x4, *step, frame, i, 4);
  x5 = F::step(x5, *step, frame, i, 5);
  x6 = F::step(x6, *step, frame, i, 6);
  x7 = F::step(x7, *step, frame, i, 7);
  return reinterpret_cast<Wide>(step[1].wide)(step + 1, frame, i, x0, x1, x2, x3, x4, x5, x6, x7);
}

template <class F>
void narrow_step(const VmStep* step, const VmFrame& frame, int64_t i, Float x) {
  x = F::step(x, *step, frame, i, 0);
  return reinterpret_cast<Narrow>(step[1].narrow)(step + 1, frame, i, x);
}

inline void wide_end(const VmStep*, const VmFrame&, int64_t, Float, Float, Float, Float, Float,
                     Float, Float, Float) {}
inline void narrow_end(const VmStep*, const VmFrame&, int64_t, Float) {}

template <class F>
VmFunctions functions() {
  return {reinterpret_cast<VmFunction>(&wide_step<F>),
          reinterpret_cast<VmFunction>(&narrow_step<F>)};
}

template <class Op>
struct UnaryStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep&, const VmFrame&, int64_t, int) {
    return Op::apply(x);
  }
};
template <class Op>
struct RegisterMemoryStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return Op::apply(x, load(floats(f, s.first, i) + v * kLanes));
  }
};
template <class Op>
struct MemoryRegisterStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return Op::apply(load(floats(f, s.first, i) + v * kLanes), x);
  }
};
template <class Op>
struct MemoryMemoryStep {
  TENON_CPU_INLINE static Float step(Float, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return Op::apply(load(floats(f, s.first, i) + v * kLanes),
                     load(floats(f, s.second, i) + v * kLanes));
  }
};
template <class Op>
struct TernaryStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return Op::apply(x, load(floats(f, s.first, i) + v * kLanes),
                     load(floats(f, s.second, i) + v * kLanes));
  }
};

// ---- bools ----

#if defined(__AVX512F__)
TENON_CPU_INLINE Float load_truths(const std::byte* p) {
  const __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return as_float((Int)wide != splat(int32_t{0}));
}
TENON_CPU_INLINE void store_truths(std::byte* p, Float x) {
  const __m512i ones = _mm512_and_si512((__m512i)as_int(x), _mm512_set1_epi32(1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(ones));
}
#else
TENON_CPU_INLINE Float load_truths(const std::byte* p) {
  Int mask{};
  for (int i = 0; i < kLanes; ++i) mask[i] = p[i] != std::byte{0} ? -1 : 0;
  return as_float(mask);
}
TENON_CPU_INLINE void store_truths(std::byte* p, Float x) {
  const Int mask = as_int(x);
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::byte>(mask[i] & 1);
}
#endif

struct LoadStep {
  TENON_CPU_INLINE static Float step(Float, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return load(floats(f, s.first, i) + v * kLanes);
  }
};
struct LoadBoolStep {
  TENON_CPU_INLINE static Float step(Float, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    return load_truths(place(f, s.first, i) + v * kLanes);
  }
};
struct StoreStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    store(reinterpret_cast<float*>(place(f, s.first, i)) + v * kLanes, x);
    return x;
  }
};
struct StoreStreamStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    float* p = reinterpret_cast<float*>(place(f, s.first, i)) + v * kLanes;
    if (reinterpret_cast<uintptr_t>(p) % kVectorBytes == 0) {
      store_stream(p, x);
    } else {
      store(p, x);
    }
    return x;
  }
};
struct StoreBoolStep {
  TENON_CPU_INLINE static Float step(Float x, const VmStep& s, const VmFrame& f, int64_t i, int v) {
    store_truths(place(f, s.first, i) + v * kLanes, x);
    return x;
  }
};

template <int kRelation>
struct Compare {
  TENON_CPU_INLINE static Float apply(Float a, Float b) {
    if constexpr (kRelation == TN_PROGRAM_EQ) return as_float(a == b);
    if constexpr (kRelation == TN_PROGRAM_NE) return as_float(a != b);
    if constexpr (kRelation == TN_PROGRAM_LT) return as_float(a < b);
    if constexpr (kRelation == TN_PROGRAM_LE) return as_float(a <= b);
    if constexpr (kRelation == TN_PROGRAM_GT) return as_float(a > b);
    return as_float(a >= b);
  }
};
struct VectorIsNan {
  TENON_CPU_INLINE static Float apply(Float x) { return as_float(x != x); }
};
struct VectorCopy {
  TENON_CPU_INLINE static Float apply(Float x) { return x; }
};
struct VectorWhere {
  TENON_CPU_INLINE static Float apply(Float c, Float a, Float b) { return select(as_int(c), a, b); }
};
struct MaskAnd {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return bit_and(a, as_int(b)); }
};
struct MaskOr {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return bit_or(a, as_int(b)); }
};
struct MaskXor {
  TENON_CPU_INLINE static Float apply(Float a, Float b) { return bit_xor(a, as_int(b)); }
};
struct MaskNot {
  TENON_CPU_INLINE static Float apply(Float a) { return as_float(~as_int(a)); }
};
struct MaskEqual {
  TENON_CPU_INLINE static Float apply(Float a, Float b) {
    return as_float(~(as_int(a) ^ as_int(b)));
  }
};
struct ToBool {
  TENON_CPU_INLINE static Float apply(Float x) { return as_float(x != splat(0.0f)); }
};
struct ToFloat {
  TENON_CPU_INLINE static Float apply(Float x) { return bit_and(splat(1.0f), as_int(x)); }
};

// ---- table ----

template <class Op>
void set_unary(VmFunctions (&row)[kVmForms]) {
  row[kVmRegister] = functions<UnaryStep<Op>>();
}
template <class Op>
void set_binary(VmFunctions (&row)[kVmForms]) {
  row[kVmRegisterMemory] = functions<RegisterMemoryStep<Op>>();
  row[kVmMemoryRegister] = functions<MemoryRegisterStep<Op>>();
  row[kVmMemoryMemory] = functions<MemoryMemoryStep<Op>>();
}
template <class Op>
void set_ternary(VmFunctions (&row)[kVmForms]) {
  row[kVmRegisterMemory] = functions<TernaryStep<Op>>();
}

inline void set_vm_unary(VmKernels& t) {
  set_unary<VectorCopy>(t.op[TN_PROGRAM_COPY]);
  set_unary<VectorIsNan>(t.op[TN_PROGRAM_ISNAN]);
  set_unary<VectorNeg>(t.op[TN_PROGRAM_NEG]);
  set_unary<VectorAbs>(t.op[TN_PROGRAM_ABS]);
  set_unary<VectorSign>(t.op[TN_PROGRAM_SIGN]);
  set_unary<VectorFloor>(t.op[TN_PROGRAM_FLOOR]);
  set_unary<VectorCeil>(t.op[TN_PROGRAM_CEIL]);
  set_unary<VectorTrunc>(t.op[TN_PROGRAM_TRUNC]);
  set_unary<VectorRound>(t.op[TN_PROGRAM_ROUND]);
  set_unary<VectorSqrt>(t.op[TN_PROGRAM_SQRT]);
  set_unary<VectorRsqrt>(t.op[TN_PROGRAM_RSQRT]);
  set_unary<VectorRecip>(t.op[TN_PROGRAM_RECIP]);
  set_unary<VectorExp>(t.op[TN_PROGRAM_EXP]);
  set_unary<VectorExpm1>(t.op[TN_PROGRAM_EXPM1]);
  set_unary<VectorLog>(t.op[TN_PROGRAM_LOG]);
  set_unary<VectorLog1p>(t.op[TN_PROGRAM_LOG1P]);
  set_unary<VectorSin>(t.op[TN_PROGRAM_SIN]);
  set_unary<VectorCos>(t.op[TN_PROGRAM_COS]);
  set_unary<VectorTan>(t.op[TN_PROGRAM_TAN]);
  set_unary<VectorAsin>(t.op[TN_PROGRAM_ASIN]);
  set_unary<VectorAcos>(t.op[TN_PROGRAM_ACOS]);
  set_unary<VectorAtan>(t.op[TN_PROGRAM_ATAN]);
  set_unary<VectorSinh>(t.op[TN_PROGRAM_SINH]);
  set_unary<VectorCosh>(t.op[TN_PROGRAM_COSH]);
  set_unary<VectorTanh>(t.op[TN_PROGRAM_TANH]);
  set_unary<VectorAsinh>(t.op[TN_PROGRAM_ASINH]);
  set_unary<VectorAcosh>(t.op[TN_PROGRAM_ACOSH]);
  set_unary<VectorAtanh>(t.op[TN_PROGRAM_ATANH]);
  set_unary<VectorErf>(t.op[TN_PROGRAM_ERF]);
  set_unary<VectorErfc>(t.op[TN_PROGRAM_ERFC]);
  set_unary<VectorSigmoid>(t.op[TN_PROGRAM_SIGMOID]);
  set_unary<VectorLog2>(t.op[TN_PROGRAM_LOG2]);
  set_unary<VectorExp2>(t.op[TN_PROGRAM_EXP2]);
  set_unary<VectorRelu>(t.op[TN_PROGRAM_RELU]);
}

inline void set_vm_binary(VmKernels& t) {
  set_binary<VectorAdd>(t.op[TN_PROGRAM_ADD]);
  set_binary<VectorSub>(t.op[TN_PROGRAM_SUB]);
  set_binary<VectorMul>(t.op[TN_PROGRAM_MUL]);
  set_binary<VectorDiv>(t.op[TN_PROGRAM_DIV]);
  set_binary<VectorRem>(t.op[TN_PROGRAM_REM]);
  set_binary<VectorPow>(t.op[TN_PROGRAM_POW]);
  set_binary<VectorMin>(t.op[TN_PROGRAM_MIN]);
  set_binary<VectorMax>(t.op[TN_PROGRAM_MAX]);
  set_binary<VectorAtan2>(t.op[TN_PROGRAM_ATAN2]);
  set_binary<Compare<TN_PROGRAM_EQ>>(t.op[TN_PROGRAM_EQ]);
  set_binary<Compare<TN_PROGRAM_NE>>(t.op[TN_PROGRAM_NE]);
  set_binary<Compare<TN_PROGRAM_LT>>(t.op[TN_PROGRAM_LT]);
  set_binary<Compare<TN_PROGRAM_LE>>(t.op[TN_PROGRAM_LE]);
  set_binary<Compare<TN_PROGRAM_GT>>(t.op[TN_PROGRAM_GT]);
  set_binary<Compare<TN_PROGRAM_GE>>(t.op[TN_PROGRAM_GE]);
}

inline void set_vm_bool(VmKernels& t) {
  set_binary<MaskAnd>(t.op_bool[TN_PROGRAM_AND]);
  set_binary<MaskOr>(t.op_bool[TN_PROGRAM_OR]);
  set_binary<MaskXor>(t.op_bool[TN_PROGRAM_XOR]);
  set_binary<MaskXor>(t.op_bool[TN_PROGRAM_NE]);
  set_binary<MaskEqual>(t.op_bool[TN_PROGRAM_EQ]);
  set_binary<MaskAnd>(t.op_bool[TN_PROGRAM_MIN]);
  set_binary<MaskOr>(t.op_bool[TN_PROGRAM_MAX]);
  set_unary<MaskNot>(t.op_bool[TN_PROGRAM_NOT]);
  set_unary<VectorCopy>(t.op_bool[TN_PROGRAM_COPY]);
  set_ternary<VectorWhere>(t.op_bool[TN_PROGRAM_WHERE]);
  t.cast_to_bool = functions<UnaryStep<ToBool>>();
  t.cast_to_float = functions<UnaryStep<ToFloat>>();
}

inline void fill_scratch(std::byte* scratch, float value) {
  float* p = reinterpret_cast<float*>(scratch);
  for (int64_t i = 0; i < kWide; i += kLanes) store(p + i, splat(value));
}

// The last elements, fewer than one vector: through copies, since a step moves whole vectors.
[[gnu::noinline]] inline void run_rest(const VmStep* steps, const VmFrame& frame, uint32_t outputs,
                                       uint32_t tensors, int64_t i, int64_t n) {
  alignas(64) std::byte copies[kVmOperands][kVectorBytes];
  VmFrame rest;
  rest.count = frame.count;
  for (uint32_t k = 0; k < frame.count; ++k) rest.operands[k] = frame.operands[k];
  for (uint32_t k = 0; k < tensors; ++k) {
    const VmOperand& o = frame.operands[k];
    if (o.step == 0) continue;
    rest.operands[k].base = copies[k] - i * o.step;
    if (k < outputs) std::memcpy(copies[k], o.base + i * o.step, static_cast<size_t>(n * o.step));
  }
  reinterpret_cast<Narrow>(steps->narrow)(steps, rest, i, Float{});
  for (uint32_t k = outputs; k < tensors; ++k) {
    const VmOperand& o = frame.operands[k];
    std::memcpy(o.base + i * o.step, copies[k], static_cast<size_t>(n * o.step));
  }
}

inline void run_steps(const VmStep* steps, const VmFrame& frame, uint32_t outputs, uint32_t tensors,
                      int64_t n) {
  int64_t i = 0;
  const Float zero{};
  for (; i + kWide <= n; i += kWide) {
    reinterpret_cast<Wide>(steps->wide)(steps, frame, i, zero, zero, zero, zero, zero, zero, zero,
                                        zero);
  }
  for (; i + kLanes <= n; i += kLanes) {
    reinterpret_cast<Narrow>(steps->narrow)(steps, frame, i, zero);
  }
  if (i < n) run_rest(steps, frame, outputs, tensors, i, n - i);
}

inline VmKernels make_vm_kernels() {
  VmKernels t{};
  set_vm_unary(t);
  set_vm_binary(t);
  set_vm_bool(t);
  set_ternary<VectorWhere>(t.op[TN_PROGRAM_WHERE]);
  set_ternary<VectorFma>(t.op[TN_PROGRAM_FMA]);
  t.load = functions<LoadStep>();
  t.load_bool = functions<LoadBoolStep>();
  t.store = functions<StoreStep>();
  t.store_stream = functions<StoreStreamStep>();
  t.store_bool = functions<StoreBoolStep>();
  t.spill = functions<StoreStep>();
  t.end = {reinterpret_cast<VmFunction>(&wide_end), reinterpret_cast<VmFunction>(&narrow_end)};
  t.fill = &fill_scratch;
  t.run = &run_steps;
  return t;
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
