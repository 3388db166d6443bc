// Arithmetic of two operands and more.
#include <tenon/runtime/ops/elementwise.h>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

using P = ProgramBuilder;

// a + alpha·b, where attribute 0 tells whether alpha is not 1.
template <uint32_t kOpcode>
uint32_t emit_scaled(P& p) {
  const uint32_t a = p.arg(0);
  uint32_t b = p.arg(1);
  if (p.is_bool()) return p.op(kOpcode == TN_PROGRAM_ADD ? TN_PROGRAM_OR : TN_PROGRAM_XOR, a, b);
  if (p.attribute(0) != 0) b = p.op(TN_PROGRAM_MUL, b, p.scalar(0));
  return p.op(kOpcode, a, b);
}

template <uint32_t kOpcode>
uint32_t emit_binary(P& p) {
  const uint32_t a = p.arg(0);
  return p.op(kOpcode, a, p.arg(1));
}

uint32_t emit_mul(P& p) {
  const uint32_t a = p.arg(0);
  return p.op(p.is_bool() ? TN_PROGRAM_AND : TN_PROGRAM_MUL, a, p.arg(1));
}

// Whether a C remainder must still be moved to the sign of the divisor b.
uint32_t emit_signs_differ(P& p, uint32_t remainder, uint32_t b) {
  const uint32_t zero = p.constant(0);
  const uint32_t differ = p.emit(
      TN_PROGRAM_XOR, kBool, {p.op(TN_PROGRAM_LT, remainder, zero), p.op(TN_PROGRAM_LT, b, zero)});
  return p.emit(TN_PROGRAM_AND, kBool, {p.op(TN_PROGRAM_NE, remainder, zero), differ});
}

// Python's a // b: the quotient comes from a − (a mod b), so that it is whole but for its rounding.
uint32_t emit_floor_quotient(P& p, uint32_t a, uint32_t b) {
  const uint32_t remainder = p.op(TN_PROGRAM_REM, a, b);
  const uint32_t one = p.constant(1);
  const uint32_t differ = emit_signs_differ(p, remainder, b);
  if (!is_floating_point(p.dtype())) {
    const uint32_t quotient = p.op(TN_PROGRAM_DIV, a, b);
    return p.op(TN_PROGRAM_WHERE, differ, p.op(TN_PROGRAM_SUB, quotient, one), quotient);
  }
  const uint32_t zero = p.constant(0), exact = p.op(TN_PROGRAM_DIV, a, b);
  uint32_t whole = p.op(TN_PROGRAM_DIV, p.op(TN_PROGRAM_SUB, a, remainder), b);
  whole = p.op(TN_PROGRAM_WHERE, differ, p.op(TN_PROGRAM_SUB, whole, one), whole);
  uint32_t floor = p.op(TN_PROGRAM_FLOOR, whole);
  const uint32_t below = p.op(TN_PROGRAM_GT, p.op(TN_PROGRAM_SUB, whole, floor), p.constant(0.5));
  floor = p.op(TN_PROGRAM_WHERE, below, p.op(TN_PROGRAM_ADD, floor, one), floor);
  const uint32_t signed_zero = p.op(TN_PROGRAM_MUL, exact, zero);
  floor = p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, whole, zero), signed_zero, floor);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, b, zero), exact, floor);
}

// Attribute 0 is the rounding.
uint32_t emit_div(P& p) {
  const auto rounding = static_cast<Rounding>(p.attribute(0));
  if (rounding != Rounding::kNone) p.widen();
  const uint32_t a = p.arg(0), b = p.arg(1);
  if (rounding == Rounding::kFloor) return emit_floor_quotient(p, a, b);
  const uint32_t quotient = p.op(TN_PROGRAM_DIV, a, b);
  return rounding == Rounding::kTrunc ? p.op(TN_PROGRAM_TRUNC, quotient) : quotient;
}

uint32_t emit_remainder(P& p) {
  const uint32_t a = p.arg(0), b = p.arg(1), remainder = p.op(TN_PROGRAM_REM, a, b);
  return p.op(TN_PROGRAM_WHERE, emit_signs_differ(p, remainder, b),
              p.op(TN_PROGRAM_ADD, remainder, b), remainder);
}

// self + value·a·b and self + value·a/b; attribute 0 tells whether value is not 1.
template <uint32_t kOpcode>
uint32_t emit_addc(P& p) {
  uint32_t a = p.arg(1);
  if (p.attribute(0) != 0) a = p.op(TN_PROGRAM_MUL, a, p.scalar(0));
  const uint32_t product = p.op(kOpcode, a, p.arg(2));
  return p.op(TN_PROGRAM_ADD, p.arg(0), product);
}

// ---- boxed forms, where an argument has a default ----

using Factor = std::optional<Scalar>;

Tensor add_boxed(const Operand& a, const Operand& b, Factor alpha) {
  return add(a, b, alpha.value_or(1));
}
Tensor& add_boxed_(Tensor& self, const Operand& b, Factor alpha) {
  return self.add_(b, alpha.value_or(1));
}
Tensor& add_boxed_out(Tensor& out, const Operand& a, const Operand& b, Factor alpha) {
  return add_out(out, a, b, alpha.value_or(1));
}
Tensor sub_boxed(const Operand& a, const Operand& b, Factor alpha) {
  return sub(a, b, alpha.value_or(1));
}
Tensor& sub_boxed_(Tensor& self, const Operand& b, Factor alpha) {
  return self.sub_(b, alpha.value_or(1));
}
Tensor& sub_boxed_out(Tensor& out, const Operand& a, const Operand& b, Factor alpha) {
  return sub_out(out, a, b, alpha.value_or(1));
}
Tensor rsub_boxed(const Operand& a, const Operand& b, Factor alpha) {
  return rsub(a, b, alpha.value_or(1));
}
Tensor div_boxed(const Operand& a, const Operand& b, std::optional<Rounding> rounding) {
  return div(a, b, rounding.value_or(Rounding::kNone));
}
Tensor& div_boxed_(Tensor& self, const Operand& b, std::optional<Rounding> rounding) {
  return self.div_(b, rounding.value_or(Rounding::kNone));
}
Tensor& div_boxed_out(Tensor& out, const Operand& a, const Operand& b,
                      std::optional<Rounding> rounding) {
  return div_out(out, a, b, rounding.value_or(Rounding::kNone));
}
Tensor addcmul_boxed(const Tensor& self, const Tensor& a, const Tensor& b, Factor value) {
  return addcmul(self, a, b, value.value_or(1));
}
Tensor& addcmul_boxed_(Tensor& self, const Tensor& a, const Tensor& b, Factor value) {
  return self.addcmul_(a, b, value.value_or(1));
}
Tensor& addcmul_boxed_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b,
                          Factor value) {
  return addcmul_out(out, self, a, b, value.value_or(1));
}
Tensor addcdiv_boxed(const Tensor& self, const Tensor& a, const Tensor& b, Factor value) {
  return addcdiv(self, a, b, value.value_or(1));
}
Tensor& addcdiv_boxed_(Tensor& self, const Tensor& a, const Tensor& b, Factor value) {
  return self.addcdiv_(a, b, value.value_or(1));
}
Tensor& addcdiv_boxed_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b,
                          Factor value) {
  return addcdiv_out(out, self, a, b, value.value_or(1));
}

constinit const Op kAdd{
    pointwise_spec("add", "add(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
                   R"(self + alpha·other; logical or of bools. Shapes broadcast, dtypes promote.
Errors: DType for a fractional alpha on integers. Source: torch.add.)",
                   forms<&add_boxed, &add_boxed_, &add_boxed_out>, &emit_scaled<TN_PROGRAM_ADD>,
                   Promotion::kCommon)};
constinit const Op kSub{
    pointwise_spec("sub", "sub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
                   R"(self − alpha·other. Shapes broadcast, dtypes promote.
Errors: DType for bool operands, or a fractional alpha on integers. Source: torch.sub.)",
                   forms<&sub_boxed, &sub_boxed_, &sub_boxed_out>, &emit_scaled<TN_PROGRAM_SUB>,
                   Promotion::kCommon, kNoBool)};
constinit const Op kRsub{composite_spec(
    "rsub", "rsub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
    "other − alpha·self; sub with its operands swapped. Source: torch.rsub.", only<&rsub_boxed>)};
constinit const Op kMul{pointwise_spec("mul", "mul(Tensor self, Tensor|Scalar other) -> Tensor",
                                       R"(self · other; logical and of bools. Source: torch.mul.)",
                                       forms<&mul, &method<&Tensor::mul_>, &mul_out>, &emit_mul,
                                       Promotion::kCommon)};
constinit const Op kDiv{pointwise_spec(
    "div", "div(Tensor self, Tensor|Scalar other, *, Rounding? rounding_mode=None) -> Tensor",
    R"(self / other. Rounding none is true division: integers give floats; trunc and floor keep the
dtype and round the quotient; an integer divided by 0 is 0. Rounded quotients have gradient 0.
Errors: DType for rounded quotients of bool. Source: torch.div.)",
    forms<&div_boxed, &div_boxed_, &div_boxed_out>, &emit_div, Promotion::kDivision)};
constinit const Op kFloorDivide{composite_spec(
    "floor_divide", "floor_divide(Tensor self, Tensor|Scalar other) -> Tensor",
    "self / other rounded down: div with rounding floor. Source: torch.floor_divide.",
    forms<&floor_divide, &floor_divide_, &floor_divide_out>)};
constinit const Op kRemainder{pointwise_spec(
    "remainder", "remainder(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(self − other·⌊self/other⌋, with the sign of other; of 0: NaN, for integers 0.
Errors: DType for bool. Source: torch.remainder.)",
    forms<&remainder, &remainder_, &remainder_out>, &emit_remainder, Promotion::kCommon, kNoBool)};
constinit const Op kFmod{pointwise_spec(
    "fmod", "fmod(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(self − other·trunc(self/other), with the sign of self; of 0: NaN, for integers 0.
Errors: DType for bool. Source: torch.fmod.)",
    forms<&fmod, &fmod_, &fmod_out>, &emit_binary<TN_PROGRAM_REM>, Promotion::kCommon, kNoBool)};
constinit const Op kPow{pointwise_spec(
    "pow", "pow(Tensor|Scalar self, Tensor|Scalar exponent) -> Tensor",
    R"(self ^ exponent; integers wrap. Errors: DType for bool; InvalidArgument for integers to a
negative number. Source: torch.pow.)",
    forms<&pow, &method<&Tensor::pow_>, &pow_out>, &emit_binary<TN_PROGRAM_POW>, Promotion::kCommon,
    kNoBool)};
constinit const Op kMaximum{pointwise_spec(
    "maximum", "maximum(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(Greater of both; NaN wins; equal values share the gradient. Source: torch.maximum.)",
    with_out<&maximum, &maximum_out>, &emit_binary<TN_PROGRAM_MAX>, Promotion::kCommon)};
constinit const Op kMinimum{pointwise_spec(
    "minimum", "minimum(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(Lesser of both; NaN wins; equal values share the gradient. Source: torch.minimum.)",
    with_out<&minimum, &minimum_out>, &emit_binary<TN_PROGRAM_MIN>, Promotion::kCommon)};
constinit const Op kAddcmul{pointwise_spec(
    "addcmul", "addcmul(Tensor self, Tensor a, Tensor b, *, Scalar value=1) -> Tensor",
    R"(self + value·a·b. Shapes broadcast, dtypes promote. Errors: DType for bool. Source: torch.addcmul.)",
    forms<&addcmul_boxed, &addcmul_boxed_, &addcmul_boxed_out>, &emit_addc<TN_PROGRAM_MUL>,
    Promotion::kCommon, kNoBool)};
constinit const Op kAddcdiv{pointwise_spec(
    "addcdiv", "addcdiv(Tensor self, Tensor a, Tensor b, *, Scalar value=1) -> Tensor",
    R"(self + value·a/b. Shapes broadcast, dtypes promote.
Errors: DType where a and b are integers. Source: torch.addcdiv.)",
    forms<&addcdiv_boxed, &addcdiv_boxed_, &addcdiv_boxed_out>, &emit_addc<TN_PROGRAM_DIV>,
    Promotion::kFloat)};

int64_t scaled(const Scalar& factor) { return factor.to_double() != 1.0 ? 1 : 0; }

int64_t attribute_of(Rounding rounding) {
  check(rounding <= Rounding::kFloor, ErrorCode::kInvalidArgument, "div",
        "rounding must be kNone, kTrunc or kFloor, got ", static_cast<int64_t>(rounding));
  return static_cast<int64_t>(rounding);
}

void check_power(const Operand& self, const Operand& exponent) {
  if (!self.is_tensor() || exponent.is_tensor() || exponent.scalar().is_double()) return;
  check(exponent.scalar().to_int64() >= 0 || self.tensor().is_floating_point(),
        ErrorCode::kInvalidArgument, "pow",
        "integers to negative integer powers are not allowed, got ", self.tensor(),
        " to the power ", exponent.scalar(), "; convert with .to(kFloat32) first");
}

void check_quotient(const Tensor& a, const Tensor& b) {
  check(a.is_floating_point() || b.is_floating_point(), ErrorCode::kDType, "addcdiv",
        "a floating point a or b is needed, got ", a, " and ", b, "; convert one with to()");
}

}  // namespace

Tensor add(const Operand& self, const Operand& other, Scalar alpha) {
  return pointwise(kAdd, {self, other}, {alpha}, {scaled(alpha)});
}
Tensor& add_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha) {
  return pointwise_out(kAdd, out, {self, other}, {alpha}, {scaled(alpha)});
}
Tensor& Tensor::add_(const Operand& other, Scalar alpha) {
  return pointwise_(kAdd, *this, {other}, {alpha}, {scaled(alpha)});
}
Tensor sub(const Operand& self, const Operand& other, Scalar alpha) {
  return pointwise(kSub, {self, other}, {alpha}, {scaled(alpha)});
}
Tensor& sub_out(Tensor& out, const Operand& self, const Operand& other, Scalar alpha) {
  return pointwise_out(kSub, out, {self, other}, {alpha}, {scaled(alpha)});
}
Tensor& Tensor::sub_(const Operand& other, Scalar alpha) {
  return pointwise_(kSub, *this, {other}, {alpha}, {scaled(alpha)});
}
Tensor rsub(const Operand& self, const Operand& other, Scalar alpha) {
  return sub(other, self, alpha);
}
Tensor mul(const Operand& self, const Operand& other) { return pointwise(kMul, {self, other}); }
Tensor& Tensor::mul_(const Operand& other) { return pointwise_(kMul, *this, {other}); }
Tensor& mul_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kMul, out, {self, other});
}
Tensor div(const Operand& self, const Operand& other, Rounding rounding) {
  return pointwise(kDiv, {self, other}, {}, {attribute_of(rounding)});
}
Tensor& div_out(Tensor& out, const Operand& self, const Operand& other, Rounding rounding) {
  return pointwise_out(kDiv, out, {self, other}, {}, {attribute_of(rounding)});
}
Tensor& Tensor::div_(const Operand& other, Rounding rounding) {
  return pointwise_(kDiv, *this, {other}, {}, {attribute_of(rounding)});
}
Tensor floor_divide(const Operand& self, const Operand& other) {
  return div(self, other, Rounding::kFloor);
}
Tensor& floor_divide_(Tensor& self, const Operand& other) {
  return self.div_(other, Rounding::kFloor);
}
Tensor& floor_divide_out(Tensor& out, const Operand& self, const Operand& other) {
  return div_out(out, self, other, Rounding::kFloor);
}
Tensor remainder(const Operand& self, const Operand& other) {
  return pointwise(kRemainder, {self, other});
}
Tensor& remainder_(Tensor& self, const Operand& other) {
  return pointwise_(kRemainder, self, {other});
}
Tensor& remainder_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kRemainder, out, {self, other});
}
Tensor fmod(const Operand& self, const Operand& other) { return pointwise(kFmod, {self, other}); }
Tensor& fmod_(Tensor& self, const Operand& other) { return pointwise_(kFmod, self, {other}); }
Tensor& fmod_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kFmod, out, {self, other});
}
Tensor pow(const Operand& self, const Operand& exponent) {
  check_power(self, exponent);
  return pointwise(kPow, {self, exponent});
}
Tensor& pow_out(Tensor& out, const Operand& self, const Operand& exponent) {
  check_power(self, exponent);
  return pointwise_out(kPow, out, {self, exponent});
}
Tensor& Tensor::pow_(const Operand& exponent) {
  check_power(*this, exponent);
  return pointwise_(kPow, *this, {exponent});
}
Tensor maximum(const Operand& self, const Operand& other) {
  return pointwise(kMaximum, {self, other});
}
Tensor& maximum_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kMaximum, out, {self, other});
}
Tensor minimum(const Operand& self, const Operand& other) {
  return pointwise(kMinimum, {self, other});
}
Tensor& minimum_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kMinimum, out, {self, other});
}
Tensor addcmul(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise(kAddcmul, {self, a, b}, {value}, {scaled(value)});
}
Tensor& addcmul_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b,
                    Scalar value) {
  return pointwise_out(kAddcmul, out, {self, a, b}, {value}, {scaled(value)});
}
Tensor& Tensor::addcmul_(const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise_(kAddcmul, *this, {a, b}, {value}, {scaled(value)});
}
Tensor addcdiv(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value) {
  check_quotient(a, b);
  return pointwise(kAddcdiv, {self, a, b}, {value}, {scaled(value)});
}
Tensor& addcdiv_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b,
                    Scalar value) {
  check_quotient(a, b);
  return pointwise_out(kAddcdiv, out, {self, a, b}, {value}, {scaled(value)});
}
Tensor& Tensor::addcdiv_(const Tensor& a, const Tensor& b, Scalar value) {
  check_quotient(a, b);
  return pointwise_(kAddcdiv, *this, {a, b}, {value}, {scaled(value)});
}

void register_elementwise_ops(OpList& list) {
  for (const Op* op : {&kAdd, &kSub, &kRsub, &kMul, &kDiv, &kFloorDivide, &kRemainder, &kFmod,
                       &kPow, &kMaximum, &kMinimum, &kAddcmul, &kAddcdiv})
    list.add(*op);
  register_logic_ops(list);
  register_binary_ops(list);
  register_unary_ops(list);
  register_float_ops(list);
}

}  // namespace tenon
