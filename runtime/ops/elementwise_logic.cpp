// Comparisons, logic, bits and choice.
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

template <uint32_t kOpcode>
uint32_t emit_binary(ProgramBuilder& p) {
  const uint32_t a = p.arg(0);
  return p.op(kOpcode, a, p.arg(1));
}

template <uint32_t kOpcode>
uint32_t emit_logical(ProgramBuilder& p) {
  const uint32_t a = p.cast(p.arg(0), kBool);
  return p.emit(kOpcode, kBool, {a, p.cast(p.arg(1), kBool)});
}

uint32_t emit_logical_not(ProgramBuilder& p) {
  return p.emit(TN_PROGRAM_NOT, kBool, {p.cast(p.arg(0), kBool)});
}

uint32_t emit_bitwise_not(ProgramBuilder& p) { return p.op(TN_PROGRAM_NOT, p.arg(0)); }

// A negative shift is as wide as one by the whole width: only the sign stays.
uint32_t emit_right_shift(ProgramBuilder& p) {
  const uint32_t x = p.arg(0), by = p.arg(1);
  const uint32_t width = p.constant(8 * size_bytes(p.dtype()));
  const uint32_t is_negative = p.op(TN_PROGRAM_LT, by, p.constant(0));
  return p.op(TN_PROGRAM_SHR, x, p.op(TN_PROGRAM_WHERE, is_negative, width, by));
}

uint32_t emit_where(ProgramBuilder& p) {
  const uint32_t condition = p.raw_arg(0), a = p.arg(1);
  return p.op(TN_PROGRAM_WHERE, condition, a, p.arg(2));
}

constinit const Op kEq{compare_spec("eq", "eq(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self = other; NaN equals nothing. Shapes broadcast; in place "
                                    "1 or 0 in the dtype of self. Source: torch.eq.",
                                    forms<&eq, &method<&Tensor::eq_>, &eq_out>,
                                    &emit_binary<TN_PROGRAM_EQ>)};
constinit const Op kNe{compare_spec("ne", "ne(Tensor self, Tensor|Scalar other) -> Tensor",
                                    "self ≠ other; NaN differs from all. Shapes broadcast; in "
                                    "place 1 or 0 in the dtype of self. Source: torch.ne.",
                                    forms<&ne, &method<&Tensor::ne_>, &ne_out>,
                                    &emit_binary<TN_PROGRAM_NE>)};
constinit const Op kLt{compare_spec(
    "lt", "lt(Tensor self, Tensor|Scalar other) -> Tensor",
    "self < other. Shapes broadcast; in place 1 or 0 in the dtype of self. Source: torch.lt.",
    forms<&lt, &method<&Tensor::lt_>, &lt_out>, &emit_binary<TN_PROGRAM_LT>)};
constinit const Op kLe{compare_spec(
    "le", "le(Tensor self, Tensor|Scalar other) -> Tensor",
    "self ≤ other. Shapes broadcast; in place 1 or 0 in the dtype of self. Source: torch.le.",
    forms<&le, &method<&Tensor::le_>, &le_out>, &emit_binary<TN_PROGRAM_LE>)};
constinit const Op kGt{compare_spec(
    "gt", "gt(Tensor self, Tensor|Scalar other) -> Tensor",
    "self > other. Shapes broadcast; in place 1 or 0 in the dtype of self. Source: torch.gt.",
    forms<&gt, &method<&Tensor::gt_>, &gt_out>, &emit_binary<TN_PROGRAM_GT>)};
constinit const Op kGe{compare_spec(
    "ge", "ge(Tensor self, Tensor|Scalar other) -> Tensor",
    "self ≥ other. Shapes broadcast; in place 1 or 0 in the dtype of self. Source: torch.ge.",
    forms<&ge, &method<&Tensor::ge_>, &ge_out>, &emit_binary<TN_PROGRAM_GE>)};
constinit const Op kLogicalAnd{compare_spec(
    "logical_and", "logical_and(Tensor self, Tensor|Scalar other) -> Tensor",
    "Both are ≠ 0. Shapes broadcast. Source: torch.logical_and.",
    forms<&logical_and, &logical_and_, &logical_and_out>, &emit_logical<TN_PROGRAM_AND>)};
constinit const Op kLogicalOr{
    compare_spec("logical_or", "logical_or(Tensor self, Tensor|Scalar other) -> Tensor",
                 "One is ≠ 0. Shapes broadcast. Source: torch.logical_or.",
                 forms<&logical_or, &logical_or_, &logical_or_out>, &emit_logical<TN_PROGRAM_OR>)};
constinit const Op kLogicalXor{compare_spec(
    "logical_xor", "logical_xor(Tensor self, Tensor|Scalar other) -> Tensor",
    "Just one is ≠ 0. Shapes broadcast. Source: torch.logical_xor.",
    forms<&logical_xor, &logical_xor_, &logical_xor_out>, &emit_logical<TN_PROGRAM_XOR>)};
constinit const Op kLogicalNot{compare_spec(
    "logical_not", "logical_not(Tensor self) -> Tensor", "x = 0. Source: torch.logical_not.",
    forms<&logical_not, &logical_not_, &logical_not_out>, &emit_logical_not)};
constinit const Op kBitwiseAnd{
    pointwise_spec("bitwise_and", "bitwise_and(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
                   R"(Bits that both have; logical and of bools.
Errors: DType for floats. Source: torch.bitwise_and.)",
                   forms<&bitwise_and, &bitwise_and_, &bitwise_and_out>,
                   &emit_binary<TN_PROGRAM_AND>, Promotion::kCommon, kNoGradient | kNoFloat)};
constinit const Op kBitwiseOr{
    pointwise_spec("bitwise_or", "bitwise_or(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
                   R"(Bits that one has; logical or of bools.
Errors: DType for floats. Source: torch.bitwise_or.)",
                   forms<&bitwise_or, &bitwise_or_, &bitwise_or_out>, &emit_binary<TN_PROGRAM_OR>,
                   Promotion::kCommon, kNoGradient | kNoFloat)};
constinit const Op kBitwiseXor{
    pointwise_spec("bitwise_xor", "bitwise_xor(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
                   R"(Bits that just one has; logical xor of bools.
Errors: DType for floats. Source: torch.bitwise_xor.)",
                   forms<&bitwise_xor, &bitwise_xor_, &bitwise_xor_out>,
                   &emit_binary<TN_PROGRAM_XOR>, Promotion::kCommon, kNoGradient | kNoFloat)};
constinit const Op kBitwiseLeftShift{pointwise_spec(
    "bitwise_left_shift", "bitwise_left_shift(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(self · 2^other: zeros come in; 0 for other < 0 or ≥ the width of the dtype.
Errors: DType for floats and bool. Source: torch.bitwise_left_shift.)",
    forms<&bitwise_left_shift, &bitwise_left_shift_, &bitwise_left_shift_out>,
    &emit_binary<TN_PROGRAM_SHL>, Promotion::kCommon, kNoGradient | kNoFloat | kNoBool)};
constinit const Op kBitwiseRightShift{pointwise_spec(
    "bitwise_right_shift", "bitwise_right_shift(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(self / 2^other rounded down: the sign comes in; 0 or −1 for other < 0 or ≥ the width of the dtype.
Errors: DType for floats and bool. Source: torch.bitwise_right_shift.)",
    forms<&bitwise_right_shift, &bitwise_right_shift_, &bitwise_right_shift_out>, &emit_right_shift,
    Promotion::kCommon, kNoGradient | kNoFloat | kNoBool)};
constinit const Op kBitwiseNot{
    pointwise_spec("bitwise_not", "bitwise_not(Tensor self) -> Tensor",
                   "Every bit flipped: −x − 1; logical not of bool. Errors: DType for floats. "
                   "Source: torch.bitwise_not.",
                   forms<&bitwise_not, &bitwise_not_, &bitwise_not_out>, &emit_bitwise_not,
                   Promotion::kCommon, kNoGradient | kNoFloat)};
constinit const Op kWhere{pointwise_spec(
    "where", "where(Tensor condition, Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(condition ? self : other, element by element. Shapes broadcast, self and other promote.
Errors: DType unless condition is bool. Source: torch.where.)",
    with_out<&where, &where_out>, &emit_where, Promotion::kCondition)};

}  // namespace

Tensor eq(const Operand& self, const Operand& other) { return pointwise(kEq, {self, other}); }
Tensor& Tensor::eq_(const Operand& other) { return pointwise_(kEq, *this, {other}); }
Tensor& eq_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kEq, out, {self, other});
}
Tensor ne(const Operand& self, const Operand& other) { return pointwise(kNe, {self, other}); }
Tensor& Tensor::ne_(const Operand& other) { return pointwise_(kNe, *this, {other}); }
Tensor& ne_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kNe, out, {self, other});
}
Tensor lt(const Operand& self, const Operand& other) { return pointwise(kLt, {self, other}); }
Tensor& Tensor::lt_(const Operand& other) { return pointwise_(kLt, *this, {other}); }
Tensor& lt_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLt, out, {self, other});
}
Tensor le(const Operand& self, const Operand& other) { return pointwise(kLe, {self, other}); }
Tensor& Tensor::le_(const Operand& other) { return pointwise_(kLe, *this, {other}); }
Tensor& le_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLe, out, {self, other});
}
Tensor gt(const Operand& self, const Operand& other) { return pointwise(kGt, {self, other}); }
Tensor& Tensor::gt_(const Operand& other) { return pointwise_(kGt, *this, {other}); }
Tensor& gt_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kGt, out, {self, other});
}
Tensor ge(const Operand& self, const Operand& other) { return pointwise(kGe, {self, other}); }
Tensor& Tensor::ge_(const Operand& other) { return pointwise_(kGe, *this, {other}); }
Tensor& ge_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kGe, out, {self, other});
}
Tensor logical_and(const Operand& self, const Operand& other) {
  return pointwise(kLogicalAnd, {self, other});
}
Tensor& logical_and_(Tensor& self, const Operand& other) {
  return pointwise_(kLogicalAnd, self, {other});
}
Tensor& logical_and_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLogicalAnd, out, {self, other});
}
Tensor logical_or(const Operand& self, const Operand& other) {
  return pointwise(kLogicalOr, {self, other});
}
Tensor& logical_or_(Tensor& self, const Operand& other) {
  return pointwise_(kLogicalOr, self, {other});
}
Tensor& logical_or_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLogicalOr, out, {self, other});
}
Tensor logical_xor(const Operand& self, const Operand& other) {
  return pointwise(kLogicalXor, {self, other});
}
Tensor& logical_xor_(Tensor& self, const Operand& other) {
  return pointwise_(kLogicalXor, self, {other});
}
Tensor& logical_xor_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLogicalXor, out, {self, other});
}
Tensor logical_not(const Tensor& self) { return pointwise(kLogicalNot, {self}); }
Tensor& logical_not_(Tensor& self) { return pointwise_(kLogicalNot, self, {}); }
Tensor& logical_not_out(Tensor& out, const Tensor& self) {
  return pointwise_out(kLogicalNot, out, {self});
}
Tensor bitwise_and(const Operand& self, const Operand& other) {
  return pointwise(kBitwiseAnd, {self, other});
}
Tensor& bitwise_and_(Tensor& self, const Operand& other) {
  return pointwise_(kBitwiseAnd, self, {other});
}
Tensor& bitwise_and_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kBitwiseAnd, out, {self, other});
}
Tensor bitwise_or(const Operand& self, const Operand& other) {
  return pointwise(kBitwiseOr, {self, other});
}
Tensor& bitwise_or_(Tensor& self, const Operand& other) {
  return pointwise_(kBitwiseOr, self, {other});
}
Tensor& bitwise_or_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kBitwiseOr, out, {self, other});
}
Tensor bitwise_xor(const Operand& self, const Operand& other) {
  return pointwise(kBitwiseXor, {self, other});
}
Tensor& bitwise_xor_(Tensor& self, const Operand& other) {
  return pointwise_(kBitwiseXor, self, {other});
}
Tensor& bitwise_xor_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kBitwiseXor, out, {self, other});
}
Tensor bitwise_left_shift(const Operand& self, const Operand& other) {
  return pointwise(kBitwiseLeftShift, {self, other});
}
Tensor& bitwise_left_shift_(Tensor& self, const Operand& other) {
  return pointwise_(kBitwiseLeftShift, self, {other});
}
Tensor& bitwise_left_shift_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kBitwiseLeftShift, out, {self, other});
}
Tensor bitwise_right_shift(const Operand& self, const Operand& other) {
  return pointwise(kBitwiseRightShift, {self, other});
}
Tensor& bitwise_right_shift_(Tensor& self, const Operand& other) {
  return pointwise_(kBitwiseRightShift, self, {other});
}
Tensor& bitwise_right_shift_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kBitwiseRightShift, out, {self, other});
}
Tensor bitwise_not(const Tensor& self) { return pointwise(kBitwiseNot, {self}); }
Tensor& bitwise_not_(Tensor& self) { return pointwise_(kBitwiseNot, self, {}); }
Tensor& bitwise_not_out(Tensor& out, const Tensor& self) {
  return pointwise_out(kBitwiseNot, out, {self});
}
Tensor where(const Tensor& condition, const Operand& self, const Operand& other) {
  return pointwise(kWhere, {condition, self, other});
}
Tensor& where_out(Tensor& out, const Tensor& condition, const Operand& self, const Operand& other) {
  return pointwise_out(kWhere, out, {condition, self, other});
}

void register_logic_ops(OpList& list) {
  for (const Op* op : {&kEq, &kNe, &kLt, &kLe, &kGt, &kGe, &kLogicalAnd, &kLogicalOr, &kLogicalXor,
                       &kLogicalNot, &kBitwiseAnd, &kBitwiseOr, &kBitwiseXor, &kBitwiseLeftShift,
                       &kBitwiseRightShift, &kBitwiseNot, &kWhere})
    list.add(*op);
}

}  // namespace tenon
