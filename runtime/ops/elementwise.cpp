// Arithmetic, comparisons and logic of two operands.
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

template <uint32_t kOpcode>
uint32_t emit_logical(P& p) {
  const uint32_t a = p.cast(p.arg(0), kBool);
  return p.emit(kOpcode, kBool, {a, p.cast(p.arg(1), kBool)});
}

uint32_t emit_where(P& p) {
  const uint32_t condition = p.raw_arg(0), a = p.arg(1);
  return p.op(TN_PROGRAM_WHERE, condition, a, p.arg(2));
}

// self + value·a·b and self + value·a/b; attribute 0 tells whether value is not 1.
template <uint32_t kOpcode>
uint32_t emit_addc(P& p) {
  uint32_t a = p.arg(1);
  if (p.attribute(0) != 0) a = p.op(TN_PROGRAM_MUL, a, p.scalar(0));
  const uint32_t product = p.op(kOpcode, a, p.arg(2));
  return p.op(TN_PROGRAM_ADD, p.arg(0), product);
}

Tensor add_boxed(const Operand& a, const Operand& b, std::optional<Scalar> alpha) {
  return add(a, b, alpha.value_or(1));
}
Tensor sub_boxed(const Operand& a, const Operand& b, std::optional<Scalar> alpha) {
  return sub(a, b, alpha.value_or(1));
}
Tensor addcmul_boxed(const Tensor& self, const Tensor& a, const Tensor& b,
                     std::optional<Scalar> value) {
  return addcmul(self, a, b, value.value_or(1));
}
Tensor addcdiv_boxed(const Tensor& self, const Tensor& a, const Tensor& b,
                     std::optional<Scalar> value) {
  return addcdiv(self, a, b, value.value_or(1));
}

constinit const Op kAdd{pointwise_spec(
    "add", "add(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
    R"(self + alpha·other; logical or of bools. Shapes broadcast, dtypes promote.
Errors: DType for a fractional alpha on integers. Source: torch.add.)",
    &box<&add_boxed>, &emit_scaled<TN_PROGRAM_ADD>, Promotion::kCommon, kInPlaceForm)};
constinit const Op kSub{pointwise_spec(
    "sub", "sub(Tensor self, Tensor|Scalar other, *, Scalar alpha=1) -> Tensor",
    R"(self − alpha·other. Shapes broadcast, dtypes promote.
Errors: DType for bool operands, or a fractional alpha on integers. Source: torch.sub.)",
    &box<&sub_boxed>, &emit_scaled<TN_PROGRAM_SUB>, Promotion::kCommon, kInPlaceForm | kNoBool)};
constinit const Op kMul{pointwise_spec("mul", "mul(Tensor self, Tensor|Scalar other) -> Tensor",
                                       R"(self · other; logical and of bools. Source: torch.mul.)",
                                       &box<&mul>, &emit_mul, Promotion::kCommon, kInPlaceForm)};
constinit const Op kDiv{pointwise_spec("div", "div(Tensor self, Tensor|Scalar other) -> Tensor",
                                       R"(self / other, true division: integers give floats.
Source: torch.div.)",
                                       &box<&div>, &emit_binary<TN_PROGRAM_DIV>, Promotion::kFloat,
                                       kInPlaceForm)};
constinit const Op kPow{pointwise_spec(
    "pow", "pow(Tensor self, Tensor|Scalar exponent) -> Tensor",
    R"(self ^ exponent; integers wrap. Errors: DType for bool. Source: torch.pow.)", &box<&pow>,
    &emit_binary<TN_PROGRAM_POW>, Promotion::kCommon, kNoBool)};
constinit const Op kMaximum{pointwise_spec(
    "maximum", "maximum(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(Greater of both; NaN wins; equal values share the gradient. Source: torch.maximum.)",
    &box<&maximum>, &emit_binary<TN_PROGRAM_MAX>, Promotion::kCommon, 0)};
constinit const Op kMinimum{pointwise_spec(
    "minimum", "minimum(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(Lesser of both; NaN wins; equal values share the gradient. Source: torch.minimum.)",
    &box<&minimum>, &emit_binary<TN_PROGRAM_MIN>, Promotion::kCommon, 0)};
constinit const Op kAddcmul{pointwise_spec(
    "addcmul", "addcmul(Tensor self, Tensor a, Tensor b, *, Scalar value=1) -> Tensor",
    R"(self + value·a·b. Errors: DType for bool. Source: torch.addcmul.)", &box<&addcmul_boxed>,
    &emit_addc<TN_PROGRAM_MUL>, Promotion::kCommon, kInPlaceForm | kNoBool)};
constinit const Op kAddcdiv{pointwise_spec(
    "addcdiv", "addcdiv(Tensor self, Tensor a, Tensor b, *, Scalar value=1) -> Tensor",
    R"(self + value·a/b; integers become floats. Source: torch.addcdiv.)", &box<&addcdiv_boxed>,
    &emit_addc<TN_PROGRAM_DIV>, Promotion::kFloat, kInPlaceForm)};

constinit const Op kEq{compare_spec("eq", "eq(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self = other; NaN equals nothing.", &box<&eq>,
                                    &emit_binary<TN_PROGRAM_EQ>)};
constinit const Op kNe{compare_spec("ne", "ne(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self ≠ other; NaN differs from all.", &box<&ne>,
                                    &emit_binary<TN_PROGRAM_NE>)};
constinit const Op kLt{compare_spec("lt", "lt(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self < other.", &box<&lt>, &emit_binary<TN_PROGRAM_LT>)};
constinit const Op kLe{compare_spec("le", "le(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self ≤ other.", &box<&le>, &emit_binary<TN_PROGRAM_LE>)};
constinit const Op kGt{compare_spec("gt", "gt(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self > other.", &box<&gt>, &emit_binary<TN_PROGRAM_GT>)};
constinit const Op kGe{compare_spec("ge", "ge(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self ≥ other.", &box<&ge>, &emit_binary<TN_PROGRAM_GE>)};
constinit const Op kLogicalAnd{compare_spec(
    "logical_and", "logical_and(Tensor self, Tensor|Scalar other) -> Tensor", "Both are ≠ 0.",
    &box<&logical_and>, &emit_logical<TN_PROGRAM_AND>)};
constinit const Op kLogicalOr{compare_spec(
    "logical_or", "logical_or(Tensor self, Tensor|Scalar other) -> Tensor", "One is ≠ 0.",
    &box<&logical_or>, &emit_logical<TN_PROGRAM_OR>)};
constinit const Op kWhere{pointwise_spec(
    "where", "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(condition ? self : other, element by element. Errors: DType unless condition is bool.
Source: torch.where.)",
    &box<&where>, &emit_where, Promotion::kCondition, 0)};

int64_t scaled(const Scalar& factor) { return factor.to_double() != 1.0 ? 1 : 0; }

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
Tensor mul(const Operand& self, const Operand& other) { return pointwise(kMul, {self, other}); }
Tensor& mul_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kMul, out, {self, other});
}
Tensor& Tensor::mul_(const Operand& other) { return pointwise_(kMul, *this, {other}); }
Tensor div(const Operand& self, const Operand& other) { return pointwise(kDiv, {self, other}); }
Tensor& div_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kDiv, out, {self, other});
}
Tensor& Tensor::div_(const Operand& other) { return pointwise_(kDiv, *this, {other}); }
Tensor pow(const Operand& self, const Operand& exponent) {
  return pointwise(kPow, {self, exponent});
}
Tensor maximum(const Operand& self, const Operand& other) {
  return pointwise(kMaximum, {self, other});
}
Tensor minimum(const Operand& self, const Operand& other) {
  return pointwise(kMinimum, {self, other});
}
Tensor addcmul(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise(kAddcmul, {self, a, b}, {value}, {scaled(value)});
}
Tensor& Tensor::addcmul_(const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise_(kAddcmul, *this, {a, b}, {value}, {scaled(value)});
}
Tensor addcdiv(const Tensor& self, const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise(kAddcdiv, {self, a, b}, {value}, {scaled(value)});
}
Tensor& Tensor::addcdiv_(const Tensor& a, const Tensor& b, Scalar value) {
  return pointwise_(kAddcdiv, *this, {a, b}, {value}, {scaled(value)});
}

Tensor eq(const Operand& self, const Operand& other) { return pointwise(kEq, {self, other}); }
Tensor ne(const Operand& self, const Operand& other) { return pointwise(kNe, {self, other}); }
Tensor lt(const Operand& self, const Operand& other) { return pointwise(kLt, {self, other}); }
Tensor le(const Operand& self, const Operand& other) { return pointwise(kLe, {self, other}); }
Tensor gt(const Operand& self, const Operand& other) { return pointwise(kGt, {self, other}); }
Tensor ge(const Operand& self, const Operand& other) { return pointwise(kGe, {self, other}); }
Tensor logical_and(const Operand& self, const Operand& other) {
  return pointwise(kLogicalAnd, {self, other});
}
Tensor logical_or(const Operand& self, const Operand& other) {
  return pointwise(kLogicalOr, {self, other});
}
Tensor where(const Tensor& condition, const Operand& self, const Operand& other) {
  return pointwise(kWhere, {condition, self, other});
}

void register_elementwise_ops(OpList& list) {
  for (const Op* op :
       {&kAdd, &kSub, &kMul, &kDiv, &kPow, &kMaximum, &kMinimum, &kAddcmul, &kAddcdiv, &kEq, &kNe,
        &kLt, &kLe, &kGt, &kGe, &kLogicalAnd, &kLogicalOr, &kWhere})
    list.add(*op);
  register_unary_ops(list);
}

}  // namespace tenon
