// Functions of one tensor that keep its dtype, bounds, and tests of single values.
#include <limits>

#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <uint32_t kOpcode>
uint32_t emit_unary(ProgramBuilder& p) {
  return p.op(kOpcode, p.arg(0));
}

uint32_t emit_sign(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  if (p.is_bool()) return p.op(TN_PROGRAM_COPY, x);
  const uint32_t sign = p.op(TN_PROGRAM_SIGN, x);
  if (!is_floating_point(p.dtype())) return sign;
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, x, x), sign, p.constant(0));  // SIGN keeps NaN
}

uint32_t emit_square(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_MUL, x, x);
}

uint32_t emit_frac(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_SUB, x, p.op(TN_PROGRAM_TRUNC, x));
}

uint32_t emit_isnan(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  return is_floating_point(p.dtype()) ? p.op(TN_PROGRAM_ISNAN, x) : p.op(TN_PROGRAM_NE, x, x);
}

uint32_t emit_isinf(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  if (!is_floating_point(p.dtype())) return p.op(TN_PROGRAM_NE, x, x);
  return p.op(TN_PROGRAM_EQ, p.op(TN_PROGRAM_ABS, x), p.constant(kInfinity));
}

uint32_t emit_isfinite(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  if (!is_floating_point(p.dtype())) return p.op(TN_PROGRAM_EQ, x, x);
  return p.op(TN_PROGRAM_LT, p.op(TN_PROGRAM_ABS, x), p.constant(kInfinity));
}

// Attributes: has min, has max. NaN stays, a NaN bound wins, and so does max where min > max.
uint32_t emit_clamp(ProgramBuilder& p) {
  uint32_t x = p.arg(0);
  size_t next = 1;
  if (p.attribute(0) != 0) x = p.op(TN_PROGRAM_MAX, x, p.arg(next++));
  if (p.attribute(1) != 0) x = p.op(TN_PROGRAM_MIN, x, p.arg(next));
  return x;
}

// Scalars: what NaN, Inf and −Inf become.
uint32_t emit_nan_to_num(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  if (!is_floating_point(p.dtype())) return p.op(TN_PROGRAM_COPY, x);
  const uint32_t is_nan = p.op(TN_PROGRAM_ISNAN, x);
  const uint32_t above = p.op(TN_PROGRAM_EQ, x, p.constant(kInfinity));
  const uint32_t below = p.op(TN_PROGRAM_EQ, x, p.constant(-kInfinity));
  const uint32_t low = p.op(TN_PROGRAM_WHERE, below, p.scalar(2), x);
  const uint32_t high = p.op(TN_PROGRAM_WHERE, above, p.scalar(1), low);
  return p.op(TN_PROGRAM_WHERE, is_nan, p.scalar(0), high);
}

constexpr Op::Spec same(const char* name, const char* schema, const char* doc, const Forms& forms,
                        uint32_t (*emit)(ProgramBuilder&), uint32_t flags) {
  return pointwise_spec(name, schema, doc, forms, emit, Promotion::kCommon, flags);
}

using Bound = std::optional<Operand>;

Tensor nan_to_num_boxed(const Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                        std::optional<double> neginf) {
  return nan_to_num(self, nan.value_or(0), posinf, neginf);
}
Tensor& nan_to_num_boxed_(Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                          std::optional<double> neginf) {
  return nan_to_num_(self, nan.value_or(0), posinf, neginf);
}
Tensor& nan_to_num_boxed_out(Tensor& out, const Tensor& self, std::optional<double> nan,
                             std::optional<double> posinf, std::optional<double> neginf) {
  return nan_to_num_out(out, self, nan.value_or(0), posinf, neginf);
}

constinit const Op kNeg{same("neg", "neg(Tensor self) -> Tensor",
                             "−x; integers wrap. Errors: DType for bool. Source: torch.neg.",
                             forms<&neg, &neg_, &neg_out>, &emit_unary<TN_PROGRAM_NEG>, kNoBool)};
constinit const Op kAbs{
    same("abs", "abs(Tensor self) -> Tensor",
         "|x|; the derivative at 0 is 0. Errors: DType for bool. Source: torch.abs.",
         forms<&abs, &abs_, &abs_out>, &emit_unary<TN_PROGRAM_ABS>, kNoBool)};
constinit const Op kSign{same("sign", "sign(Tensor self) -> Tensor",
                              "−1, 0 or 1; NaN gives 0; bool stays. Source: torch.sign.",
                              forms<&sign, &sign_, &sign_out>, &emit_sign, 0)};
constinit const Op kSquare{same("square", "square(Tensor self) -> Tensor",
                                "x²; bool gives int64. Source: torch.square.",
                                forms<&square, &square_, &square_out>, &emit_square, 0)};
constinit const Op kFloor{
    same("floor", "floor(Tensor self) -> Tensor",
         "Greatest integer ≤ x; integers unchanged. Errors: DType for bool. Source: torch.floor.",
         forms<&floor, &floor_, &floor_out>, &emit_unary<TN_PROGRAM_FLOOR>, kNoBool)};
constinit const Op kCeil{
    same("ceil", "ceil(Tensor self) -> Tensor",
         "Least integer ≥ x; integers unchanged. Errors: DType for bool. Source: torch.ceil.",
         forms<&ceil, &ceil_, &ceil_out>, &emit_unary<TN_PROGRAM_CEIL>, kNoBool)};
constinit const Op kRound{same("round", "round(Tensor self) -> Tensor",
                               "Nearest integer, half to even; integers unchanged. Errors: DType "
                               "for bool. Source: torch.round.",
                               forms<&round, &round_, &round_out>, &emit_unary<TN_PROGRAM_ROUND>,
                               kNoBool)};
constinit const Op kTrunc{
    same("trunc", "trunc(Tensor self) -> Tensor",
         "x rounded toward zero; integers unchanged. Errors: DType for bool. Source: torch.trunc.",
         forms<&trunc, &trunc_, &trunc_out>, &emit_unary<TN_PROGRAM_TRUNC>, kNoBool)};
constinit const Op kFrac{same(
    "frac", "frac(Tensor self) -> Tensor",
    "x − trunc(x), with the sign of x. Errors: DType for integers and bool. Source: torch.frac.",
    forms<&frac, &frac_, &frac_out>, &emit_frac, kFloatsOnly)};
constinit const Op kPositive{
    composite_spec("positive", "positive(Tensor self) -> Tensor",
                   "x itself. Errors: DType for bool. Source: torch.positive.", only<&positive>)};
constinit const Op kClamp{same(
    "clamp", "clamp(Tensor self, Tensor|Scalar? min=None, Tensor|Scalar? max=None) -> Tensor",
    R"(min(max(x, lo), hi); NaN stays. The gradient is 1 between the bounds, 0 outside and on a bound
that is a number; a bound that is a tensor has it outside, and half of it where it equals x. Bounds
broadcast and promote.
Errors: InvalidArgument without a bound; DType for bool. Source: torch.clamp.)",
    forms<&clamp, &clamp_, &clamp_out>, &emit_clamp, kNoBool)};
constinit const Op kClampMin{
    composite_spec("clamp_min", "clamp_min(Tensor self, Tensor|Scalar min) -> Tensor",
                   "max(x, min); clamp with one bound. Source: torch.clamp_min.",
                   forms<&clamp_min, &clamp_min_, &clamp_min_out>)};
constinit const Op kClampMax{
    composite_spec("clamp_max", "clamp_max(Tensor self, Tensor|Scalar max) -> Tensor",
                   "min(x, max); clamp with one bound. Source: torch.clamp_max.",
                   forms<&clamp_max, &clamp_max_, &clamp_max_out>)};
constinit const Op kNanToNum{same(
    "nan_to_num",
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
    R"(NaN becomes nan (0), Inf posinf, −Inf neginf (the greatest and least number of the dtype); integers
and bool stay. The gradient of what was replaced is 0. Source: torch.nan_to_num.)",
    forms<&nan_to_num_boxed, &nan_to_num_boxed_, &nan_to_num_boxed_out>, &emit_nan_to_num, 0)};
constinit const Op kIsnan{compare_spec("isnan", "isnan(Tensor self) -> Tensor",
                                       "x is NaN. Source: torch.isnan.", only<&isnan>,
                                       &emit_isnan)};
constinit const Op kIsinf{compare_spec("isinf", "isinf(Tensor self) -> Tensor",
                                       "x is Inf or −Inf. Source: torch.isinf.", only<&isinf>,
                                       &emit_isinf)};
constinit const Op kIsfinite{compare_spec("isfinite", "isfinite(Tensor self) -> Tensor",
                                          "x is neither NaN nor infinite. Source: torch.isfinite.",
                                          only<&isfinite>, &emit_isfinite)};

// What stands for Inf: the greatest number of the dtype.
double greatest(DType dtype) {
  if (dtype == kFloat16) return 65504;
  if (dtype == kBFloat16) return 0x1.fep127;
  return dtype == kFloat32 ? static_cast<double>(std::numeric_limits<float>::max())
                           : std::numeric_limits<double>::max();
}

void check_bounds(const char* op, const Bound& min, const Bound& max) {
  check(min || max, ErrorCode::kInvalidArgument, op,
        "at least one of min, max is needed; give a number or a tensor");
}

}  // namespace

Tensor neg(const Tensor& self) { return pointwise(kNeg, {self}); }
Tensor& neg_(Tensor& self) { return pointwise_(kNeg, self, {}); }
Tensor& neg_out(Tensor& out, const Tensor& self) { return pointwise_out(kNeg, out, {self}); }
Tensor abs(const Tensor& self) { return pointwise(kAbs, {self}); }
Tensor& abs_(Tensor& self) { return pointwise_(kAbs, self, {}); }
Tensor& abs_out(Tensor& out, const Tensor& self) { return pointwise_out(kAbs, out, {self}); }
Tensor sign(const Tensor& self) { return pointwise(kSign, {self}); }
Tensor& sign_(Tensor& self) { return pointwise_(kSign, self, {}); }
Tensor& sign_out(Tensor& out, const Tensor& self) { return pointwise_out(kSign, out, {self}); }
Tensor floor(const Tensor& self) { return pointwise(kFloor, {self}); }
Tensor& floor_(Tensor& self) { return pointwise_(kFloor, self, {}); }
Tensor& floor_out(Tensor& out, const Tensor& self) { return pointwise_out(kFloor, out, {self}); }
Tensor ceil(const Tensor& self) { return pointwise(kCeil, {self}); }
Tensor& ceil_(Tensor& self) { return pointwise_(kCeil, self, {}); }
Tensor& ceil_out(Tensor& out, const Tensor& self) { return pointwise_out(kCeil, out, {self}); }
Tensor round(const Tensor& self) { return pointwise(kRound, {self}); }
Tensor& round_(Tensor& self) { return pointwise_(kRound, self, {}); }
Tensor& round_out(Tensor& out, const Tensor& self) { return pointwise_out(kRound, out, {self}); }
Tensor trunc(const Tensor& self) { return pointwise(kTrunc, {self}); }
Tensor& trunc_(Tensor& self) { return pointwise_(kTrunc, self, {}); }
Tensor& trunc_out(Tensor& out, const Tensor& self) { return pointwise_out(kTrunc, out, {self}); }
Tensor frac(const Tensor& self) { return pointwise(kFrac, {self}); }
Tensor& frac_(Tensor& self) { return pointwise_(kFrac, self, {}); }
Tensor& frac_out(Tensor& out, const Tensor& self) { return pointwise_out(kFrac, out, {self}); }
Tensor isnan(const Tensor& self) { return pointwise(kIsnan, {self}); }
Tensor isinf(const Tensor& self) { return pointwise(kIsinf, {self}); }
Tensor isfinite(const Tensor& self) { return pointwise(kIsfinite, {self}); }

Tensor square(const Tensor& self) {
  return pointwise(kSquare, {self.dtype() == kBool ? self.to(kInt64) : self});
}
Tensor& square_(Tensor& self) {
  check(self.dtype() != kBool, ErrorCode::kDType, "square",
        "result type Long can't be cast to the desired output type Bool; use logical_and");
  return pointwise_(kSquare, self, {});
}
Tensor& square_out(Tensor& out, const Tensor& self) {
  return pointwise_out(kSquare, out, {self.dtype() == kBool ? self.to(kInt64) : self});
}

Tensor positive(const Tensor& self) {
  check(self.dtype() != kBool, ErrorCode::kDType, "positive",
        "bool tensors are not supported; convert with .to(dtype) first");
  return self;
}

Tensor clamp(const Tensor& self, const Bound& min, const Bound& max) {
  check_bounds("clamp", min, max);
  if (min && max) return pointwise(kClamp, {self, *min, *max}, {}, {1, 1});
  return pointwise(kClamp, {self, min ? *min : *max}, {}, {min ? 1 : 0, max ? 1 : 0});
}
Tensor& clamp_(Tensor& self, const Bound& min, const Bound& max) {
  check_bounds("clamp_", min, max);
  if (min && max) return pointwise_(kClamp, self, {*min, *max}, {}, {1, 1});
  return pointwise_(kClamp, self, {min ? *min : *max}, {}, {min ? 1 : 0, max ? 1 : 0});
}
Tensor& clamp_out(Tensor& out, const Tensor& self, const Bound& min, const Bound& max) {
  check_bounds("clamp_out", min, max);
  if (min && max) return pointwise_out(kClamp, out, {self, *min, *max}, {}, {1, 1});
  return pointwise_out(kClamp, out, {self, min ? *min : *max}, {}, {min ? 1 : 0, max ? 1 : 0});
}
Tensor clamp_min(const Tensor& self, const Operand& min) { return clamp(self, min, {}); }
Tensor& clamp_min_(Tensor& self, const Operand& min) { return clamp_(self, min, {}); }
Tensor& clamp_min_out(Tensor& out, const Tensor& self, const Operand& min) {
  return clamp_out(out, self, min, {});
}
Tensor clamp_max(const Tensor& self, const Operand& max) { return clamp(self, {}, max); }
Tensor& clamp_max_(Tensor& self, const Operand& max) { return clamp_(self, {}, max); }
Tensor& clamp_max_out(Tensor& out, const Tensor& self, const Operand& max) {
  return clamp_out(out, self, {}, max);
}

Tensor nan_to_num(const Tensor& self, double nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  const double high = greatest(self.dtype());
  if (!self.is_floating_point()) return pointwise(kNanToNum, {self});
  return pointwise(kNanToNum, {self}, {nan, posinf.value_or(high), neginf.value_or(-high)});
}
Tensor& nan_to_num_(Tensor& self, double nan, std::optional<double> posinf,
                    std::optional<double> neginf) {
  const double high = greatest(self.dtype());
  if (!self.is_floating_point()) return pointwise_(kNanToNum, self, {});
  return pointwise_(kNanToNum, self, {}, {nan, posinf.value_or(high), neginf.value_or(-high)});
}
Tensor& nan_to_num_out(Tensor& out, const Tensor& self, double nan, std::optional<double> posinf,
                       std::optional<double> neginf) {
  const double high = greatest(self.dtype());
  if (!self.is_floating_point()) return pointwise_out(kNanToNum, out, {self});
  return pointwise_out(kNanToNum, out, {self},
                       {nan, posinf.value_or(high), neginf.value_or(-high)});
}

Tensor& Tensor::neg_() { return tenon::neg_(*this); }
Tensor& Tensor::abs_() { return tenon::abs_(*this); }
Tensor Tensor::clamp(const Bound& min, const Bound& max) const {
  return tenon::clamp(*this, min, max);
}
Tensor& Tensor::clamp_(const Bound& min, const Bound& max) {
  return tenon::clamp_(*this, min, max);
}

void register_unary_ops(OpList& list) {
  for (const Op* op :
       {&kNeg, &kAbs, &kSign, &kSquare, &kFloor, &kCeil, &kRound, &kTrunc, &kFrac, &kPositive,
        &kClamp, &kClampMin, &kClampMax, &kNanToNum, &kIsnan, &kIsinf, &kIsfinite})
    list.add(*op);
}

}  // namespace tenon
