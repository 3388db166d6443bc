// Programs of one instruction on dense f32: a loop of their own, without frame and steps.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_DIRECT_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_DIRECT_H

#include "elementwise_math.h"
#include "elementwise_vm.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// ---- bools: bytes in memory, lanes of 0 or -1 in registers ----

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
// ---- loops ----

// Vectors of an operand, or one value for all.
class DirectSource {
 public:
  TENON_CPU_INLINE explicit DirectSource(const VmValues& values) : values_(values) {}
  TENON_CPU_INLINE Float whole(int64_t i) const {
    return values_.one ? splat(*values_.data) : load(values_.data + i);
  }
  TENON_CPU_INLINE Float part(int64_t i, int n) const {
    return values_.one ? splat(*values_.data) : load_part(values_.data + i, n);
  }

 private:
  VmValues values_;
};

struct DirectFloats {
  TENON_CPU_INLINE static void whole(std::byte* out, int64_t i, Float x) {
    store(reinterpret_cast<float*>(out) + i, x);
  }
  TENON_CPU_INLINE static void part(std::byte* out, int64_t i, Float x, int n) {
    store_part(reinterpret_cast<float*>(out) + i, x, n);
  }
};
struct DirectTruths {
  TENON_CPU_INLINE static void whole(std::byte* out, int64_t i, Float x) {
    store_truths(out + i, x);
  }
  TENON_CPU_INLINE static void part(std::byte* out, int64_t i, Float x, int n) {
    std::byte lanes[kLanes];
    store_truths(lanes, x);
    for (int k = 0; k < n; ++k) out[i + k] = lanes[k];
  }
};

template <class Op, class To>
void direct_unary(std::byte* out, const VmValues* in, int64_t n) {
  const DirectSource a(in[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) To::whole(out, i, Op::apply(a.whole(i)));
  const int rest = static_cast<int>(n - i);
  if (rest != 0) To::part(out, i, Op::apply(a.part(i, rest)), rest);
}

template <class Op, class To>
void direct_binary(std::byte* out, const VmValues* in, int64_t n) {
  const DirectSource a(in[0]), b(in[1]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) To::whole(out, i, Op::apply(a.whole(i), b.whole(i)));
  const int rest = static_cast<int>(n - i);
  if (rest != 0) To::part(out, i, Op::apply(a.part(i, rest), b.part(i, rest)), rest);
}

template <class Op>
void set_direct_unary(VmKernels& t, uint32_t opcode) {
  t.direct[opcode] = &direct_unary<Op, DirectFloats>;
}
template <class Op>
void set_direct_binary(VmKernels& t, uint32_t opcode) {
  t.direct[opcode] = &direct_binary<Op, DirectFloats>;
}
template <int kRelation>
void set_direct_compare(VmKernels& t) {
  t.direct[kRelation] = &direct_binary<Compare<kRelation>, DirectTruths>;
}

// Those that take little more than their call; a program of another one has steps alone.
inline void set_all_direct(VmKernels& t) {
  set_direct_binary<VectorAdd>(t, TN_PROGRAM_ADD);
  set_direct_binary<VectorSub>(t, TN_PROGRAM_SUB);
  set_direct_binary<VectorMul>(t, TN_PROGRAM_MUL);
  set_direct_binary<VectorDiv>(t, TN_PROGRAM_DIV);
  set_direct_binary<VectorMin>(t, TN_PROGRAM_MIN);
  set_direct_binary<VectorMax>(t, TN_PROGRAM_MAX);
  set_direct_compare<TN_PROGRAM_EQ>(t);
  set_direct_compare<TN_PROGRAM_NE>(t);
  set_direct_compare<TN_PROGRAM_LT>(t);
  set_direct_compare<TN_PROGRAM_LE>(t);
  set_direct_compare<TN_PROGRAM_GT>(t);
  set_direct_compare<TN_PROGRAM_GE>(t);
  set_direct_unary<VectorCopy>(t, TN_PROGRAM_COPY);
  set_direct_unary<VectorNeg>(t, TN_PROGRAM_NEG);
  set_direct_unary<VectorAbs>(t, TN_PROGRAM_ABS);
  set_direct_unary<VectorSqrt>(t, TN_PROGRAM_SQRT);
  set_direct_unary<VectorRsqrt>(t, TN_PROGRAM_RSQRT);
  set_direct_unary<VectorRecip>(t, TN_PROGRAM_RECIP);
  set_direct_unary<VectorRelu>(t, TN_PROGRAM_RELU);
  set_direct_unary<VectorExp>(t, TN_PROGRAM_EXP);
  set_direct_unary<VectorLog>(t, TN_PROGRAM_LOG);
  set_direct_unary<VectorTanh>(t, TN_PROGRAM_TANH);
  set_direct_unary<VectorSigmoid>(t, TN_PROGRAM_SIGMOID);
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
