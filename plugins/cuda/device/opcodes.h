// The opcodes of pointwise programs, one function each: instruction<opcode, T>(a, b, c).
#ifndef TENON_PLUGINS_CUDA_DEVICE_OPCODES_H
#define TENON_PLUGINS_CUDA_DEVICE_OPCODES_H

#include "device/values.h"

namespace tenon::cuda {

// Numbers of the ABI (api/device_plugin.h), which NVRTC cannot include.
enum Opcode : uint32_t {
  kAdd = 1,
  kSub,
  kMul,
  kDiv,
  kRem,
  kPow,
  kMin,
  kMax,
  kAtan2,
  kFma,
  kAnd = 16,
  kOr,
  kXor,
  kNot,
  kShl,
  kShr,
  kEq = 32,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kIsNan,
  kWhere = 48,
  kCast,
  kCopy,
  kIndex,
  kNeg = 64,
  kAbs,
  kSign,
  kFloor,
  kCeil,
  kTrunc,
  kRound,
  kSqrt,
  kRsqrt,
  kRecip,
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kTanh,
  kAsinh,
  kAcosh,
  kAtanh,
  kErf,
  kErfc,
  kSigmoid,
  kLog2,
  kExp2,
  kRelu
};

TENON_HD inline constexpr bool compares(uint32_t opcode) {
  return opcode >= kEq && opcode <= kIsNan;
}

// ---- floats ----------------------------------------------------------------------------------

// The C library's function for float or double; on the GPU these are CUDA's, whose errors are at
// most 2 ULP (4 for tan, erfc, sinh, cosh, asinh, acosh, atanh and pow).
#define TENON_FUNCTION(name)                                       \
  TENON_HD inline float c_##name(float x) { return ::name##f(x); } \
  TENON_HD inline double c_##name(double x) { return ::name(x); }
TENON_FUNCTION(fabs)
TENON_FUNCTION(floor)
TENON_FUNCTION(ceil)
TENON_FUNCTION(trunc)
TENON_FUNCTION(rint)
TENON_FUNCTION(sqrt)
TENON_FUNCTION(exp)
TENON_FUNCTION(expm1)
TENON_FUNCTION(log)
TENON_FUNCTION(log1p)
TENON_FUNCTION(sin)
TENON_FUNCTION(cos)
TENON_FUNCTION(tan)
TENON_FUNCTION(asin)
TENON_FUNCTION(acos)
TENON_FUNCTION(atan)
TENON_FUNCTION(sinh)
TENON_FUNCTION(cosh)
TENON_FUNCTION(tanh)
TENON_FUNCTION(asinh)
TENON_FUNCTION(acosh)
TENON_FUNCTION(atanh)
TENON_FUNCTION(erf)
TENON_FUNCTION(erfc)
TENON_FUNCTION(log2)
TENON_FUNCTION(exp2)
#undef TENON_FUNCTION
TENON_HD inline float c_fmod(float x, float y) { return ::fmodf(x, y); }
TENON_HD inline double c_fmod(double x, double y) { return ::fmod(x, y); }
TENON_HD inline float c_pow(float x, float y) { return ::powf(x, y); }
TENON_HD inline double c_pow(double x, double y) { return ::pow(x, y); }
TENON_HD inline float c_atan2(float x, float y) { return ::atan2f(x, y); }
TENON_HD inline double c_atan2(double x, double y) { return ::atan2(x, y); }
TENON_HD inline float c_fma(float x, float y, float z) { return ::fmaf(x, y, z); }
TENON_HD inline double c_fma(double x, double y, double z) { return ::fma(x, y, z); }

template <class R>
TENON_HD inline R sigmoid(R x) {
  const R e = c_exp(-c_fabs(x));
  return (x < 0 ? e : R(1)) / (R(1) + e);
}

// Before the rounding to a 16-bit dtype. R is float or double.
template <uint32_t kOp, class R>
TENON_HD inline R real_instruction(R a, R b, R c) {
  if constexpr (kOp == kAdd)
    return a + b;
  else if constexpr (kOp == kSub)
    return a - b;
  else if constexpr (kOp == kMul)
    return a * b;
  else if constexpr (kOp == kDiv)
    return a / b;
  else if constexpr (kOp == kRem)
    return c_fmod(a, b);
  else if constexpr (kOp == kPow)
    return c_pow(a, b);
  else if constexpr (kOp == kMin)
    return a < b || a != a ? a : b;
  else if constexpr (kOp == kMax)
    return a > b || a != a ? a : b;
  else if constexpr (kOp == kAtan2)
    return c_atan2(a, b);
  else if constexpr (kOp == kFma)
    return c_fma(a, b, c);
  else if constexpr (kOp == kNeg)
    return -a;
  else if constexpr (kOp == kAbs)
    return c_fabs(a);
  else if constexpr (kOp == kSign)
    return a > 0 ? R(1) : a < 0 ? R(-1) : a;
  else if constexpr (kOp == kFloor)
    return c_floor(a);
  else if constexpr (kOp == kCeil)
    return c_ceil(a);
  else if constexpr (kOp == kTrunc)
    return c_trunc(a);
  else if constexpr (kOp == kRound)
    return c_rint(a);
  else if constexpr (kOp == kSqrt)
    return c_sqrt(a);
  else if constexpr (kOp == kRsqrt)
    return R(1) / c_sqrt(a);
  else if constexpr (kOp == kRecip)
    return R(1) / a;
  else if constexpr (kOp == kExp)
    return c_exp(a);
  else if constexpr (kOp == kExpm1)
    return c_expm1(a);
  else if constexpr (kOp == kLog)
    return c_log(a);
  else if constexpr (kOp == kLog1p)
    return c_log1p(a);
  else if constexpr (kOp == kSin)
    return c_sin(a);
  else if constexpr (kOp == kCos)
    return c_cos(a);
  else if constexpr (kOp == kTan)
    return c_tan(a);
  else if constexpr (kOp == kAsin)
    return c_asin(a);
  else if constexpr (kOp == kAcos)
    return c_acos(a);
  else if constexpr (kOp == kAtan)
    return c_atan(a);
  else if constexpr (kOp == kSinh)
    return c_sinh(a);
  else if constexpr (kOp == kCosh)
    return c_cosh(a);
  else if constexpr (kOp == kTanh)
    return c_tanh(a);
  else if constexpr (kOp == kAsinh)
    return c_asinh(a);
  else if constexpr (kOp == kAcosh)
    return c_acosh(a);
  else if constexpr (kOp == kAtanh)
    return c_atanh(a);
  else if constexpr (kOp == kErf)
    return c_erf(a);
  else if constexpr (kOp == kErfc)
    return c_erfc(a);
  else if constexpr (kOp == kSigmoid)
    return sigmoid(a);
  else if constexpr (kOp == kLog2)
    return c_log2(a);
  else if constexpr (kOp == kExp2)
    return c_exp2(a);
  else if constexpr (kOp == kRelu)
    return a <= 0 ? R(0) : a;
  else
    return a;  // COPY
}

// ---- integers and bool -----------------------------------------------------------------------

TENON_HD inline int64_t whole_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? ((exponent & 1) != 0 ? -1 : 1) : 0;
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<int64_t>(result);
}

// Before the wrap to the dtype, which has `width` bits.
template <uint32_t kOp>
TENON_HD inline int64_t whole_instruction(int64_t a, int64_t b, int64_t width, bool is_bool) {
  const uint64_t x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  if constexpr (kOp == kAdd)
    return static_cast<int64_t>(x + y);
  else if constexpr (kOp == kSub)
    return static_cast<int64_t>(x - y);
  else if constexpr (kOp == kMul)
    return static_cast<int64_t>(x * y);
  else if constexpr (kOp == kDiv)
    return b == 0 ? 0 : b == -1 ? static_cast<int64_t>(uint64_t{0} - x) : a / b;
  else if constexpr (kOp == kRem)
    return b == 0 || b == -1 ? 0 : a % b;
  else if constexpr (kOp == kPow)
    return whole_power(a, b);
  else if constexpr (kOp == kMin)
    return a < b ? a : b;
  else if constexpr (kOp == kMax)
    return a > b ? a : b;
  else if constexpr (kOp == kAnd)
    return a & b;
  else if constexpr (kOp == kOr)
    return a | b;
  else if constexpr (kOp == kXor)
    return a ^ b;
  else if constexpr (kOp == kNot)
    return is_bool ? int64_t{a == 0} : ~a;
  else if constexpr (kOp == kShl)
    return b < 0 || b >= width ? 0 : static_cast<int64_t>(x << b);
  else if constexpr (kOp == kShr)
    return b < 0 ? 0 : b >= width ? (a < 0 ? -1 : 0) : a < 0 ? ~(~a >> b) : a >> b;
  else if constexpr (kOp == kNeg)
    return static_cast<int64_t>(uint64_t{0} - x);
  else if constexpr (kOp == kAbs)
    return a < 0 ? static_cast<int64_t>(uint64_t{0} - x) : a;
  else if constexpr (kOp == kSign)
    return (a > 0 ? 1 : 0) - (a < 0 ? 1 : 0);
  else if constexpr (kOp == kRelu)
    return a > 0 ? a : 0;
  else
    return a;  // FLOOR CEIL TRUNC ROUND COPY
}

// ---- all -------------------------------------------------------------------------------------

template <uint32_t kOp, class C>
TENON_HD inline bool holds(C a, C b) {
  if constexpr (kOp == kEq)
    return a == b;
  else if constexpr (kOp == kNe)
    return a != b;
  else if constexpr (kOp == kLt)
    return a < b;
  else if constexpr (kOp == kLe)
    return a <= b;
  else if constexpr (kOp == kGt)
    return a > b;
  else if constexpr (kOp == kGe)
    return a >= b;
  else
    return a != a;  // ISNAN
}

// The value of one instruction of dtype T, but for WHERE, CAST and INDEX, and comparisons.
template <uint32_t kOp, class T>
TENON_HD inline Class<T> instruction(Class<T> a, Class<T> b, Class<T> c) {
  if constexpr (kIsReal<T>) {
    return settled<T>(real_instruction<kOp, Class<T>>(a, b, c));
  } else {
    return settled<T>(
        whole_instruction<kOp>(a, b, 8 * static_cast<int64_t>(sizeof(T)), kSame<T, Bool>));
  }
}

// A comparison of operands of dtype T.
template <uint32_t kOp, class T>
TENON_HD inline int64_t comparison(Class<T> a, Class<T> b) {
  return holds<kOp, Class<T>>(a, b) ? 1 : 0;
}

}  // namespace tenon::cuda

#endif
