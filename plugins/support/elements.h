// The element types behind the ABI's dtypes, one visitor over them, and exact conversions of the
// two 16-bit floats. Nothing here is shared with api/reference_kernels.h: the oracle is built on
// it.
#ifndef TENON_PLUGINS_SUPPORT_ELEMENTS_H
#define TENON_PLUGINS_SUPPORT_ELEMENTS_H

#include <tenon/api/device_plugin.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tenon::support {

struct Bool {
  uint8_t byte;
};
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

inline constexpr const char* kDtypeNames[TN_DTYPE_COUNT] = {
    "?", "bool", "u8", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"};

constexpr bool is_known(uint32_t dtype) { return dtype >= TN_DTYPE_BOOL && dtype < TN_DTYPE_COUNT; }
constexpr bool is_float(uint32_t dtype) { return dtype >= TN_DTYPE_F16 && dtype <= TN_DTYPE_F64; }
constexpr bool is_integer(uint32_t dtype) { return dtype >= TN_DTYPE_U8 && dtype <= TN_DTYPE_I64; }
constexpr const char* dtype_name(uint32_t dtype) {
  return kDtypeNames[is_known(dtype) ? dtype : 0];
}

// Calls f.operator()<T>() with the element type of `dtype`, which is a known one.
template <class F>
decltype(auto) visit_dtype(uint32_t dtype, F&& f) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return f.template operator()<Bool>();
    case TN_DTYPE_U8:
      return f.template operator()<uint8_t>();
    case TN_DTYPE_I8:
      return f.template operator()<int8_t>();
    case TN_DTYPE_I16:
      return f.template operator()<int16_t>();
    case TN_DTYPE_I32:
      return f.template operator()<int32_t>();
    case TN_DTYPE_I64:
      return f.template operator()<int64_t>();
    case TN_DTYPE_F16:
      return f.template operator()<Half>();
    case TN_DTYPE_BF16:
      return f.template operator()<BFloat16>();
    case TN_DTYPE_F32:
      return f.template operator()<float>();
    default:
      return f.template operator()<double>();
  }
}

inline int64_t dtype_size(uint32_t dtype) {
  return visit_dtype(dtype, []<class T>() { return int64_t{sizeof(T)}; });
}

// A binary float format: `digits` of significand, least exponent of a normal number, largest value.
struct Format {
  int digits;
  int min_exponent;
  long double max;
};
inline constexpr Format kHalfFormat{11, -14, 65504.0L};
inline constexpr Format kBFloat16Format{8, -126, 0x1.fep127L};

// x rounded once to the format, nearest even; beyond it infinite.
inline long double round_to_format(long double x, const Format& format) {
  if (x == 0 || !std::isfinite(x)) return x;
  const int exponent = std::ilogb(x);
  const int unit = (exponent < format.min_exponent ? format.min_exponent : exponent) -
                   (format.digits - 1);  // exponent of the last place
  const long double rounded = std::scalbn(std::nearbyint(std::scalbn(x, -unit)), unit);
  if (std::fabs(rounded) > format.max) return std::copysign(INFINITY, x);
  return rounded;
}

inline double decode(BFloat16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16);
}

inline double decode(Half x) {
  const double sign = (x.bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = x.bits >> 10 & 31;
  const int fraction = x.bits & 1023;
  if (exponent == 31) return fraction != 0 ? std::copysign(NAN, sign) : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// Of a value of the format.
inline BFloat16 encode_bfloat16(double x) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(x));
  return {static_cast<uint16_t>(std::isnan(x) ? (bits >> 16 | 0x40) : bits >> 16)};
}

inline Half encode_half(double x) {
  const int sign = std::signbit(x) ? 0x8000 : 0;
  if (std::isnan(x)) return {static_cast<uint16_t>(sign | 0x7e00)};
  if (std::isinf(x)) return {static_cast<uint16_t>(sign | 0x7c00)};
  const double magnitude = std::fabs(x);
  if (magnitude < 0x1p-14) return {static_cast<uint16_t>(sign | int(std::ldexp(magnitude, 24)))};
  const int exponent = std::ilogb(magnitude);
  const int fraction = static_cast<int>(std::ldexp(magnitude, 10 - exponent)) - 1024;
  return {static_cast<uint16_t>(sign | (exponent + 15) << 10 | fraction)};
}

template <class T>
inline constexpr bool kIsReal =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

// An element as a double (floats) or an int64 (integers and bool).
template <class T>
auto load(const std::byte* p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  if constexpr (std::is_same_v<T, Bool>) {
    return int64_t{x.byte != 0};
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    return decode(x);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(x);
  } else {
    return static_cast<int64_t>(x);
  }
}

// Stores a double or int64 that is a value of T.
template <class T, class V>
void store(std::byte* p, V value) {
  T x;
  if constexpr (std::is_same_v<T, Bool>) {
    x.byte = value != 0;
  } else if constexpr (std::is_same_v<T, Half>) {
    x = encode_half(static_cast<double>(value));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    x = encode_bfloat16(static_cast<double>(value));
  } else {
    x = static_cast<T>(value);
  }
  std::memcpy(p, &x, sizeof x);
}

}  // namespace tenon::support

#endif
