// Functions of two operands and more.
#include <limits>
#include <numbers>

#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

using P = ProgramBuilder;

uint32_t emit_atan2(P& p) {
  const uint32_t y = p.arg(0);
  return p.op(TN_PROGRAM_ATAN2, y, p.arg(1));
}

// m·√(1 + (n/m)²) with m the greater, so that no square overflows.
uint32_t emit_hypot(P& p) {
  p.widen();
  const uint32_t a = p.op(TN_PROGRAM_ABS, p.arg(0)), b = p.op(TN_PROGRAM_ABS, p.arg(1));
  const uint32_t m = p.op(TN_PROGRAM_MAX, a, b), n = p.op(TN_PROGRAM_MIN, a, b);
  const uint32_t infinity = p.constant(std::numeric_limits<double>::infinity());
  const uint32_t ratio = p.op(TN_PROGRAM_DIV, n, m);
  const uint32_t square = p.op(TN_PROGRAM_FMA, ratio, ratio, p.constant(1));
  const uint32_t length = p.op(TN_PROGRAM_MUL, m, p.op(TN_PROGRAM_SQRT, square));
  const uint32_t is_zero = p.op(TN_PROGRAM_EQ, m, p.constant(0));
  const uint32_t is_infinite = p.emit(
      TN_PROGRAM_OR, kBool, {p.op(TN_PROGRAM_EQ, a, infinity), p.op(TN_PROGRAM_EQ, b, infinity)});
  return p.op(TN_PROGRAM_WHERE, is_infinite, infinity, p.op(TN_PROGRAM_WHERE, is_zero, m, length));
}

// −0 is told from 0 by its reciprocal.
uint32_t emit_copysign(P& p) {
  const uint32_t size = p.op(TN_PROGRAM_ABS, p.arg(0)), sign = p.arg(1), zero = p.constant(0);
  const uint32_t below = p.op(TN_PROGRAM_LT, sign, zero);
  const uint32_t is_minus_zero = p.op(TN_PROGRAM_LT, p.op(TN_PROGRAM_RECIP, sign), zero);
  return p.op(TN_PROGRAM_WHERE, p.emit(TN_PROGRAM_OR, kBool, {below, is_minus_zero}),
              p.op(TN_PROGRAM_NEG, size), size);
}

uint32_t emit_xlogy(P& p) {
  p.widen();
  const uint32_t x = p.arg(0), y = p.arg(1), zero = p.constant(0);
  const uint32_t product = p.op(TN_PROGRAM_MUL, x, p.op(TN_PROGRAM_LOG, y));
  const uint32_t value = p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, x, zero), zero, product);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_ISNAN, y), y, value);
}

// m + ln(1 + e^−|a − b|); equal operands, infinite ones too, give a + ln 2.
uint32_t emit_logaddexp(P& p) {
  p.widen();
  const uint32_t a = p.arg(0), b = p.arg(1);
  const uint32_t distance = p.op(TN_PROGRAM_ABS, p.op(TN_PROGRAM_SUB, a, b));
  const uint32_t tail =
      p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_EXP, p.op(TN_PROGRAM_NEG, distance)));
  const uint32_t sum = p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_MAX, a, b), tail);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, a, b),
              p.op(TN_PROGRAM_ADD, a, p.constant(std::numbers::ln2)), sum);
}

uint32_t emit_heaviside(P& p) {
  const uint32_t x = p.arg(0), zero = p.constant(0);
  const uint32_t step = p.cast(p.op(TN_PROGRAM_GT, x, zero), p.dtype());
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_EQ, x, zero), p.arg(1), step);
}

// From the nearer end, so that both ends are met exactly.
uint32_t emit_lerp(P& p) {
  p.widen();
  const uint32_t start = p.arg(0), end = p.arg(1), weight = p.arg(2);
  const uint32_t way = p.op(TN_PROGRAM_SUB, end, start);
  const uint32_t rest = p.op(TN_PROGRAM_SUB, p.constant(1), weight);
  const uint32_t is_near = p.op(TN_PROGRAM_LT, p.op(TN_PROGRAM_ABS, weight), p.constant(0.5));
  return p.op(TN_PROGRAM_WHERE, is_near,
              p.op(TN_PROGRAM_ADD, start, p.op(TN_PROGRAM_MUL, weight, way)),
              p.op(TN_PROGRAM_SUB, end, p.op(TN_PROGRAM_MUL, way, rest)));
}

constinit const Op kAtan2{pointwise_spec(
    "atan2", "atan2(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(Angle of the point (other, self), in [−π, π]; integers become the default float.
Source: torch.atan2.)",
    forms<&atan2, &atan2_, &atan2_out>, &emit_atan2, Promotion::kFloat, 0)};
constinit const Op kHypot{pointwise_spec(
    "hypot", "hypot(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(√(self² + other²) without overflow.
Errors: DType for integers and bool. Source: torch.hypot.)",
    forms<&hypot, &hypot_, &hypot_out>, &emit_hypot, Promotion::kCommon, kFloatsOnly)};
constinit const Op kCopysign{pointwise_spec(
    "copysign", "copysign(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(|self| with the sign of other (of −0: minus); integers become the default float.
Source: torch.copysign.)",
    forms<&copysign, &copysign_, &copysign_out>, &emit_copysign, Promotion::kFloat, 0)};
constinit const Op kXlogy{pointwise_spec(
    "xlogy", "xlogy(Tensor|Scalar self, Tensor|Scalar other) -> Tensor",
    R"(self · ln(other), and 0 where self is 0 and other not NaN; integers become the default float.
Source: torch.xlogy.)",
    forms<&xlogy, &xlogy_, &xlogy_out>, &emit_xlogy, Promotion::kFloat, 0)};
constinit const Op kLogaddexp{pointwise_spec(
    "logaddexp", "logaddexp(Tensor self, Tensor|Scalar other) -> Tensor",
    R"(ln(e^self + e^other) without overflow.
Errors: DType for integers and bool. Source: torch.logaddexp.)",
    with_out<&logaddexp, &logaddexp_out>, &emit_logaddexp, Promotion::kCommon, kFloatsOnly)};
constinit const Op kHeaviside{
    pointwise_spec("heaviside", "heaviside(Tensor self, Tensor values) -> Tensor",
                   R"(0 below 0, 1 above, values at 0; NaN gives 0. It has no gradient.
Errors: DType unless both have one dtype. Source: torch.heaviside.)",
                   forms<&heaviside, &heaviside_, &heaviside_out>, &emit_heaviside,
                   Promotion::kCommon, kNoGradient)};
constinit const Op kLerp{
    pointwise_spec("lerp", "lerp(Tensor self, Tensor end, Tensor|Scalar weight) -> Tensor",
                   R"(self + weight·(end − self), exact at weight 0 and 1. Shapes broadcast.
Errors: DType for integers and bool, and for tensors of different dtypes. Source: torch.lerp.)",
                   forms<&lerp, &lerp_, &lerp_out>, &emit_lerp, Promotion::kCommon, kFloatsOnly)};

void check_same_dtype(const char* op, const Tensor& self, const Operand& other) {
  if (!other.is_tensor()) return;
  check(self.dtype() == other.tensor().dtype(), ErrorCode::kDType, op,
        "all tensors must have one dtype, got ", self.dtype(), " and ", other.tensor().dtype(),
        "; convert one with to()");
}

void check_lerp(const Tensor& self, const Tensor& end, const Operand& weight) {
  check_same_dtype("lerp", self, end);
  check_same_dtype("lerp", self, weight);
}

}  // namespace

Tensor atan2(const Operand& self, const Operand& other) { return pointwise(kAtan2, {self, other}); }
Tensor& atan2_(Tensor& self, const Operand& other) { return pointwise_(kAtan2, self, {other}); }
Tensor& atan2_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kAtan2, out, {self, other});
}
Tensor hypot(const Operand& self, const Operand& other) { return pointwise(kHypot, {self, other}); }
Tensor& hypot_(Tensor& self, const Operand& other) { return pointwise_(kHypot, self, {other}); }
Tensor& hypot_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kHypot, out, {self, other});
}
Tensor copysign(const Operand& self, const Operand& other) {
  return pointwise(kCopysign, {self, other});
}
Tensor& copysign_(Tensor& self, const Operand& other) {
  return pointwise_(kCopysign, self, {other});
}
Tensor& copysign_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kCopysign, out, {self, other});
}
Tensor xlogy(const Operand& self, const Operand& other) { return pointwise(kXlogy, {self, other}); }
Tensor& xlogy_(Tensor& self, const Operand& other) { return pointwise_(kXlogy, self, {other}); }
Tensor& xlogy_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kXlogy, out, {self, other});
}
Tensor logaddexp(const Operand& self, const Operand& other) {
  return pointwise(kLogaddexp, {self, other});
}
Tensor& logaddexp_out(Tensor& out, const Operand& self, const Operand& other) {
  return pointwise_out(kLogaddexp, out, {self, other});
}
Tensor heaviside(const Tensor& self, const Tensor& values) {
  check_same_dtype("heaviside", self, values);
  return pointwise(kHeaviside, {self, values});
}
Tensor& heaviside_(Tensor& self, const Tensor& values) {
  check_same_dtype("heaviside", self, values);
  return pointwise_(kHeaviside, self, {values});
}
Tensor& heaviside_out(Tensor& out, const Tensor& self, const Tensor& values) {
  check_same_dtype("heaviside", self, values);
  return pointwise_out(kHeaviside, out, {self, values});
}
Tensor lerp(const Tensor& self, const Tensor& end, const Operand& weight) {
  check_lerp(self, end, weight);
  return pointwise(kLerp, {self, end, weight});
}
Tensor& lerp_(Tensor& self, const Tensor& end, const Operand& weight) {
  check_lerp(self, end, weight);
  return pointwise_(kLerp, self, {end, weight});
}
Tensor& lerp_out(Tensor& out, const Tensor& self, const Tensor& end, const Operand& weight) {
  check_lerp(self, end, weight);
  return pointwise_out(kLerp, out, {self, end, weight});
}

void register_binary_ops(OpList& list) {
  for (const Op* op : {&kAtan2, &kHypot, &kCopysign, &kXlogy, &kLogaddexp, &kHeaviside, &kLerp})
    list.add(*op);
}

}  // namespace tenon
