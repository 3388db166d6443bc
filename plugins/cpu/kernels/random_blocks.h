// Builds a RandomKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_RANDOM_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_RANDOM_BLOCKS_H

#include <utility>

#include "elementwise_math.h"
#include "random_kernels.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

typedef uint64_t ULong __attribute__((vector_size(kVectorBytes)));

TENON_CPU_INLINE ULong splat(uint64_t x) { return x - ULong{}; }

// 64-bit products of the lower halves of the lanes.
TENON_CPU_INLINE ULong multiply_low(ULong a, ULong b) {
#if defined(__AVX512F__)
  return (ULong)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (ULong)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (ULong)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  const ULong low = splat(uint64_t{0xffffffffu});
  return (a & low) * (b & low);
#endif
}

// Lower halves of both: a's in the lower half of the result.
TENON_CPU_INLINE ULong join_halves(ULong a, ULong b) {
  return (a & splat(uint64_t{0xffffffffu})) | (b << 32);
}

// The words of one counter per lane, each in the lower half of its lane; the upper half is noise.
struct PhiloxSet {
  ULong c0, c1, c2, c3;
};

// Counters that are worked on at once: two sets hide each other's latencies.
inline constexpr int64_t kCounters = 2 * kDoubleLanes;

template <int... kLane>
TENON_CPU_INLINE ULong lane_numbers(std::integer_sequence<int, kLane...>) {
  return ULong{static_cast<uint64_t>(kLane)...};
}

// A product's lower half is the next word, its upper half meets another word and the key. Nothing
// is cut off in between: multiply_low reads lower halves only.
TENON_CPU_INLINE void philox_sets(const PhiloxKey& key, uint64_t q, PhiloxSet (&sets)[2]) {
  const ULong lanes = lane_numbers(std::make_integer_sequence<int, kDoubleLanes>{});
  for (int s = 0; s < 2; ++s) {
    const ULong counter = lanes + (q + static_cast<uint64_t>(s * kDoubleLanes));
    sets[s] = {counter, counter >> 32, splat(key.offset), splat(key.offset >> 32)};
  }
  uint32_t k0 = static_cast<uint32_t>(key.seed);
  uint32_t k1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (PhiloxSet& c : sets) {
      const ULong first = multiply_low(c.c0, splat(uint64_t{0xD2511F53u}));
      const ULong second = multiply_low(c.c2, splat(uint64_t{0xCD9E8D57u}));
      c.c0 = (second >> 32) ^ c.c1 ^ splat(uint64_t{k0});
      c.c1 = second;
      c.c2 = (first >> 32) ^ c.c3 ^ splat(uint64_t{k1});
      c.c3 = first;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

// In order: lower then upper lanes of pairs (c0 c1), (c2 c3) in turn.
template <int... kLane>
TENON_CPU_INLINE void store_words(const PhiloxSet& c, uint32_t* out,
                                  std::integer_sequence<int, kLane...>) {
  const ULong a = join_halves(c.c0, c.c1);
  const ULong b = join_halves(c.c2, c.c3);
  const ULong low = __builtin_shufflevector(a, b, (kLane / 2 + kLane % 2 * kDoubleLanes)...);
  const ULong high =
      __builtin_shufflevector(a, b, (kDoubleLanes / 2 + kLane / 2 + kLane % 2 * kDoubleLanes)...);
  std::memcpy(out, &low, sizeof low);
  std::memcpy(out + kLanes, &high, sizeof high);
}

// f(element, words, n) for consecutive runs of words.
template <class F>
TENON_CPU_INLINE void for_each_words(const PhiloxKey& key, int64_t start, int64_t n, F f) {
  constexpr int64_t kWords = 4 * kCounters;
  alignas(64) uint32_t words[kWords];
  for (int64_t at = start; at < start + n;) {
    const int64_t skip = at % 4;
    PhiloxSet sets[2];
    philox_sets(key, static_cast<uint64_t>(at / 4), sets);
    for (int s = 0; s < 2; ++s) {
      store_words(sets[s], words + s * 4 * kDoubleLanes,
                  std::make_integer_sequence<int, kDoubleLanes>{});
    }
    const int64_t left = start + n - at;
    const int64_t run = kWords - skip < left ? kWords - skip : left;
    f(at - start, words + skip, run);
    at += run;
  }
}

inline void philox_words(const PhiloxKey& key, int64_t start, int64_t n, uint32_t* out) {
  for_each_words(key, start, n, [out](int64_t at, const uint32_t* words, int64_t run) {
    std::memcpy(out + at, words, static_cast<size_t>(run) * sizeof(uint32_t));
  });
}

inline void philox_uniforms(const PhiloxKey& key, int64_t start, int64_t n, float* out) {
  for_each_words(key, start, n, [out](int64_t at, const uint32_t* words, int64_t run) {
    for (int64_t i = 0; i < run; ++i) {
      out[at + i] = static_cast<float>(static_cast<int32_t>(words[i] >> 8)) * 0x1p-24f;
    }
  });
}

// sqrt(-2 log(1 - u)) for u = word's upper 24 bits 2^-24; the difference is exact.
TENON_CPU_INLINE Float normal_radius(UInt word) {
  const Float v = to_float((Int)((UInt{} + (1u << 24)) - (word >> 8)));
  const Int bits = as_int(v);
  const Int n = (bits - 0x3f3504f3) >> 23;
  const Float f = as_float(bits - (n << 23)) - splat(1.0f);
  const Logarithm l{f, to_float(n - 24), logarithm_rest(f)};
  return square_root(splat(-2.0f) * join_logarithm(l));
}

// cos(2 pi u) = sin(2 pi (1/4 - |u - 1/2|)) with the sign changed; both differences are exact.
TENON_CPU_INLINE Float normal_cosine(UInt word) {
  const Float u = to_float((Int)(word >> 8)) * splat(0x1p-24f);
  const Float y = absolute(u - splat(0.5f)) - splat(0.25f);
  const Float p = polynomial(y * y, 39.71095657348633f, -76.57499694824219f, 81.60223388671875f,
                             -41.341678619384766f, 6.2831854820251465f);
  return p * y;
}

inline void philox_normals(const PhiloxKey& key, int64_t start, int64_t n,
                           const NormalSpread& spread, float* out) {
  constexpr int64_t kElements = 2 * kCounters;
  const Float mean = splat(spread.mean);
  const Float deviation = splat(spread.deviation);
  for (int64_t at = start; at < start + n;) {
    const int64_t skip = at % 2;
    PhiloxSet sets[2];
    philox_sets(key, static_cast<uint64_t>(at / 2), sets);
    Float values[2];
    for (int s = 0; s < 2; ++s) {
      const PhiloxSet& c = sets[s];
      const Float radius = normal_radius((UInt)join_halves(c.c0, c.c2));
      values[s] = radius * normal_cosine((UInt)join_halves(c.c1, c.c3)) * deviation + mean;
    }
    const int64_t left = start + n - at;
    const int64_t run = kElements - skip < left ? kElements - skip : left;
    float* to = out + (at - start);
    if (run == kElements) {
      store(to, values[0]);
      store(to + kLanes, values[1]);
    } else {
      alignas(64) float block[kElements];
      store(block, values[0]);
      store(block + kLanes, values[1]);
      std::memcpy(to, block + skip, static_cast<size_t>(run) * sizeof(float));
    }
    at += run;
  }
}

inline constexpr RandomKernels kRandomKernels = {&philox_words, &philox_uniforms, &philox_normals};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
