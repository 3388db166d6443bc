// The opcodes of PROGRAM.md as function objects on one compute value.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_FUNCTORS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_FUNCTORS_H

#include "../dtypes.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Integers wrap: arithmetic is done on an unsigned type at least as wide as int.
template <class T>
using wrap_t = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T, class F>
T wrapped(T a, T b, F f) {
  if constexpr (std::is_floating_point_v<T>) {
    return f(a, b);
  } else {
    return static_cast<T>(f(static_cast<wrap_t<T>>(a), static_cast<wrap_t<T>>(b)));
  }
}

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return wrapped(a, b, [](auto x, auto y) { return x + y; });
  }
};
struct Sub {
  template <class T>
  static T apply(T a, T b) {
    return wrapped(a, b, [](auto x, auto y) { return x - y; });
  }
};
struct Mul {
  template <class T>
  static T apply(T a, T b) {
    return wrapped(a, b, [](auto x, auto y) { return x * y; });
  }
};
struct Neg {
  template <class T>
  static T apply(T a) {
    if constexpr (std::is_floating_point_v<T>) {
      return -a;
    } else {
      return static_cast<T>(wrap_t<T>{0} - static_cast<wrap_t<T>>(a));
    }
  }
};
struct Div {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return a / b;
    } else {
      if (b == 0) return 0;
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return Neg::apply(a);
      return static_cast<T>(a / b);
    }
  }
};
struct Rem {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
      return static_cast<T>(a % b);
    }
  }
};
struct Pow {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::pow(a, b);
    } else {
      if (std::is_signed_v<T> && b < 0) {
        if (a == 1) return 1;
        if (a == static_cast<T>(-1)) return static_cast<T>((b & 1) != 0 ? -1 : 1);
        return 0;
      }
      auto exponent = static_cast<std::make_unsigned_t<T>>(b);
      wrap_t<T> base = static_cast<wrap_t<T>>(a);
      wrap_t<T> result = 1;
      while (exponent != 0) {
        if ((exponent & 1u) != 0) result *= base;
        base *= base;
        exponent = static_cast<std::make_unsigned_t<T>>(exponent >> 1);
      }
      return static_cast<T>(result);
    }
  }
};
struct Min {
  template <class T>
  static T apply(T a, T b) {
    return (a < b || a != a) ? a : b;
  }
};
struct Max {
  template <class T>
  static T apply(T a, T b) {
    return (a > b || a != a) ? a : b;
  }
};
struct Atan2 {
  template <class T>
  static T apply(T a, T b) {
    return std::atan2(a, b);
  }
};
struct Fma {
  template <class T>
  static T apply(T a, T b, T c) {
    return std::fma(a, b, c);
  }
};

struct And {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};
struct NotBool {
  static uint8_t apply(uint8_t a) { return a == 0; }
};
struct Shl {
  template <class T>
  static T apply(T a, T b) {
    constexpr int64_t kWidth = 8 * static_cast<int64_t>(sizeof(T));
    if (b < 0 || static_cast<int64_t>(b) >= kWidth) return 0;
    return static_cast<T>(static_cast<wrap_t<T>>(a) << b);
  }
};
struct Shr {
  template <class T>
  static T apply(T a, T b) {
    constexpr int64_t kWidth = 8 * static_cast<int64_t>(sizeof(T));
    if (b < 0) return 0;
    if (static_cast<int64_t>(b) >= kWidth) return static_cast<T>(a < 0 ? -1 : 0);
    return static_cast<T>(a >> b);
  }
};

struct Eq {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a == b;
  }
};
struct Ne {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a != b;
  }
};
struct Lt {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a < b;
  }
};
struct Le {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a <= b;
  }
};
struct Gt {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a > b;
  }
};
struct Ge {
  template <class T>
  static uint8_t apply(T a, T b) {
    return a >= b;
  }
};
struct IsNan {
  template <class T>
  static uint8_t apply(T a) {
    return a != a;
  }
};

struct Copy {
  template <class T>
  static T apply(T a) {
    return a;
  }
};
struct Abs {
  template <class T>
  static T apply(T a) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(a);
    } else {
      return a < 0 ? Neg::apply(a) : a;
    }
  }
};
struct Sign {
  template <class T>
  static T apply(T a) {
    if (a != a) return a;
    return static_cast<T>(static_cast<int>(a > 0) - static_cast<int>(a < 0));
  }
};
struct Relu {
  template <class T>
  static T apply(T a) {
    return (a > 0 || a != a) ? a : T{0};
  }
};

// Rounding of integers changes nothing.
template <class F>
struct FloatOnly {
  template <class T>
  static T apply(T a) {
    if constexpr (std::is_floating_point_v<T>) {
      return F::apply(a);
    } else {
      return a;
    }
  }
};

// NAME as a function object on floats.
#define TENON_CPU_FLOAT_FUNCTION(NAME, EXPRESSION) \
  struct NAME {                                    \
    template <class T>                             \
    static T apply(T a) {                          \
      return EXPRESSION;                           \
    }                                              \
  };
TENON_CPU_FLOAT_FUNCTION(FloorFloat, std::floor(a))
TENON_CPU_FLOAT_FUNCTION(CeilFloat, std::ceil(a))
TENON_CPU_FLOAT_FUNCTION(TruncFloat, std::trunc(a))
TENON_CPU_FLOAT_FUNCTION(RoundFloat, std::rint(a))
TENON_CPU_FLOAT_FUNCTION(Sqrt, std::sqrt(a))
TENON_CPU_FLOAT_FUNCTION(Rsqrt, T{1} / std::sqrt(a))
TENON_CPU_FLOAT_FUNCTION(Recip, T{1} / a)
TENON_CPU_FLOAT_FUNCTION(Exp, std::exp(a))
TENON_CPU_FLOAT_FUNCTION(Expm1, std::expm1(a))
TENON_CPU_FLOAT_FUNCTION(Log, std::log(a))
TENON_CPU_FLOAT_FUNCTION(Log1p, std::log1p(a))
TENON_CPU_FLOAT_FUNCTION(Sin, std::sin(a))
TENON_CPU_FLOAT_FUNCTION(Cos, std::cos(a))
TENON_CPU_FLOAT_FUNCTION(Tan, std::tan(a))
TENON_CPU_FLOAT_FUNCTION(Asin, std::asin(a))
TENON_CPU_FLOAT_FUNCTION(Acos, std::acos(a))
TENON_CPU_FLOAT_FUNCTION(Atan, std::atan(a))
TENON_CPU_FLOAT_FUNCTION(Sinh, std::sinh(a))
TENON_CPU_FLOAT_FUNCTION(Cosh, std::cosh(a))
TENON_CPU_FLOAT_FUNCTION(Tanh, std::tanh(a))
TENON_CPU_FLOAT_FUNCTION(Asinh, std::asinh(a))
TENON_CPU_FLOAT_FUNCTION(Acosh, std::acosh(a))
TENON_CPU_FLOAT_FUNCTION(Atanh, std::atanh(a))
TENON_CPU_FLOAT_FUNCTION(Erf, std::erf(a))
TENON_CPU_FLOAT_FUNCTION(Erfc, std::erfc(a))
TENON_CPU_FLOAT_FUNCTION(Log2, std::log2(a))
TENON_CPU_FLOAT_FUNCTION(Exp2, std::exp2(a))
#undef TENON_CPU_FLOAT_FUNCTION

using Floor = FloatOnly<FloorFloat>;
using Ceil = FloatOnly<CeilFloat>;
using Trunc = FloatOnly<TruncFloat>;
using Round = FloatOnly<RoundFloat>;

// e^-|x| never overflows, and small results keep their relative precision.
struct Sigmoid {
  template <class T>
  static T apply(T a) {
    const T e = std::exp(-std::fabs(a));
    return (a < 0 ? e : T{1}) / (T{1} + e);
  }
};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
