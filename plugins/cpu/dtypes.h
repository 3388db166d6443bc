// Storage and compute types of the ABI's dtypes, and the cast between any two of them.
//
// f16 and bf16 are computed as float; all other dtypes are computed as they are stored.
#ifndef TENON_PLUGINS_CPU_DTYPES_H
#define TENON_PLUGINS_CPU_DTYPES_H

#include <tenon/api/device_plugin.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "isa.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

struct Bool {
  uint8_t byte;
};
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

inline float half_to_float(Half h) {
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000u) << 16;
  const uint32_t magnitude = h.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | magnitude << 13);
  if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  const float value = static_cast<float>(magnitude) * 0x1p-24f;  // subnormal: exact
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

inline Half float_to_half(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (magnitude >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};
  if (magnitude < 0x38800000u) {
    // Adding 2^-1 puts the unit of the subnormals (2^-24) at the last place: one rounding.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u))};
  }
  const uint32_t rounded = magnitude + 0x0fffu + (magnitude >> 13 & 1u);
  return {static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
}

inline float bfloat16_to_float(BFloat16 b) {
  return std::bit_cast<float>(static_cast<uint32_t>(b.bits) << 16);
}

inline BFloat16 float_to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {static_cast<uint16_t>(bits >> 16 | 0x40u)};
  }
  return {static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

// Rounds to odd: a second rounding to a narrower format then equals one direct rounding.
inline float round_to_odd(double x) {
  const float nearest = static_cast<float>(x);
  if (static_cast<double>(nearest) == x || x != x) return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(x)) --bits;
  return std::bit_cast<float>(bits | 1u);
}

inline double round_to_odd(int64_t x) {
  const uint64_t sign = x < 0 ? ~uint64_t{0} : 0;
  uint64_t magnitude = (static_cast<uint64_t>(x) ^ sign) - sign;
  if (magnitude >> 53 != 0) {
    magnitude = (magnitude >> 11 | ((magnitude & 0x7ffu) != 0 ? 1u : 0u)) << 11;
  }
  const double value = static_cast<double>(magnitude);
  return x < 0 ? -value : value;
}

// compute_t<T>: what arithmetic on stored T is done in.
template <class T>
struct Compute {
  using type = T;
};
template <>
struct Compute<Half> {
  using type = float;
};
template <>
struct Compute<BFloat16> {
  using type = float;
};
template <>
struct Compute<Bool> {
  using type = uint8_t;
};
template <class T>
using compute_t = typename Compute<T>::type;

template <class T>
compute_t<T> to_compute(T x) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(x);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return bfloat16_to_float(x);
  } else if constexpr (std::is_same_v<T, Bool>) {
    return x.byte != 0;
  } else {
    return x;
  }
}

// Exact when x is a value of T, else one rounding.
template <class T>
T to_storage(compute_t<T> x) {
  if constexpr (std::is_same_v<T, Half>) {
    return float_to_half(x);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return float_to_bfloat16(x);
  } else if constexpr (std::is_same_v<T, Bool>) {
    return {static_cast<uint8_t>(x != 0)};
  } else {
    return x;
  }
}

template <class To, class From>
To saturate_to_integer(From x) {
  if (x != x) return 0;
  if (x <= static_cast<From>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (x >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(x);
}

// The CAST of PROGRAM.md section 3, from a compute value of From to a storage value of To.
template <class To, class From>
To cast(compute_t<From> x) {
  using Value = compute_t<From>;
  if constexpr (std::is_same_v<To, Bool>) {
    return {static_cast<uint8_t>(x != Value{0})};
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    if constexpr (std::is_same_v<Value, double>) {
      return to_storage<To>(round_to_odd(x));
    } else if constexpr (std::is_same_v<Value, float>) {
      return to_storage<To>(x);
    } else {
      return to_storage<To>(round_to_odd(round_to_odd(static_cast<int64_t>(x))));
    }
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Value>) {
    return saturate_to_integer<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class T>
struct Tag {
  using type = T;
};

// Calls f(Tag<T>) with the storage type of `dtype`, which must be a known one.
template <class F>
decltype(auto) visit_dtype(uint32_t dtype, F&& f) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return f(Tag<Bool>{});
    case TN_DTYPE_U8:
      return f(Tag<uint8_t>{});
    case TN_DTYPE_I8:
      return f(Tag<int8_t>{});
    case TN_DTYPE_I16:
      return f(Tag<int16_t>{});
    case TN_DTYPE_I32:
      return f(Tag<int32_t>{});
    case TN_DTYPE_I64:
      return f(Tag<int64_t>{});
    case TN_DTYPE_F16:
      return f(Tag<Half>{});
    case TN_DTYPE_BF16:
      return f(Tag<BFloat16>{});
    case TN_DTYPE_F64:
      return f(Tag<double>{});
    default:
      return f(Tag<float>{});
  }
}

// Calls f(Tag<T>) with an unsigned type of the dtype's width: movement copies bits.
template <class F>
decltype(auto) visit_width(uint32_t dtype, F&& f) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
    case TN_DTYPE_U8:
    case TN_DTYPE_I8:
      return f(Tag<uint8_t>{});
    case TN_DTYPE_I16:
    case TN_DTYPE_F16:
    case TN_DTYPE_BF16:
      return f(Tag<uint16_t>{});
    case TN_DTYPE_I64:
    case TN_DTYPE_F64:
      return f(Tag<uint64_t>{});
    default:
      return f(Tag<uint32_t>{});
  }
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

namespace tenon::cpu {

inline constexpr bool is_known_dtype(uint32_t dtype) {
  return dtype >= TN_DTYPE_BOOL && dtype < TN_DTYPE_COUNT;
}

inline constexpr bool is_float_dtype(uint32_t dtype) {
  return dtype >= TN_DTYPE_F16 && dtype <= TN_DTYPE_F64;
}

inline constexpr bool is_half_dtype(uint32_t dtype) {
  return dtype == TN_DTYPE_F16 || dtype == TN_DTYPE_BF16;
}

inline constexpr int64_t dtype_size(uint32_t dtype) {
  constexpr int8_t kSizes[TN_DTYPE_COUNT] = {0, 1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
  return kSizes[dtype];
}

// The dtype whose storage type is the compute type of `dtype` (bool stays bool).
inline constexpr uint32_t compute_dtype(uint32_t dtype) {
  return is_half_dtype(dtype) ? TN_DTYPE_F32 : dtype;
}

}  // namespace tenon::cpu

#endif
