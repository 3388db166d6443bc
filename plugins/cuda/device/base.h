// What every device header builds on. The same text is compiled by nvcc, by NVRTC (which has no
// standard headers) and, for tests, by the host's compiler.
#ifndef TENON_PLUGINS_CUDA_DEVICE_BASE_H
#define TENON_PLUGINS_CUDA_DEVICE_BASE_H

#if defined(__CUDACC__)
#define TENON_HD __host__ __device__
#define TENON_DEVICE __device__
#else
#define TENON_HD
#define TENON_DEVICE
#endif

#if !defined(__CUDACC_RTC__)
#include <math.h>
#include <stdint.h>
#endif

namespace tenon::cuda {

#if defined(__CUDACC_RTC__)
using uint8_t = unsigned char;
using int8_t = signed char;
using uint16_t = unsigned short;
using int16_t = short;
using uint32_t = unsigned int;
using int32_t = int;
using uint64_t = unsigned long long;
using int64_t = long long;
#endif

inline constexpr int kMaxRank = 8;

// A size that 32-bit index arithmetic holds.
inline constexpr int64_t kSmall = int64_t{1} << 31;

template <class A, class B>
inline constexpr bool kSame = false;
template <class A>
inline constexpr bool kSame<A, A> = true;

// The same bits as another type of that size.
template <class To, class From>
TENON_HD inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From), "bits_as: sizes differ");
  To to;
#if defined(__CUDACC_RTC__)
  memcpy(&to, &from, sizeof to);  // a builtin there
#else
  __builtin_memcpy(&to, &from, sizeof to);
#endif
  return to;
}

}  // namespace tenon::cuda

#endif
