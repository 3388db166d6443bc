// Elementwise ops. Operands broadcast and promote by PyTorch's rules; numbers are weak operands.
// Each record in elementwise*.cpp carries formula, dtypes and errors.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- arithmetic ----
TENON_API Tensor add(const Operand& self, const Operand& other, Scalar alpha = 1);  // self + alpha·other
TENON_API Tensor& add_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha = 1);
TENON_API Tensor sub(const Operand& self, const Operand& other, Scalar alpha = 1);  // self − alpha·other
TENON_API Tensor& sub_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha = 1);
TENON_API Tensor mul(const Operand& self, const Operand& other);  // self · other
TENON_API Tensor& mul_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor div(const Operand& self, const Operand& other);  // self / other, true division
TENON_API Tensor& div_out(Tensor& out, const Operand& self, const Operand& other);
TENON_API Tensor pow(const Operand& self, const Operand& exponent);  // self ^ exponent
TENON_API Tensor maximum(const Operand& self, const Operand& other);  // greater of both, NaN wins
TENON_API Tensor minimum(const Operand& self, const Operand& other);  // lesser of both, NaN wins
TENON_API Tensor addcmul(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);  // self + value·a·b
TENON_API Tensor addcdiv(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value = 1);  // self + value·a/b

// ---- functions of one tensor ----
TENON_API Tensor neg(const Tensor& self);         // −x
TENON_API Tensor abs(const Tensor& self);         // |x|
TENON_API Tensor sign(const Tensor& self);        // −1, 0, 1
TENON_API Tensor square(const Tensor& self);      // x²
TENON_API Tensor exp(const Tensor& self);         // e^x
TENON_API Tensor expm1(const Tensor& self);       // e^x − 1
TENON_API Tensor log(const Tensor& self);         // ln x
TENON_API Tensor log1p(const Tensor& self);       // ln(1 + x)
TENON_API Tensor sqrt(const Tensor& self);        // √x
TENON_API Tensor rsqrt(const Tensor& self);       // 1/√x
TENON_API Tensor reciprocal(const Tensor& self);  // 1/x
TENON_API Tensor sin(const Tensor& self);         // sine of radians
TENON_API Tensor cos(const Tensor& self);         // cosine of radians
TENON_API Tensor tanh(const Tensor& self);        // hyperbolic tangent
TENON_API Tensor sigmoid(const Tensor& self);     // 1/(1 + e^−x)
TENON_API Tensor relu(const Tensor& self);        // max(x, 0), NaN stays
TENON_API Tensor silu(const Tensor& self);        // x · sigmoid(x)
TENON_API Tensor erf(const Tensor& self);         // error function
TENON_API Tensor floor(const Tensor& self);       // greatest integer ≤ x
TENON_API Tensor ceil(const Tensor& self);        // least integer ≥ x
TENON_API Tensor round(const Tensor& self);       // nearest integer, half to even
TENON_API Tensor trunc(const Tensor& self);       // toward zero
TENON_API Tensor clamp(const Tensor& self, std::optional<Scalar> min, std::optional<Scalar> max);  // min(max(x, lo), hi)
TENON_API Tensor& relu_(Tensor& self);
TENON_API Tensor& clamp_(Tensor& self, std::optional<Scalar> min, std::optional<Scalar> max);

// ---- comparisons and logic; results are bool ----
TENON_API Tensor eq(const Operand& self, const Operand& other);  // self = other
TENON_API Tensor ne(const Operand& self, const Operand& other);  // self ≠ other
TENON_API Tensor lt(const Operand& self, const Operand& other);  // self < other
TENON_API Tensor le(const Operand& self, const Operand& other);  // self ≤ other
TENON_API Tensor gt(const Operand& self, const Operand& other);  // self > other
TENON_API Tensor ge(const Operand& self, const Operand& other);  // self ≥ other
TENON_API Tensor isnan(const Tensor& self);                      // x is NaN
TENON_API Tensor logical_not(const Tensor& self);                // x = 0
TENON_API Tensor logical_and(const Operand& self, const Operand& other);  // both ≠ 0
TENON_API Tensor logical_or(const Operand& self, const Operand& other);   // one ≠ 0
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

}  // namespace tenon
