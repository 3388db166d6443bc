// Vectors of the widest registers of the instruction set that the including file is compiled for,
// over the compiler's vector extensions; intrinsics only where those have no word for it.
#ifndef TENON_PLUGINS_CPU_SIMD_H
#define TENON_PLUGINS_CPU_SIMD_H

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cmath>
#include <cstdint>
#include <cstring>

#include "isa.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif
inline constexpr int kLanes = kVectorBytes / 4;  // of f32
inline constexpr int kDoubleLanes = kVectorBytes / 8;

typedef float Float __attribute__((vector_size(kVectorBytes)));
typedef int32_t Int __attribute__((vector_size(kVectorBytes)));
typedef uint32_t UInt __attribute__((vector_size(kVectorBytes)));
typedef double Double __attribute__((vector_size(kVectorBytes)));
typedef int64_t Long __attribute__((vector_size(kVectorBytes)));
// The same without a claim on alignment or type, for memory.
typedef float FloatMemory __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
typedef double DoubleMemory __attribute__((vector_size(kVectorBytes), aligned(8), may_alias));
typedef int32_t IntMemory __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

#define TENON_CPU_INLINE [[gnu::always_inline]] inline

TENON_CPU_INLINE Float splat(float x) { return x - Float{}; }
TENON_CPU_INLINE Int splat(int32_t x) { return x - Int{}; }
TENON_CPU_INLINE Float load(const float* p) { return *reinterpret_cast<const FloatMemory*>(p); }
TENON_CPU_INLINE void store(float* p, Float x) { *reinterpret_cast<FloatMemory*>(p) = x; }
TENON_CPU_INLINE Int as_int(Float x) { return reinterpret_cast<Int>(x); }
TENON_CPU_INLINE Float as_float(Int x) { return reinterpret_cast<Float>(x); }

// Masks are lanes of 0 or -1.
TENON_CPU_INLINE Float select(Int mask, Float a, Float b) { return mask ? a : b; }
TENON_CPU_INLINE Float bit_and(Float x, Int bits) { return as_float(as_int(x) & bits); }
TENON_CPU_INLINE Float bit_or(Float x, Int bits) { return as_float(as_int(x) | bits); }
TENON_CPU_INLINE Float bit_xor(Float x, Int bits) { return as_float(as_int(x) ^ bits); }
TENON_CPU_INLINE Float absolute(Float x) { return bit_and(x, splat(int32_t{0x7fffffff})); }

// a < b ? a : b and a > b ? a : b: where one is NaN or both are zero, b.
#if defined(__AVX512F__)
TENON_CPU_INLINE Float lesser(Float a, Float b) {
  return (Float)_mm512_min_ps((__m512)a, (__m512)b);
}
TENON_CPU_INLINE Float greater(Float a, Float b) {
  return (Float)_mm512_max_ps((__m512)a, (__m512)b);
}
TENON_CPU_INLINE bool any_lane(Int mask) {
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
}
#elif defined(__AVX2__)
TENON_CPU_INLINE Float lesser(Float a, Float b) {
  return (Float)_mm256_min_ps((__m256)a, (__m256)b);
}
TENON_CPU_INLINE Float greater(Float a, Float b) {
  return (Float)_mm256_max_ps((__m256)a, (__m256)b);
}
TENON_CPU_INLINE bool any_lane(Int mask) { return _mm256_movemask_ps((__m256)mask) != 0; }
#else
TENON_CPU_INLINE Float lesser(Float a, Float b) { return select(a < b, a, b); }
TENON_CPU_INLINE Float greater(Float a, Float b) { return select(a > b, a, b); }
TENON_CPU_INLINE bool any_lane(Int mask) {
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= mask[i];
  return any != 0;
}
#endif

#if defined(__AVX512F__)

TENON_CPU_INLINE Float multiply_add(Float a, Float b, Float c) {
  return (Float)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
TENON_CPU_INLINE Double multiply_add(Double a, Double b, Double c) {
  return (Double)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
TENON_CPU_INLINE Float square_root(Float x) { return (Float)_mm512_sqrt_ps((__m512)x); }
// About 1 / x: what reciprocal() starts from.
TENON_CPU_INLINE Float reciprocal_guess(Float x) { return (Float)_mm512_rcp14_ps((__m512)x); }
// About 1 / sqrt(x).
TENON_CPU_INLINE Float rsqrt_guess(Float x) { return (Float)_mm512_rsqrt14_ps((__m512)x); }
TENON_CPU_INLINE Float round_even(Float x) {
  return (Float)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_down(Float x) {
  return (Float)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_up(Float x) {
  return (Float)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_zero(Float x) {
  return (Float)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
// The first n lanes, 0 <= n <= kLanes; the others are 0 or stay.
TENON_CPU_INLINE Float load_part(const float* p, int n) {
  return (Float)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p);
}
TENON_CPU_INLINE void store_part(float* p, Float x, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), (__m512)x);
}
TENON_CPU_INLINE void store_stream(float* p, Float x) { _mm512_stream_ps(p, (__m512)x); }

#elif defined(__AVX2__)

TENON_CPU_INLINE Float multiply_add(Float a, Float b, Float c) {
  return (Float)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
TENON_CPU_INLINE Double multiply_add(Double a, Double b, Double c) {
  return (Double)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
TENON_CPU_INLINE Float square_root(Float x) { return (Float)_mm256_sqrt_ps((__m256)x); }
TENON_CPU_INLINE Float reciprocal_guess(Float x) { return (Float)_mm256_rcp_ps((__m256)x); }
TENON_CPU_INLINE Float rsqrt_guess(Float x) { return (Float)_mm256_rsqrt_ps((__m256)x); }
TENON_CPU_INLINE Float round_even(Float x) {
  return (Float)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_down(Float x) {
  return (Float)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_up(Float x) {
  return (Float)_mm256_round_ps((__m256)x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Float round_zero(Float x) {
  return (Float)_mm256_round_ps((__m256)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
TENON_CPU_INLINE Int part_mask(int n) {
  return Int{0, 1, 2, 3, 4, 5, 6, 7} < splat(static_cast<int32_t>(n));
}
TENON_CPU_INLINE Float load_part(const float* p, int n) {
  return (Float)_mm256_maskload_ps(p, (__m256i)part_mask(n));
}
TENON_CPU_INLINE void store_part(float* p, Float x, int n) {
  _mm256_maskstore_ps(p, (__m256i)part_mask(n), (__m256)x);
}
TENON_CPU_INLINE void store_stream(float* p, Float x) { _mm256_stream_ps(p, (__m256)x); }

#else

// f of each lane.
template <class F>
TENON_CPU_INLINE Float by_lane(Float x, F f) {
  Float y{};
  for (int i = 0; i < kLanes; ++i) y[i] = f(x[i]);
  return y;
}
// The product is exact in double; of the two roundings the first is far below the result's last
// place, so this is a fused operation for all the polynomials here.
TENON_CPU_INLINE Float multiply_add(Float a, Float b, Float c) {
  Float y{};
  for (int i = 0; i < kLanes; ++i) {
    y[i] = static_cast<float>(static_cast<double>(a[i]) * static_cast<double>(b[i]) +
                              static_cast<double>(c[i]));
  }
  return y;
}
TENON_CPU_INLINE Double multiply_add(Double a, Double b, Double c) { return a * b + c; }
TENON_CPU_INLINE Float square_root(Float x) {
  return by_lane(x, [](float v) { return __builtin_sqrtf(v); });
}
TENON_CPU_INLINE Float round_even(Float x) {
  return by_lane(x, [](float v) { return __builtin_rintf(v); });
}
TENON_CPU_INLINE Float round_down(Float x) {
  return by_lane(x, [](float v) { return __builtin_floorf(v); });
}
TENON_CPU_INLINE Float round_up(Float x) {
  return by_lane(x, [](float v) { return __builtin_ceilf(v); });
}
TENON_CPU_INLINE Float round_zero(Float x) {
  return by_lane(x, [](float v) { return __builtin_truncf(v); });
}
TENON_CPU_INLINE Float load_part(const float* p, int n) {
  Float x{};
  for (int i = 0; i < n; ++i) x[i] = p[i];
  return x;
}
TENON_CPU_INLINE void store_part(float* p, Float x, int n) {
  for (int i = 0; i < n; ++i) p[i] = x[i];
}
TENON_CPU_INLINE void store_stream(float* p, Float x) { store(p, x); }

#endif

TENON_CPU_INLINE Int to_int(Float x) { return __builtin_convertvector(x, Int); }
TENON_CPU_INLINE Float to_float(Int x) { return __builtin_convertvector(x, Float); }

// To be called where vectors were passed through pointers to functions and the caller is not
// compiled for them: the compiler does not see that registers are used, and code of the old
// encoding waits for their upper halves, about 100 ns.
TENON_CPU_INLINE void leave_vectors() {
#if defined(__AVX__)
  _mm256_zeroupper();
#endif
}

// Orders the stores of store_stream() before later ones of this thread.
TENON_CPU_INLINE void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

// Fixed order: halves are added until one lane is left.
TENON_CPU_INLINE float sum_lanes(Float x) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)x);
#else
  float lanes[kLanes];
  store(lanes, x);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
#endif
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
