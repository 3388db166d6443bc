// Functions of one tensor that are defined for floats; integers and bool become the default float.
#include <numbers>

#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

template <uint32_t kOpcode>
uint32_t emit_unary(ProgramBuilder& p) {
  return p.op(kOpcode, p.arg(0));
}

uint32_t emit_log10(ProgramBuilder& p) {
  p.widen();
  return p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_LOG, p.arg(0)), p.constant(1 / std::numbers::ln10));
}

// ln(x/(1 − x)). Attribute 0: x is first brought into [eps, 1 − eps].
uint32_t emit_logit(ProgramBuilder& p) {
  p.widen();
  uint32_t x = p.arg(0);
  const uint32_t one = p.constant(1);
  if (p.attribute(0) != 0) {
    const uint32_t low = p.scalar(0);
    x = p.op(TN_PROGRAM_MIN, p.op(TN_PROGRAM_MAX, x, low), p.op(TN_PROGRAM_SUB, one, low));
  }
  return p.op(TN_PROGRAM_LOG, p.op(TN_PROGRAM_DIV, x, p.op(TN_PROGRAM_SUB, one, x)));
}

constexpr Op::Spec real(const char* name, const char* schema, const char* doc, const Forms& forms,
                        uint32_t (*emit)(ProgramBuilder&)) {
  return pointwise_spec(name, schema, doc, forms, emit, Promotion::kFloat);
}

constinit const Op kExp{real("exp", "exp(Tensor self) -> Tensor", "e^x. Source: torch.exp.",
                             forms<&exp, &exp_, &exp_out>, &emit_unary<TN_PROGRAM_EXP>)};
constinit const Op kExpm1{real("expm1", "expm1(Tensor self) -> Tensor",
                               "e^x − 1, exact near 0. Source: torch.expm1.",
                               forms<&expm1, &expm1_, &expm1_out>, &emit_unary<TN_PROGRAM_EXPM1>)};
constinit const Op kExp2{real("exp2", "exp2(Tensor self) -> Tensor", "2^x. Source: torch.exp2.",
                              forms<&exp2, &exp2_, &exp2_out>, &emit_unary<TN_PROGRAM_EXP2>)};
constinit const Op kLog{real("log", "log(Tensor self) -> Tensor",
                             "ln x; −Inf at 0, NaN below. Source: torch.log.",
                             forms<&log, &log_, &log_out>, &emit_unary<TN_PROGRAM_LOG>)};
constinit const Op kLog1p{real("log1p", "log1p(Tensor self) -> Tensor",
                               "ln(1 + x), exact near 0. Source: torch.log1p.",
                               forms<&log1p, &log1p_, &log1p_out>, &emit_unary<TN_PROGRAM_LOG1P>)};
constinit const Op kLog2{real("log2", "log2(Tensor self) -> Tensor",
                              "Logarithm to base 2; −Inf at 0, NaN below. Source: torch.log2.",
                              forms<&log2, &log2_, &log2_out>, &emit_unary<TN_PROGRAM_LOG2>)};
constinit const Op kLog10{real("log10", "log10(Tensor self) -> Tensor",
                               "Logarithm to base 10; −Inf at 0, NaN below; within 5 ULP, also at "
                               "powers of 10. Source: torch.log10.",
                               forms<&log10, &log10_, &log10_out>, &emit_log10)};
constinit const Op kSqrt{real("sqrt", "sqrt(Tensor self) -> Tensor",
                              "√x; NaN below 0; the derivative at 0 is Inf. Source: torch.sqrt.",
                              forms<&sqrt, &sqrt_, &sqrt_out>, &emit_unary<TN_PROGRAM_SQRT>)};
constinit const Op kRsqrt{real("rsqrt", "rsqrt(Tensor self) -> Tensor",
                               "1/√x. Source: torch.rsqrt.", forms<&rsqrt, &rsqrt_, &rsqrt_out>,
                               &emit_unary<TN_PROGRAM_RSQRT>)};
constinit const Op kReciprocal{
    real("reciprocal", "reciprocal(Tensor self) -> Tensor", "1/x. Source: torch.reciprocal.",
         forms<&reciprocal, &reciprocal_, &reciprocal_out>, &emit_unary<TN_PROGRAM_RECIP>)};
constinit const Op kSin{real("sin", "sin(Tensor self) -> Tensor",
                             "Sine of radians. Source: torch.sin.", forms<&sin, &sin_, &sin_out>,
                             &emit_unary<TN_PROGRAM_SIN>)};
constinit const Op kCos{real("cos", "cos(Tensor self) -> Tensor",
                             "Cosine of radians. Source: torch.cos.", forms<&cos, &cos_, &cos_out>,
                             &emit_unary<TN_PROGRAM_COS>)};
constinit const Op kTan{real("tan", "tan(Tensor self) -> Tensor",
                             "Tangent of radians. Source: torch.tan.", forms<&tan, &tan_, &tan_out>,
                             &emit_unary<TN_PROGRAM_TAN>)};
constinit const Op kAsin{
    real("asin", "asin(Tensor self) -> Tensor",
         "Inverse sine, in [−π/2, π/2]; NaN outside [−1, 1]. Source: torch.asin.",
         forms<&asin, &asin_, &asin_out>, &emit_unary<TN_PROGRAM_ASIN>)};
constinit const Op kAcos{real("acos", "acos(Tensor self) -> Tensor",
                              "Inverse cosine, in [0, π]; NaN outside [−1, 1]. Source: torch.acos.",
                              forms<&acos, &acos_, &acos_out>, &emit_unary<TN_PROGRAM_ACOS>)};
constinit const Op kAtan{real("atan", "atan(Tensor self) -> Tensor",
                              "Inverse tangent, in [−π/2, π/2]. Source: torch.atan.",
                              forms<&atan, &atan_, &atan_out>, &emit_unary<TN_PROGRAM_ATAN>)};
constinit const Op kSinh{real("sinh", "sinh(Tensor self) -> Tensor",
                              "Hyperbolic sine, (e^x − e^−x)/2. Source: torch.sinh.",
                              forms<&sinh, &sinh_, &sinh_out>, &emit_unary<TN_PROGRAM_SINH>)};
constinit const Op kCosh{real("cosh", "cosh(Tensor self) -> Tensor",
                              "Hyperbolic cosine, (e^x + e^−x)/2. Source: torch.cosh.",
                              forms<&cosh, &cosh_, &cosh_out>, &emit_unary<TN_PROGRAM_COSH>)};
constinit const Op kTanh{real("tanh", "tanh(Tensor self) -> Tensor",
                              "Hyperbolic tangent. Source: torch.tanh.",
                              forms<&tanh, &tanh_, &tanh_out>, &emit_unary<TN_PROGRAM_TANH>)};
constinit const Op kAsinh{real("asinh", "asinh(Tensor self) -> Tensor",
                               "Inverse hyperbolic sine, ln(x + √(x² + 1)). Source: torch.asinh.",
                               forms<&asinh, &asinh_, &asinh_out>, &emit_unary<TN_PROGRAM_ASINH>)};
constinit const Op kAcosh{
    real("acosh", "acosh(Tensor self) -> Tensor",
         "Inverse hyperbolic cosine, ln(x + √(x² − 1)); NaN below 1. Source: torch.acosh.",
         forms<&acosh, &acosh_, &acosh_out>, &emit_unary<TN_PROGRAM_ACOSH>)};
constinit const Op kAtanh{real(
    "atanh", "atanh(Tensor self) -> Tensor",
    "Inverse hyperbolic tangent, ½ ln((1 + x)/(1 − x)); NaN outside [−1, 1]. Source: torch.atanh.",
    forms<&atanh, &atanh_, &atanh_out>, &emit_unary<TN_PROGRAM_ATANH>)};
constinit const Op kSigmoid{
    real("sigmoid", "sigmoid(Tensor self) -> Tensor", "1/(1 + e^−x). Source: torch.sigmoid.",
         forms<&sigmoid, &sigmoid_, &sigmoid_out>, &emit_unary<TN_PROGRAM_SIGMOID>)};
constinit const Op kErf{real("erf", "erf(Tensor self) -> Tensor",
                             "Error function 2/√π ∫₀ˣ e^−t² dt. Source: torch.erf.",
                             forms<&erf, &erf_, &erf_out>, &emit_unary<TN_PROGRAM_ERF>)};
constinit const Op kErfc{real("erfc", "erfc(Tensor self) -> Tensor",
                              "1 − erf(x), exact for great x. Source: torch.erfc.",
                              forms<&erfc, &erfc_, &erfc_out>, &emit_unary<TN_PROGRAM_ERFC>)};
constinit const Op kLogit{
    real("logit", "logit(Tensor self, float? eps=None) -> Tensor",
         R"(ln(x/(1 − x)), with eps of x brought into [eps, 1 − eps]; without eps
NaN outside [0, 1]. The gradient is 0 outside the bounds. Source: torch.logit.)",
         forms<&logit, &logit_, &logit_out>, &emit_logit)};

}  // namespace

Tensor exp(const Tensor& self) { return pointwise(kExp, {self}); }
Tensor& exp_(Tensor& self) { return pointwise_(kExp, self, {}); }
Tensor& exp_out(Tensor& out, const Tensor& self) { return pointwise_out(kExp, out, {self}); }
Tensor expm1(const Tensor& self) { return pointwise(kExpm1, {self}); }
Tensor& expm1_(Tensor& self) { return pointwise_(kExpm1, self, {}); }
Tensor& expm1_out(Tensor& out, const Tensor& self) { return pointwise_out(kExpm1, out, {self}); }
Tensor exp2(const Tensor& self) { return pointwise(kExp2, {self}); }
Tensor& exp2_(Tensor& self) { return pointwise_(kExp2, self, {}); }
Tensor& exp2_out(Tensor& out, const Tensor& self) { return pointwise_out(kExp2, out, {self}); }
Tensor log(const Tensor& self) { return pointwise(kLog, {self}); }
Tensor& log_(Tensor& self) { return pointwise_(kLog, self, {}); }
Tensor& log_out(Tensor& out, const Tensor& self) { return pointwise_out(kLog, out, {self}); }
Tensor log1p(const Tensor& self) { return pointwise(kLog1p, {self}); }
Tensor& log1p_(Tensor& self) { return pointwise_(kLog1p, self, {}); }
Tensor& log1p_out(Tensor& out, const Tensor& self) { return pointwise_out(kLog1p, out, {self}); }
Tensor log2(const Tensor& self) { return pointwise(kLog2, {self}); }
Tensor& log2_(Tensor& self) { return pointwise_(kLog2, self, {}); }
Tensor& log2_out(Tensor& out, const Tensor& self) { return pointwise_out(kLog2, out, {self}); }
Tensor log10(const Tensor& self) { return pointwise(kLog10, {self}); }
Tensor& log10_(Tensor& self) { return pointwise_(kLog10, self, {}); }
Tensor& log10_out(Tensor& out, const Tensor& self) { return pointwise_out(kLog10, out, {self}); }
Tensor sqrt(const Tensor& self) { return pointwise(kSqrt, {self}); }
Tensor& sqrt_(Tensor& self) { return pointwise_(kSqrt, self, {}); }
Tensor& sqrt_out(Tensor& out, const Tensor& self) { return pointwise_out(kSqrt, out, {self}); }
Tensor rsqrt(const Tensor& self) { return pointwise(kRsqrt, {self}); }
Tensor& rsqrt_(Tensor& self) { return pointwise_(kRsqrt, self, {}); }
Tensor& rsqrt_out(Tensor& out, const Tensor& self) { return pointwise_out(kRsqrt, out, {self}); }
Tensor reciprocal(const Tensor& self) { return pointwise(kReciprocal, {self}); }
Tensor& reciprocal_(Tensor& self) { return pointwise_(kReciprocal, self, {}); }
Tensor& reciprocal_out(Tensor& out, const Tensor& self) {
  return pointwise_out(kReciprocal, out, {self});
}
Tensor sin(const Tensor& self) { return pointwise(kSin, {self}); }
Tensor& sin_(Tensor& self) { return pointwise_(kSin, self, {}); }
Tensor& sin_out(Tensor& out, const Tensor& self) { return pointwise_out(kSin, out, {self}); }
Tensor cos(const Tensor& self) { return pointwise(kCos, {self}); }
Tensor& cos_(Tensor& self) { return pointwise_(kCos, self, {}); }
Tensor& cos_out(Tensor& out, const Tensor& self) { return pointwise_out(kCos, out, {self}); }
Tensor tan(const Tensor& self) { return pointwise(kTan, {self}); }
Tensor& tan_(Tensor& self) { return pointwise_(kTan, self, {}); }
Tensor& tan_out(Tensor& out, const Tensor& self) { return pointwise_out(kTan, out, {self}); }
Tensor asin(const Tensor& self) { return pointwise(kAsin, {self}); }
Tensor& asin_(Tensor& self) { return pointwise_(kAsin, self, {}); }
Tensor& asin_out(Tensor& out, const Tensor& self) { return pointwise_out(kAsin, out, {self}); }
Tensor acos(const Tensor& self) { return pointwise(kAcos, {self}); }
Tensor& acos_(Tensor& self) { return pointwise_(kAcos, self, {}); }
Tensor& acos_out(Tensor& out, const Tensor& self) { return pointwise_out(kAcos, out, {self}); }
Tensor atan(const Tensor& self) { return pointwise(kAtan, {self}); }
Tensor& atan_(Tensor& self) { return pointwise_(kAtan, self, {}); }
Tensor& atan_out(Tensor& out, const Tensor& self) { return pointwise_out(kAtan, out, {self}); }
Tensor sinh(const Tensor& self) { return pointwise(kSinh, {self}); }
Tensor& sinh_(Tensor& self) { return pointwise_(kSinh, self, {}); }
Tensor& sinh_out(Tensor& out, const Tensor& self) { return pointwise_out(kSinh, out, {self}); }
Tensor cosh(const Tensor& self) { return pointwise(kCosh, {self}); }
Tensor& cosh_(Tensor& self) { return pointwise_(kCosh, self, {}); }
Tensor& cosh_out(Tensor& out, const Tensor& self) { return pointwise_out(kCosh, out, {self}); }
Tensor tanh(const Tensor& self) { return pointwise(kTanh, {self}); }
Tensor& tanh_(Tensor& self) { return pointwise_(kTanh, self, {}); }
Tensor& tanh_out(Tensor& out, const Tensor& self) { return pointwise_out(kTanh, out, {self}); }
Tensor asinh(const Tensor& self) { return pointwise(kAsinh, {self}); }
Tensor& asinh_(Tensor& self) { return pointwise_(kAsinh, self, {}); }
Tensor& asinh_out(Tensor& out, const Tensor& self) { return pointwise_out(kAsinh, out, {self}); }
Tensor acosh(const Tensor& self) { return pointwise(kAcosh, {self}); }
Tensor& acosh_(Tensor& self) { return pointwise_(kAcosh, self, {}); }
Tensor& acosh_out(Tensor& out, const Tensor& self) { return pointwise_out(kAcosh, out, {self}); }
Tensor atanh(const Tensor& self) { return pointwise(kAtanh, {self}); }
Tensor& atanh_(Tensor& self) { return pointwise_(kAtanh, self, {}); }
Tensor& atanh_out(Tensor& out, const Tensor& self) { return pointwise_out(kAtanh, out, {self}); }
Tensor sigmoid(const Tensor& self) { return pointwise(kSigmoid, {self}); }
Tensor& sigmoid_(Tensor& self) { return pointwise_(kSigmoid, self, {}); }
Tensor& sigmoid_out(Tensor& out, const Tensor& self) {
  return pointwise_out(kSigmoid, out, {self});
}
Tensor erf(const Tensor& self) { return pointwise(kErf, {self}); }
Tensor& erf_(Tensor& self) { return pointwise_(kErf, self, {}); }
Tensor& erf_out(Tensor& out, const Tensor& self) { return pointwise_out(kErf, out, {self}); }
Tensor erfc(const Tensor& self) { return pointwise(kErfc, {self}); }
Tensor& erfc_(Tensor& self) { return pointwise_(kErfc, self, {}); }
Tensor& erfc_out(Tensor& out, const Tensor& self) { return pointwise_out(kErfc, out, {self}); }

Tensor logit(const Tensor& self, std::optional<double> eps) {
  return pointwise(kLogit, {self}, {eps.value_or(0)}, {eps ? 1 : 0});
}
Tensor& logit_(Tensor& self, std::optional<double> eps) {
  return pointwise_(kLogit, self, {}, {eps.value_or(0)}, {eps ? 1 : 0});
}
Tensor& logit_out(Tensor& out, const Tensor& self, std::optional<double> eps) {
  return pointwise_out(kLogit, out, {self}, {eps.value_or(0)}, {eps ? 1 : 0});
}

Tensor& Tensor::exp_() { return tenon::exp_(*this); }
Tensor& Tensor::log_() { return tenon::log_(*this); }
Tensor& Tensor::sqrt_() { return tenon::sqrt_(*this); }
Tensor& Tensor::tanh_() { return tenon::tanh_(*this); }
Tensor& Tensor::sigmoid_() { return tenon::sigmoid_(*this); }

void register_float_ops(OpList& list) {
  for (const Op* op :
       {&kExp,        &kExpm1, &kExp2,  &kLog,   &kLog1p,   &kLog2, &kLog10, &kSqrt, &kRsqrt,
        &kReciprocal, &kSin,   &kCos,   &kTan,   &kAsin,    &kAcos, &kAtan,  &kSinh, &kCosh,
        &kTanh,       &kAsinh, &kAcosh, &kAtanh, &kSigmoid, &kErf,  &kErfc,  &kLogit})
    list.add(*op);
}

}  // namespace tenon
