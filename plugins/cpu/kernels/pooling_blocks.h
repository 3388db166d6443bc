// Pooling of windows of 2 x 2; part of the table of convolutions.
#ifndef TENON_PLUGINS_CPU_KERNELS_POOLING_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_POOLING_BLOCKS_H

#include <cstring>
#include <utility>

#include "../simd.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Even and odd elements of the 2 kLanes elements of (a, b).
#if defined(__AVX512F__)
TENON_CPU_INLINE Float even_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
TENON_CPU_INLINE Float odd_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
#elif defined(__AVX2__)
TENON_CPU_INLINE Float even_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
}
TENON_CPU_INLINE Float odd_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
#else
TENON_CPU_INLINE Float even_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6);
}
TENON_CPU_INLINE Float odd_elements(Float a, Float b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7);
}
#endif

// Elements of a and b in turns: the first kLanes of them, and the rest.
template <size_t... kLane>
TENON_CPU_INLINE Float interleave_low(Float a, Float b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(kLane / 2 + kLane % 2 * kLanes)...);
}
template <size_t... kLane>
TENON_CPU_INLINE Float interleave_high(Float a, Float b, std::index_sequence<kLane...>) {
  return __builtin_shufflevector(a, b,
                                 static_cast<int>(kLanes / 2 + kLane / 2 + kLane % 2 * kLanes)...);
}

// The first n lanes as int64.
TENON_CPU_INLINE void store_indices(int64_t* to, Int x, int n) {
#if defined(__AVX512F__)
  const uint32_t mask = (1u << n) - 1u;
  const auto wide = [](__m256i half) { return _mm512_cvtepi32_epi64(half); };
  _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(mask),
                           wide(_mm512_castsi512_si256((__m512i)x)));
  if (n > 8) {
    _mm512_mask_storeu_epi64(to + 8, static_cast<__mmask8>(mask >> 8),
                             wide(_mm512_extracti64x4_epi64((__m512i)x, 1)));
  }
#else
  alignas(kVectorBytes) int32_t lanes[kLanes];
  std::memcpy(lanes, &x, sizeof x);
  for (int i = 0; i < n; ++i) to[i] = lanes[i];
#endif
}

// n numbers as int32; what does not fit becomes one that is no position of a plane.
TENON_CPU_INLINE Int load_indices(const int64_t* from, int n) {
#if defined(__AVX512F__)
  const uint32_t mask = (1u << n) - 1u;
  const __m512i low = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask), from);
  const __m512i high = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask >> 8), from + 8);
  return (Int)_mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtsepi64_epi32(low)),
                                 _mm512_cvtsepi64_epi32(high), 1);
#else
  alignas(kVectorBytes) int32_t lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) {
    const int32_t narrow = static_cast<int32_t>(from[i]);
    lanes[i] = narrow == from[i] ? narrow : -1;
  }
  Int x;
  std::memcpy(&x, lanes, sizeof x);
  return x;
#endif
}

TENON_CPU_INLINE bool any_lane(Int mask, int n) {
#if defined(__AVX512F__)
  const __mmask16 lanes = _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask);
  return (lanes & ((1u << n) - 1u)) != 0;
#else
  bool any = false;
  for (int i = 0; i < n; ++i) any |= mask[i] != 0;
  return any;
#endif
}

// Values and positions of the better of each lane. A NaN beats every number, the first of equals
// stays.
struct Candidates {
  Float value;
  Int at;
};
TENON_CPU_INLINE Candidates better(const Candidates& a, const Candidates& b) {
  const Int take = (b.value > a.value) | ((b.value != b.value) & (a.value == a.value));
  return {take ? b.value : a.value, take ? b.at : a.at};
}

// `count` <= kLanes windows from column 2 w of two rows on.
TENON_CPU_INLINE void max_pool_vector(const float* top, const float* bottom, int32_t width,
                                      int32_t first, int count, float* y, int64_t* indices) {
  const int left = 2 * count < kLanes ? 2 * count : kLanes;
  const int right = 2 * count - left;
  const auto read = [&](const float* p) { return left == kLanes ? load(p) : load_part(p, left); };
  const auto read_on = [&](const float* p) {
    return right == kLanes ? load(p + kLanes) : right == 0 ? Float{} : load_part(p + kLanes, right);
  };
  Int lane{};
  for (int i = 0; i < kLanes; ++i) lane[i] = 2 * i;
  const Int at = lane + first;
  const Float t0 = read(top);
  const Float t1 = read_on(top);
  const Float b0 = read(bottom);
  const Float b1 = read_on(bottom);
  const Candidates upper = better({even_elements(t0, t1), at}, {odd_elements(t0, t1), at + 1});
  const Candidates lower =
      better({even_elements(b0, b1), at + width}, {odd_elements(b0, b1), at + width + 1});
  const Candidates best = better(upper, lower);
  if (count == kLanes) {
    store(y, best.value);
  } else {
    store_part(y, best.value, count);
  }
  store_indices(indices, best.at, count);
}

inline void max_pool_2x2(const float* x, int64_t width, int64_t out_h, int64_t out_w, float* y,
                         int64_t* indices) {
  for (int64_t h = 0; h < out_h; ++h) {
    const float* row = x + 2 * h * width;
    for (int64_t w = 0; w < out_w; w += kLanes) {
      const int count = static_cast<int>(out_w - w < kLanes ? out_w - w : kLanes);
      max_pool_vector(row + 2 * w, row + width + 2 * w, static_cast<int32_t>(width),
                      static_cast<int32_t>(2 * h * width + 2 * w), count, y + h * out_w + w,
                      indices + h * out_w + w);
    }
  }
}

// `count` <= kLanes windows: dy where the index says so, else 0. Answers whether every index lies
// in its window.
TENON_CPU_INLINE bool max_pool_grad_vector(const float* dy, const int64_t* indices, int32_t first,
                                           int32_t width, int count, float* top, float* bottom) {
  constexpr auto kAll = std::make_index_sequence<kLanes>{};
  Int lane{};
  for (int i = 0; i < kLanes; ++i) lane[i] = 2 * i;
  const Int at = load_indices(indices, count) - lane - first;
  const Float d = count == kLanes ? load(dy) : load_part(dy, count);
  const Int places[4] = {at == 0, at == 1, at == width, at == width + 1};
  const auto write = [&](float* to, Int even, Int odd) {
    const Float a = even ? d : Float{};
    const Float b = odd ? d : Float{};
    const Float low = interleave_low(a, b, kAll);
    if (2 * count < kLanes) return store_part(to, low, 2 * count);
    store(to, low);
    if (count == kLanes) return store(to + kLanes, interleave_high(a, b, kAll));
    store_part(to + kLanes, interleave_high(a, b, kAll), 2 * count - kLanes);
  };
  write(top, places[0], places[1]);
  write(bottom, places[2], places[3]);
  return !any_lane(~(places[0] | places[1] | places[2] | places[3]), count);
}

inline bool max_pool_2x2_grad(const float* dy, const int64_t* indices, int64_t height,
                              int64_t width, int64_t out_h, int64_t out_w, float* dx) {
  bool inside = true;
  for (int64_t h = 0; h < out_h; ++h) {
    float* row = dx + 2 * h * width;
    for (int64_t w = 0; w < out_w; w += kLanes) {
      const int count = static_cast<int>(out_w - w < kLanes ? out_w - w : kLanes);
      inside &= max_pool_grad_vector(
          dy + h * out_w + w, indices + h * out_w + w, static_cast<int32_t>(2 * h * width + 2 * w),
          static_cast<int32_t>(width), count, row + 2 * w, row + width + 2 * w);
    }
    for (int64_t w = 2 * out_w; w < width; ++w) row[w] = row[width + w] = 0;
  }
  const int64_t rest = 2 * out_h * width;
  std::memset(dx + rest, 0, static_cast<size_t>(height * width - rest) * sizeof(float));
  return inside;
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
