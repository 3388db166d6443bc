// Elements in memory and values in registers. Every dtype is computed in one of three classes:
// int64_t for integers and bool, float for f16, bf16 and f32, double for f64.
#ifndef TENON_PLUGINS_CUDA_DEVICE_VALUES_H
#define TENON_PLUGINS_CUDA_DEVICE_VALUES_H

#include "device/base.h"

namespace tenon::cuda {

struct Bool {
  uint8_t byte;
};
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// Numbers of the ABI's dtypes.
inline constexpr uint32_t kBool = 1, kU8 = 2, kI8 = 3, kI16 = 4, kI32 = 5, kI64 = 6, kF16 = 7,
                          kBF16 = 8, kF32 = 9, kF64 = 10;

// The class that an element type is computed in.
template <class T>
struct ClassOf {
  using type = int64_t;
};
template <>
struct ClassOf<Half> {
  using type = float;
};
template <>
struct ClassOf<BFloat16> {
  using type = float;
};
template <>
struct ClassOf<float> {
  using type = float;
};
template <>
struct ClassOf<double> {
  using type = double;
};
template <class T>
using Class = typename ClassOf<T>::type;

template <class T>
inline constexpr bool kIsReal = !kSame<Class<T>, int64_t>;

// ---- the two 16-bit floats -------------------------------------------------------------------

TENON_HD inline float half_to_float(uint16_t half) {
#if defined(__CUDA_ARCH__)
  float out;
  asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(half));
  return out;
#else
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
  if (exponent == 31u) return bits_as<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0u) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0u ? -magnitude : magnitude;
  }
  return bits_as<float>(sign | (exponent + 112u) << 23 | fraction << 13);
#endif
}

// Nearest even.
TENON_HD inline uint16_t float_to_half(float x) {
#if defined(__CUDA_ARCH__)
  uint16_t out;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(out) : "f"(x));
  return out;
#else
  const uint32_t bits = bits_as<uint32_t>(x);
  const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  const uint32_t exponent = magnitude >> 23;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (exponent >= 143u) return static_cast<uint16_t>(sign | 0x7c00u);  // 2^16 and more
  if (exponent < 102u) return static_cast<uint16_t>(sign);  // below half the least subnormal
  uint32_t fraction = magnitude & 0x7fffffu, shift = 13u, result = 0;
  if (exponent >= 113u) {
    result = (exponent - 112u) << 10 | fraction >> 13;
  } else {
    shift = 126u - exponent;
    fraction |= 0x800000u;
    result = fraction >> shift;
  }
  const uint32_t rest = fraction & ((1u << shift) - 1u), half = 1u << (shift - 1u);
  if (rest > half || (rest == half && (result & 1u) != 0u)) ++result;  // may carry up to Inf
  return static_cast<uint16_t>(sign | result);
#endif
}

TENON_HD inline float bfloat16_to_float(uint16_t x) {
  return bits_as<float>(static_cast<uint32_t>(x) << 16);
}

// Nearest even.
TENON_HD inline uint16_t float_to_bfloat16(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint16_t out;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(out) : "f"(x));
  return out;
#else
  const uint32_t bits = bits_as<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
#endif
}

// ---- memory <-> register ---------------------------------------------------------------------

template <class T>
TENON_HD inline Class<T> value_of(T x) {
  if constexpr (kSame<T, Bool>) {
    return x.byte != 0 ? 1 : 0;
  } else if constexpr (kSame<T, Half>) {
    return half_to_float(x.bits);
  } else if constexpr (kSame<T, BFloat16>) {
    return bfloat16_to_float(x.bits);
  } else {
    return static_cast<Class<T>>(x);
  }
}

// A value of T's class, in T's range already.
template <class T>
TENON_HD inline T element_of(Class<T> x) {
  if constexpr (kSame<T, Bool>) {
    return Bool{static_cast<uint8_t>(x != 0)};
  } else if constexpr (kSame<T, Half>) {
    return Half{float_to_half(x)};
  } else if constexpr (kSame<T, BFloat16>) {
    return BFloat16{float_to_bfloat16(x)};
  } else {
    return static_cast<T>(x);
  }
}

// A result as a value of T: floats are rounded, integers wrap, bool is 0 or 1.
template <class T>
TENON_HD inline Class<T> settled(Class<T> x) {
  if constexpr (kSame<T, float> || kSame<T, double> || kSame<T, int64_t>) {
    return x;
  } else {
    return value_of(element_of<T>(x));
  }
}

// ---- CAST ------------------------------------------------------------------------------------

// f64 -> f32 rounding to odd: a second rounding, to f16 or bf16, then equals a single one.
TENON_HD inline float double_to_float_odd(double x) {
  const float near = static_cast<float>(x);
  if (x != x || static_cast<double>(near) == x) return near;
  uint32_t bits = bits_as<uint32_t>(near);
  const double size = x < 0 ? -x : x;
  const double near_size = near < 0 ? -static_cast<double>(near) : static_cast<double>(near);
  if (near_size > size) --bits;
  return bits_as<float>(bits | 1u);
}

// i64 -> f64 rounding to odd.
TENON_HD inline double whole_to_double_odd(int64_t x) {
  const uint64_t magnitude =
      x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  uint64_t kept = magnitude;
  if (magnitude >> 53 != 0) {
    kept = magnitude >> 11 << 11;
    if (kept != magnitude) kept |= uint64_t{1} << 11;
  }
  return x < 0 ? -static_cast<double>(kept) : static_cast<double>(kept);
}

template <class T>
struct Range {
  static constexpr int64_t low = static_cast<int64_t>(~uint64_t{0} << (8 * sizeof(T) - 1));
  static constexpr int64_t high = ~low;
};
template <>
struct Range<uint8_t> {
  static constexpr int64_t low = 0, high = 255;
};

// A value of From's class as a value of To's, as CAST says.
template <class To, class From>
TENON_HD inline Class<To> cast(Class<From> x) {
  if constexpr (kSame<To, Bool>) {
    return x == 0 ? 0 : 1;
  } else if constexpr (!kIsReal<To> && !kIsReal<From>) {
    return settled<To>(x);
  } else if constexpr (!kIsReal<To>) {
    const double wide = static_cast<double>(x);
    if (wide != wide) return 0;
    if (wide <= static_cast<double>(Range<To>::low)) return Range<To>::low;
    if (wide >= static_cast<double>(Range<To>::high)) return Range<To>::high;
    return static_cast<int64_t>(wide);
  } else if constexpr (kSame<To, float> || kSame<To, double>) {
    return static_cast<To>(x);
  } else if constexpr (kSame<Class<From>, float>) {
    return settled<To>(x);
  } else if constexpr (kSame<Class<From>, double>) {
    return settled<To>(double_to_float_odd(x));
  } else {
    return settled<To>(double_to_float_odd(whole_to_double_odd(x)));
  }
}

// An 8-byte slot of a launch: a double for floats, an int64 for the others, converted as CAST does.
template <class T>
TENON_HD inline Class<T> scalar_of(uint64_t slot) {
  if constexpr (kIsReal<T>) {
    return cast<T, double>(bits_as<double>(slot));
  } else {
    return cast<T, int64_t>(static_cast<int64_t>(slot));
  }
}

// ---- dtypes at run time ----------------------------------------------------------------------

// Calls f(T{}) with the element type of a known dtype.
template <class F>
TENON_HD inline void visit_dtype(uint32_t dtype, F&& f) {
  switch (dtype) {
    case kBool:
      f(Bool{});
      break;
    case kU8:
      f(uint8_t{});
      break;
    case kI8:
      f(int8_t{});
      break;
    case kI16:
      f(int16_t{});
      break;
    case kI32:
      f(int32_t{});
      break;
    case kI64:
      f(int64_t{});
      break;
    case kF16:
      f(Half{});
      break;
    case kBF16:
      f(BFloat16{});
      break;
    case kF32:
      f(float{});
      break;
    default:
      f(double{});
      break;
  }
}

// A value whose class is known only at run time.
union Value {
  int64_t whole;
  float single;
  double real;
};

template <class C>
TENON_HD inline C get(const Value& v) {
  if constexpr (kSame<C, int64_t>) {
    return v.whole;
  } else if constexpr (kSame<C, float>) {
    return v.single;
  } else {
    return v.real;
  }
}
TENON_HD inline void put(Value& v, int64_t x) { v.whole = x; }
TENON_HD inline void put(Value& v, float x) { v.single = x; }
TENON_HD inline void put(Value& v, double x) { v.real = x; }

}  // namespace tenon::cuda

#endif
