// Builds a RandomKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_RANDOM_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_RANDOM_BLOCKS_H

#include "../simd.h"
#include "random_kernels.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Upper halves of the products of unsigned 32-bit lanes.
TENON_CPU_INLINE UInt multiply_high(UInt a, uint32_t m) {
#if defined(__AVX512F__)
  const __m512i factor = _mm512_set1_epi32(static_cast<int>(m));
  const __m512i even = _mm512_mul_epu32((__m512i)a, factor);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)a, 32), factor);
  return (UInt)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
#elif defined(__AVX2__)
  const __m256i factor = _mm256_set1_epi32(static_cast<int>(m));
  const __m256i even = _mm256_mul_epu32((__m256i)a, factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a, 32), factor);
  return (UInt)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#else
  UInt y{};
  for (int i = 0; i < kLanes; ++i) y[i] = static_cast<uint32_t>(uint64_t{a[i]} * m >> 32);
  return y;
#endif
}

// The words of kLanes counters from q on: out[4 i + lane].
inline void philox_lanes(const PhiloxKey& key, uint64_t q, uint32_t* out) {
  UInt c0{};
  UInt c1{};
  for (int i = 0; i < kLanes; ++i) {
    const uint64_t counter = q + static_cast<uint64_t>(i);
    c0[i] = static_cast<uint32_t>(counter);
    c1[i] = static_cast<uint32_t>(counter >> 32);
  }
  UInt c2 = static_cast<uint32_t>(key.offset) + UInt{};
  UInt c3 = static_cast<uint32_t>(key.offset >> 32) + UInt{};
  uint32_t k0 = static_cast<uint32_t>(key.seed);
  uint32_t k1 = static_cast<uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    constexpr uint32_t kFirst = 0xD2511F53u;
    constexpr uint32_t kSecond = 0xCD9E8D57u;
    const UInt high0 = multiply_high(c0, kFirst);
    const UInt high1 = multiply_high(c2, kSecond);
    const UInt low0 = c0 * kFirst;
    const UInt low1 = c2 * kSecond;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  alignas(64) uint32_t words[4][kLanes];
  std::memcpy(words[0], &c0, sizeof c0);
  std::memcpy(words[1], &c1, sizeof c1);
  std::memcpy(words[2], &c2, sizeof c2);
  std::memcpy(words[3], &c3, sizeof c3);
  for (int i = 0; i < kLanes; ++i) {
    for (int lane = 0; lane < 4; ++lane) out[4 * i + lane] = words[lane][i];
  }
}

// f(element, words, n) for consecutive runs of words.
template <class F>
TENON_CPU_INLINE void for_each_words(const PhiloxKey& key, int64_t start, int64_t n, F f) {
  constexpr int64_t kWords = 4 * kLanes;
  alignas(64) uint32_t words[kWords];
  for (int64_t at = start; at < start + n;) {
    const int64_t skip = at % 4;
    philox_lanes(key, static_cast<uint64_t>(at / 4), words);
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

inline constexpr RandomKernels kRandomKernels = {&philox_words, &philox_uniforms};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
