// Builds a VmKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_STEPS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_STEPS_H

#include "elementwise_math.h"
#include "elementwise_vm.h"
#include "elementwise_vm_direct.h"

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

// F(step, frame, i) looks its operands up; f(x, v) is the new value of vector v, whose elements
// begin at i + v kLanes.
template <class F>
void wide_step(const VmStep* step, const VmFrame& frame, int64_t i, Float x0, Float x1, Float x2,
               Float x3, Float x4, Float x5, Float x6, Float x7) {
  const F f(*step, frame, i);
  x0 = f(x0, 0);
  x1 = f(x1, 1);
  x2 = f(x2, 2);
  x3 = f(x3, 3);
  x4 = f(x4, 4);
  x5 = f(x5, 5);
  x6 = f(x6, 6);
  x7 = f(x7, 7);
  return reinterpret_cast<Wide>(step[1].wide)(step + 1, frame, i, x0, x1, x2, x3, x4, x5, x6, x7);
}

template <class F>
void narrow_step(const VmStep* step, const VmFrame& frame, int64_t i, Float x) {
  const F f(*step, frame, i);
  x = f(x, 0);
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
  TENON_CPU_INLINE UnaryStep(const VmStep&, const VmFrame&, int64_t) {}
  TENON_CPU_INLINE Float operator()(Float x, int) const { return Op::apply(x); }
};
// One operand in memory, at `a`.
struct OneOperand {
  TENON_CPU_INLINE OneOperand(const VmStep& s, const VmFrame& f, int64_t i)
      : a(floats(f, s.first, i)) {}
  TENON_CPU_INLINE Float first(int v) const { return load(a + v * kLanes); }
  const float* a;
};
struct TwoOperands : OneOperand {
  TENON_CPU_INLINE TwoOperands(const VmStep& s, const VmFrame& f, int64_t i)
      : OneOperand(s, f, i), b(floats(f, s.second, i)) {}
  TENON_CPU_INLINE Float second(int v) const { return load(b + v * kLanes); }
  const float* b;
};
template <class Op>
struct RegisterMemoryStep : OneOperand {
  using OneOperand::OneOperand;
  TENON_CPU_INLINE Float operator()(Float x, int v) const { return Op::apply(x, first(v)); }
};
template <class Op>
struct MemoryRegisterStep : OneOperand {
  using OneOperand::OneOperand;
  TENON_CPU_INLINE Float operator()(Float x, int v) const { return Op::apply(first(v), x); }
};
template <class Op>
struct MemoryMemoryStep : TwoOperands {
  using TwoOperands::TwoOperands;
  TENON_CPU_INLINE Float operator()(Float, int v) const { return Op::apply(first(v), second(v)); }
};
template <class Op>
struct TernaryStep : TwoOperands {
  using TwoOperands::TwoOperands;
  TENON_CPU_INLINE Float operator()(Float x, int v) const {
    return Op::apply(x, first(v), second(v));
  }
};

// ---- bools ----

struct LoadStep : OneOperand {
  using OneOperand::OneOperand;
  TENON_CPU_INLINE Float operator()(Float, int v) const { return first(v); }
};
struct LoadBoolStep {
  TENON_CPU_INLINE LoadBoolStep(const VmStep& s, const VmFrame& f, int64_t i)
      : p(place(f, s.first, i)) {}
  TENON_CPU_INLINE Float operator()(Float, int v) const { return load_truths(p + v * kLanes); }
  const std::byte* p;
};
struct StoreStep {
  TENON_CPU_INLINE StoreStep(const VmStep& s, const VmFrame& f, int64_t i)
      : p(reinterpret_cast<float*>(place(f, s.first, i))) {}
  TENON_CPU_INLINE Float operator()(Float x, int v) const {
    store(p + v * kLanes, x);
    return x;
  }
  float* p;
};
struct StoreStreamStep {
  TENON_CPU_INLINE StoreStreamStep(const VmStep& s, const VmFrame& f, int64_t i)
      : p(reinterpret_cast<float*>(place(f, s.first, i))),
        aligned(reinterpret_cast<uintptr_t>(p) % kVectorBytes == 0) {}
  TENON_CPU_INLINE Float operator()(Float x, int v) const {
    if (aligned) {
      store_stream(p + v * kLanes, x);
    } else {
      store(p + v * kLanes, x);
    }
    return x;
  }
  float* p;
  bool aligned;
};
struct StoreBoolStep {
  TENON_CPU_INLINE StoreBoolStep(const VmStep& s, const VmFrame& f, int64_t i)
      : p(place(f, s.first, i)) {}
  TENON_CPU_INLINE Float operator()(Float x, int v) const {
    store_truths(p + v * kLanes, x);
    return x;
  }
  std::byte* p;
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

// Narrow steps read the first vector only.
inline void fill_scratch(std::byte* scratch, float value, int64_t n) {
  float* p = reinterpret_cast<float*>(scratch);
  const int64_t end = n < kWide ? kLanes : kWide;
  for (int64_t i = 0; i < end; i += kLanes) store(p + i, splat(value));
}

// The first n elements of a vector, between a tensor and a copy of one vector.
TENON_CPU_INLINE void copy_part(std::byte* to, const std::byte* from, int64_t step, int64_t n) {
  if (step == sizeof(float)) {
    const int part = static_cast<int>(n);
    store_part(reinterpret_cast<float*>(to), load_part(reinterpret_cast<const float*>(from), part),
               part);
  } else {
    for (int64_t k = 0; k < n; ++k) to[k] = from[k];
  }
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
    if (k < outputs) copy_part(copies[k], o.base + i * o.step, o.step, n);
  }
  reinterpret_cast<Narrow>(steps->narrow)(steps, rest, i, Float{});
  for (uint32_t k = outputs; k < tensors; ++k) {
    const VmOperand& o = frame.operands[k];
    copy_part(o.base + i * o.step, copies[k], o.step, n);
  }
}

// Whether an output is an input: operands overlap exactly or not at all.
TENON_CPU_INLINE bool writes_inputs(const VmFrame& frame, uint32_t outputs, uint32_t tensors) {
  for (uint32_t o = outputs; o < tensors; ++o) {
    for (uint32_t k = 0; k < outputs; ++k) {
      if (frame.operands[k].base == frame.operands[o].base) return true;
    }
  }
  return false;
}

// Whole chunks, then what is left.
TENON_CPU_INLINE void run_chunks(const VmStep* steps, const VmFrame& frame, uint32_t outputs,
                                 uint32_t tensors, int64_t n) {
  int64_t i = 0;
  const Float zero{};
  const auto wide = [&](int64_t at) {
    reinterpret_cast<Wide>(steps->wide)(steps, frame, at, zero, zero, zero, zero, zero, zero, zero,
                                        zero);
  };
  for (; i + kWide <= n; i += kWide) wide(i);
  if (i == n) return;
  // Some elements once more give the same bits, and cost less than a chain of narrow steps.
  if (i > 0 && !writes_inputs(frame, outputs, tensors)) return wide(n - kWide);
  for (; i + kLanes <= n; i += kLanes) {
    reinterpret_cast<Narrow>(steps->narrow)(steps, frame, i, zero);
  }
  if (i < n) run_rest(steps, frame, outputs, tensors, i, n - i);
}

inline void run_steps(const VmStep* steps, const VmFrame& frame, uint32_t outputs, uint32_t tensors,
                      int64_t n) {
  run_chunks(steps, frame, outputs, tensors, n);
  leave_vectors();
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
  set_all_direct(t);
  t.fill = &fill_scratch;
  t.run = &run_steps;
  return t;
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
