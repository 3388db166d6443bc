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
#if defined(__AVX512F__)
  return (ULong)_mm512_mask_shuffle_epi32((__m512i)a, 0xaaaa, (__m512i)b, _MM_PERM_CCAA);
#elif defined(__AVX2__)
  return (ULong)_mm256_blend_epi32((__m256i)a, _mm256_slli_epi64((__m256i)b, 32), 0xaa);
#else
  return (a & splat(uint64_t{0xffffffffu})) | (b << 32);
#endif
}

// The words of one counter per lane, each in the lower half of its lane; the upper half is noise.
struct PhiloxSet {
  ULong c0, c1, c2, c3;
};

// A key with the words of its rounds in all lanes.
struct PhiloxRounds {
  explicit PhiloxRounds(const PhiloxKey& key) : offset(key.offset) {
    uint32_t k0 = static_cast<uint32_t>(key.seed);
    uint32_t k1 = static_cast<uint32_t>(key.seed >> 32);
    for (auto& round : keys) {
      round[0] = splat(uint64_t{k0});
      round[1] = splat(uint64_t{k1});
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
  uint64_t offset;
  ULong keys[10][2];
};

// Counters that are worked on at once: two sets hide each other's latencies.
inline constexpr int64_t kCounters = 2 * kDoubleLanes;

template <int... kLane>
TENON_CPU_INLINE ULong lane_numbers(std::integer_sequence<int, kLane...>) {
  return ULong{static_cast<uint64_t>(kLane)...};
}

// A product's lower half is the next word, its upper half meets another word and the key. Nothing
// is cut off in between: multiply_low reads lower halves only.
TENON_CPU_INLINE void philox_sets(const PhiloxRounds& rounds, uint64_t q, PhiloxSet (&sets)[2]) {
  const ULong lanes = lane_numbers(std::make_integer_sequence<int, kDoubleLanes>{});
  for (int s = 0; s < 2; ++s) {
    const ULong counter = lanes + (q + static_cast<uint64_t>(s * kDoubleLanes));
    sets[s] = {counter, counter >> 32, splat(rounds.offset), splat(rounds.offset >> 32)};
  }
  for (const auto& round : rounds.keys) {
    for (PhiloxSet& c : sets) {
      const ULong first = multiply_low(c.c0, splat(uint64_t{0xD2511F53u}));
      const ULong second = multiply_low(c.c2, splat(uint64_t{0xCD9E8D57u}));
      c.c0 = (second >> 32) ^ c.c1 ^ round[0];
      c.c1 = second;
      c.c2 = (first >> 32) ^ c.c3 ^ round[1];
      c.c3 = first;
    }
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
  const PhiloxRounds rounds(key);
  for (int64_t at = start; at < start + n;) {
    const int64_t skip = at % 4;
    PhiloxSet sets[2];
    philox_sets(rounds, static_cast<uint64_t>(at / 4), sets);
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

// The square root within 2 ULP, of 0 and of 2^-60 to 2^60: one of vectors waits for its one unit.
TENON_CPU_INLINE Float quick_root(Float x) {
#if defined(__AVX2__)
  const Float guess = rsqrt_guess(greater(splat(0x1p-60f), x));
  const Float root = x * guess;
  return multiply_add(multiply_add(-root, root, x), guess * splat(0.5f), root);
#else
  return square_root(x);
#endif
}

// sqrt(-2 log(1 - u)) for u = word's upper 24 bits 2^-24; the difference is exact. With
// 1 - u = (1 + f) 2^n the logarithm is f times a polynomial, plus n log 2.
TENON_CPU_INLINE Float normal_radius(UInt word) {
  constexpr int32_t kRootHalf = 0x3f3504f3;
  const Float v = to_float((Int)((UInt{} + (1u << 24)) - (word >> 8)));
  const Int above = as_int(v) - (kRootHalf + (24 << 23));
  const Float f = as_float((above & 0x7fffff) + kRootHalf) - splat(1.0f);
  const Float p = polynomial(f, -0.1744472086429596f, 0.28733697533607483f, -0.2990453541278839f,
                             0.33124783635139465f, -0.39913666248321533f, 0.5000414848327637f,
                             -0.6666837334632874f, 0.9999997615814209f, -2.0f);
  return quick_root(multiply_add(p, f, to_float(above >> 23) * splat(-1.38629436111989f)));
}

// cos(2 pi u) = sin(2 pi (1/4 - |u - 1/2|)) with the sign changed; both differences are exact.
TENON_CPU_INLINE Float normal_cosine(UInt word) {
  const Float u = to_float((Int)(word >> 8));
  const Float y = absolute(multiply_add(u, splat(0x1p-24f), splat(-0.5f))) - splat(0.25f);
  const Float p = polynomial(y * y, 39.71095657348633f, -76.57499694824219f, 81.60223388671875f,
                             -41.341678619384766f, 6.2831854820251465f);
  return p * y;
}

inline void philox_normals(const PhiloxKey& key, int64_t start, int64_t n,
                           const NormalSpread& spread, float* out) {
  constexpr int64_t kElements = 2 * kCounters;
  const Float mean = splat(spread.mean);
  const Float deviation = splat(spread.deviation);
  const PhiloxRounds rounds(key);
  for (int64_t at = start; at < start + n;) {
    const int64_t skip = at % 2;
    PhiloxSet sets[2];
    philox_sets(rounds, static_cast<uint64_t>(at / 2), sets);
    Float values[2];
    for (int s = 0; s < 2; ++s) {
      const PhiloxSet& c = sets[s];
      const Float radius = normal_radius((UInt)join_halves(c.c0, c.c2));
      const Float cosine = normal_cosine((UInt)join_halves(c.c1, c.c3));
      values[s] = multiply_add(radius * cosine, deviation, mean);
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
