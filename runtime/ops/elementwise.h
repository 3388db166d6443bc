// Elementwise ops. Operands broadcast and promote by PyTorch's rules; numbers are weak operands.
// Each record in elementwise*.cpp carries formula, dtypes and errors. The forms that write, op_ and
// op_out, are in elementwise_forms.h; some op_ are methods of Tensor.
#pragma once

#include <tenon/runtime/ops/elementwise_forms.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- arithmetic ----
TENON_API Tensor add(const Operand& self, const Operand& other, Scalar alpha = 1);  // self + alpha·other
TENON_API Tensor sub(const Operand& self, const Operand& other, Scalar alpha = 1);  // self − alpha·other
TENON_API Tensor rsub(const Operand& self, const Operand& other, Scalar alpha = 1);  // other − alpha·self
TENON_API Tensor mul(const Operand& self, const Operand& other);  // self · other
TENON_API Tensor div(const Operand& self, const Operand& other, Rounding rounding = Rounding::kNone);  // self / other
TENON_API Tensor floor_divide(const Operand& self, const Operand& other);  // ⌊self / other⌋
TENON_API Tensor remainder(const Operand& self, const Operand& other);  // self − other·⌊self/other⌋
TENON_API Tensor fmod(const Operand& self, const Operand& other);  // self − other·trunc(self/other)
TENON_API Tensor pow(const Operand& self, const Operand& exponent);  // self ^ exponent
TENON_API Tensor maximum(const Operand& self, const Operand& other);  // greater of both, NaN wins
TENON_API Tensor minimum(const Operand& self, const Operand& other);  // lesser of both, NaN wins
TENON_API Tensor addcmul(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);  // self + value·a·b
TENON_API Tensor addcdiv(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);  // self + value·a/b

// ---- functions of two tensors ----
TENON_API Tensor atan2(const Operand& self, const Operand& other);  // angle of the point (other, self)
TENON_API Tensor hypot(const Operand& self, const Operand& other);  // √(self² + other²)
TENON_API Tensor copysign(const Operand& self, const Operand& other);  // |self| with the sign of other
TENON_API Tensor xlogy(const Operand& self, const Operand& other);  // self · ln(other), 0 where self is 0
TENON_API Tensor logaddexp(const Operand& self, const Operand& other);  // ln(e^self + e^other)
TENON_API Tensor heaviside(const Tensor& self, const Tensor& values);  // 0, values at 0, 1
TENON_API Tensor lerp(const Tensor& self, const Tensor& end, const Operand& weight);  // self + weight·(end − self)

// ---- functions of one tensor ----
TENON_API Tensor positive(const Tensor& self);  // x
TENON_API Tensor neg(const Tensor& self);  // −x
TENON_API Tensor abs(const Tensor& self);  // |x|
TENON_API Tensor sign(const Tensor& self);  // −1, 0, 1
TENON_API Tensor square(const Tensor& self);  // x²
TENON_API Tensor floor(const Tensor& self);  // greatest integer ≤ x
TENON_API Tensor ceil(const Tensor& self);  // least integer ≥ x
TENON_API Tensor round(const Tensor& self);  // nearest integer, half to even
TENON_API Tensor trunc(const Tensor& self);  // toward zero
TENON_API Tensor frac(const Tensor& self);  // x − trunc(x)
TENON_API Tensor exp(const Tensor& self);  // e^x
TENON_API Tensor expm1(const Tensor& self);  // e^x − 1
TENON_API Tensor exp2(const Tensor& self);  // 2^x
TENON_API Tensor log(const Tensor& self);  // ln x
TENON_API Tensor log1p(const Tensor& self);  // ln(1 + x)
TENON_API Tensor log2(const Tensor& self);  // logarithm to base 2
TENON_API Tensor log10(const Tensor& self);  // logarithm to base 10
TENON_API Tensor sqrt(const Tensor& self);  // √x
TENON_API Tensor rsqrt(const Tensor& self);  // 1/√x
TENON_API Tensor reciprocal(const Tensor& self);  // 1/x
TENON_API Tensor sin(const Tensor& self);  // sine of radians
TENON_API Tensor cos(const Tensor& self);  // cosine of radians
TENON_API Tensor tan(const Tensor& self);  // tangent of radians
TENON_API Tensor asin(const Tensor& self);  // inverse sine
TENON_API Tensor acos(const Tensor& self);  // inverse cosine
TENON_API Tensor atan(const Tensor& self);  // inverse tangent
TENON_API Tensor sinh(const Tensor& self);  // hyperbolic sine
TENON_API Tensor cosh(const Tensor& self);  // hyperbolic cosine
TENON_API Tensor tanh(const Tensor& self);  // hyperbolic tangent
TENON_API Tensor asinh(const Tensor& self);  // inverse hyperbolic sine
TENON_API Tensor acosh(const Tensor& self);  // inverse hyperbolic cosine
TENON_API Tensor atanh(const Tensor& self);  // inverse hyperbolic tangent
TENON_API Tensor sigmoid(const Tensor& self);  // 1/(1 + e^−x)
TENON_API Tensor erf(const Tensor& self);  // error function
TENON_API Tensor erfc(const Tensor& self);  // 1 − erf(x)
TENON_API Tensor logit(const Tensor& self, std::optional<double> eps = {});  // ln(x/(1 − x))
TENON_API Tensor clamp(const Tensor& self, const std::optional<Operand>& min, const std::optional<Operand>& max = {});  // min(max(x, lo), hi)
TENON_API Tensor clamp_min(const Tensor& self, const Operand& min);  // max(x, min)
TENON_API Tensor clamp_max(const Tensor& self, const Operand& max);  // min(x, max)
TENON_API Tensor nan_to_num(const Tensor& self, double nan = 0, std::optional<double> posinf = {}, std::optional<double> neginf = {});  // numbers for NaN, Inf and −Inf

// ---- comparisons and logic; results are bool ----
TENON_API Tensor eq(const Operand& self, const Operand& other);  // self = other
TENON_API Tensor ne(const Operand& self, const Operand& other);  // self ≠ other
TENON_API Tensor lt(const Operand& self, const Operand& other);  // self < other
TENON_API Tensor le(const Operand& self, const Operand& other);  // self ≤ other
TENON_API Tensor gt(const Operand& self, const Operand& other);  // self > other
TENON_API Tensor ge(const Operand& self, const Operand& other);  // self ≥ other
TENON_API Tensor isnan(const Tensor& self);  // x is NaN
TENON_API Tensor isinf(const Tensor& self);  // x is Inf or −Inf
TENON_API Tensor isfinite(const Tensor& self);  // x is a number
TENON_API Tensor logical_not(const Tensor& self);  // x = 0
TENON_API Tensor logical_and(const Operand& self, const Operand& other);  // both ≠ 0
TENON_API Tensor logical_or(const Operand& self, const Operand& other);  // one ≠ 0
TENON_API Tensor logical_xor(const Operand& self, const Operand& other);  // just one ≠ 0

// ---- bits and choice ----
TENON_API Tensor bitwise_not(const Tensor& self);  // every bit flipped
TENON_API Tensor bitwise_and(const Operand& self, const Operand& other);  // bits that both have
TENON_API Tensor bitwise_or(const Operand& self, const Operand& other);  // bits that one has
TENON_API Tensor bitwise_xor(const Operand& self, const Operand& other);  // bits that just one has
TENON_API Tensor bitwise_left_shift(const Operand& self, const Operand& other);  // self · 2^other
TENON_API Tensor bitwise_right_shift(const Operand& self, const Operand& other);  // ⌊self / 2^other⌋
TENON_API Tensor where(const Tensor& condition, const Operand& self, const Operand& other);  // condition ? self : other

inline Tensor operator+(const Tensor& a, const Operand& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Operand& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Operand& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Operand& b) { return div(a, b); }
template <class T>
  requires std::is_arithmetic_v<T>
Tensor operator+(T a, const Tensor& b) { return add(b, a); }
template <class T>
  requires std::is_arithmetic_v<T>
Tensor operator-(T a, const Tensor& b) { return sub(a, b); }
template <class T>
  requires std::is_arithmetic_v<T>
Tensor operator*(T a, const Tensor& b) { return mul(b, a); }
template <class T>
  requires std::is_arithmetic_v<T>
Tensor operator/(T a, const Tensor& b) { return div(a, b); }
inline Tensor operator==(const Tensor& a, const Operand& b) { return eq(a, b); }
inline Tensor operator!=(const Tensor& a, const Operand& b) { return ne(a, b); }
inline Tensor operator<(const Tensor& a, const Operand& b) { return lt(a, b); }
inline Tensor operator<=(const Tensor& a, const Operand& b) { return le(a, b); }
inline Tensor operator>(const Tensor& a, const Operand& b) { return gt(a, b); }
inline Tensor operator>=(const Tensor& a, const Operand& b) { return ge(a, b); }
inline Tensor operator%(const Tensor& a, const Operand& b) { return remainder(a, b); }
inline Tensor operator&(const Tensor& a, const Operand& b) { return bitwise_and(a, b); }
inline Tensor operator|(const Tensor& a, const Operand& b) { return bitwise_or(a, b); }
inline Tensor operator^(const Tensor& a, const Operand& b) { return bitwise_xor(a, b); }
inline Tensor operator~(const Tensor& a) { return bitwise_not(a); }

}  // namespace tenon
