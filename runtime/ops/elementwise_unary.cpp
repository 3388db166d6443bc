// Functions of one tensor.
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>

namespace tenon {
namespace {

template <uint32_t kOpcode>
uint32_t emit_unary(ProgramBuilder& p) {
  return p.op(kOpcode, p.arg(0));
}

uint32_t emit_square(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  return p.op(p.is_bool() ? TN_PROGRAM_AND : TN_PROGRAM_MUL, x, x);
}

// Values that arithmetic leaves alone pass through bool unchanged.
template <uint32_t kOpcode>
uint32_t emit_identity_on_bool(ProgramBuilder& p) {
  return p.is_bool() ? p.op(TN_PROGRAM_COPY, p.arg(0)) : p.op(kOpcode, p.arg(0));
}

uint32_t emit_isnan(ProgramBuilder& p) {
  const uint32_t x = p.arg(0);
  return is_floating_point(p.dtype()) ? p.op(TN_PROGRAM_ISNAN, x) : p.op(TN_PROGRAM_NE, x, x);
}

uint32_t emit_logical_not(ProgramBuilder& p) {
  return p.emit(TN_PROGRAM_NOT, kBool, {p.cast(p.arg(0), kBool)});
}

// attributes: has min, has max. NaN stays, and max wins where min > max.
uint32_t emit_clamp(ProgramBuilder& p) {
  uint32_t x = p.arg(0);
  size_t next = 0;
  if (p.attribute(0) != 0) x = p.op(TN_PROGRAM_MAX, x, p.scalar(next++));
  if (p.attribute(1) != 0) x = p.op(TN_PROGRAM_MIN, x, p.scalar(next));
  return x;
}

constexpr Op::Spec unary(const char* name, const char* schema, const char* doc, Boxed boxed,
                         uint32_t (*emit)(ProgramBuilder&), Promotion promotion,
                         uint32_t flags = 0) {
  return pointwise_spec(name, schema, doc, boxed, emit, promotion, flags);
}

// Defined for floats; integers and bool are computed in the default float.
constexpr Op::Spec real(const char* name, const char* schema, const char* doc, Boxed boxed,
                        uint32_t (*emit)(ProgramBuilder&)) {
  return unary(name, schema, doc, boxed, emit, Promotion::kFloat);
}

constinit const Op kNeg{unary("neg", "neg(Tensor self) -> Tensor",
                              "−x; integers wrap. Errors: DType for bool. Source: torch.neg.",
                              &box<&neg>, &emit_unary<TN_PROGRAM_NEG>, Promotion::kCommon,
                              kNoBool)};
constinit const Op kAbs{unary("abs", "abs(Tensor self) -> Tensor",
                              "|x|; the derivative at 0 is 0. Source: torch.abs.", &box<&abs>,
                              &emit_identity_on_bool<TN_PROGRAM_ABS>, Promotion::kCommon)};
constinit const Op kSign{unary("sign", "sign(Tensor self) -> Tensor",
                               "−1, 0 or 1; NaN stays. Source: torch.sign.", &box<&sign>,
                               &emit_identity_on_bool<TN_PROGRAM_SIGN>, Promotion::kCommon)};
constinit const Op kSquare{unary("square", "square(Tensor self) -> Tensor",
                                 "x². Source: torch.square.", &box<&square>, &emit_square,
                                 Promotion::kCommon)};
constinit const Op kFloor{unary("floor", "floor(Tensor self) -> Tensor",
                                "Greatest integer ≤ x; integers unchanged. Source: torch.floor.",
                                &box<&floor>, &emit_identity_on_bool<TN_PROGRAM_FLOOR>,
                                Promotion::kCommon)};
constinit const Op kCeil{unary("ceil", "ceil(Tensor self) -> Tensor",
                               "Least integer ≥ x; integers unchanged. Source: torch.ceil.",
                               &box<&ceil>, &emit_identity_on_bool<TN_PROGRAM_CEIL>,
                               Promotion::kCommon)};
constinit const Op kRound{unary("round", "round(Tensor self) -> Tensor",
                                "Nearest integer, half to even. Source: torch.round.", &box<&round>,
                                &emit_identity_on_bool<TN_PROGRAM_ROUND>, Promotion::kCommon)};
constinit const Op kTrunc{unary("trunc", "trunc(Tensor self) -> Tensor",
                                "x rounded toward zero. Source: torch.trunc.", &box<&trunc>,
                                &emit_identity_on_bool<TN_PROGRAM_TRUNC>, Promotion::kCommon)};
constinit const Op kRelu{unary("relu", "relu(Tensor self) -> Tensor",
                               R"(max(x, 0); NaN stays; the derivative at 0 is 0.
Errors: DType for bool. Source: torch.relu.)",
                               &box<&relu>, &emit_unary<TN_PROGRAM_RELU>, Promotion::kCommon,
                               kNoBool | kInPlaceForm)};
constinit const Op kExp{real("exp", "exp(Tensor self) -> Tensor", "e^x. Source: torch.exp.",
                             &box<&exp>, &emit_unary<TN_PROGRAM_EXP>)};
constinit const Op kExpm1{real("expm1", "expm1(Tensor self) -> Tensor",
                               "e^x − 1, exact near 0. Source: torch.expm1.", &box<&expm1>,
                               &emit_unary<TN_PROGRAM_EXPM1>)};
constinit const Op kLog{real("log", "log(Tensor self) -> Tensor",
                             "ln x; −Inf at 0, NaN below. Source: torch.log.", &box<&log>,
                             &emit_unary<TN_PROGRAM_LOG>)};
constinit const Op kLog1p{real("log1p", "log1p(Tensor self) -> Tensor",
                               "ln(1 + x), exact near 0. Source: torch.log1p.", &box<&log1p>,
                               &emit_unary<TN_PROGRAM_LOG1P>)};
constinit const Op kSqrt{real("sqrt", "sqrt(Tensor self) -> Tensor",
                              "√x; NaN below 0; the derivative at 0 is Inf. Source: torch.sqrt.",
                              &box<&sqrt>, &emit_unary<TN_PROGRAM_SQRT>)};
constinit const Op kRsqrt{real("rsqrt", "rsqrt(Tensor self) -> Tensor",
                               "1/√x. Source: torch.rsqrt.", &box<&rsqrt>,
                               &emit_unary<TN_PROGRAM_RSQRT>)};
constinit const Op kReciprocal{real("reciprocal", "reciprocal(Tensor self) -> Tensor",
                                    "1/x. Source: torch.reciprocal.", &box<&reciprocal>,
                                    &emit_unary<TN_PROGRAM_RECIP>)};
constinit const Op kSin{real("sin", "sin(Tensor self) -> Tensor",
                             "Sine of radians. Source: torch.sin.", &box<&sin>,
                             &emit_unary<TN_PROGRAM_SIN>)};
constinit const Op kCos{real("cos", "cos(Tensor self) -> Tensor",
                             "Cosine of radians. Source: torch.cos.", &box<&cos>,
                             &emit_unary<TN_PROGRAM_COS>)};
constinit const Op kTanh{real("tanh", "tanh(Tensor self) -> Tensor",
                              "Hyperbolic tangent. Source: torch.tanh.", &box<&tanh>,
                              &emit_unary<TN_PROGRAM_TANH>)};
constinit const Op kSigmoid{real("sigmoid", "sigmoid(Tensor self) -> Tensor",
                                 "1/(1 + e^−x). Source: torch.sigmoid.", &box<&sigmoid>,
                                 &emit_unary<TN_PROGRAM_SIGMOID>)};
constinit const Op kSilu{{.name = "silu",
                          .schema = "silu(Tensor self) -> Tensor",
                          .doc = R"(x · sigmoid(x); integers and bool give the default float.
Source: Elfwing et al. 2017 (arXiv 1702.03118); torch.nn.functional.silu.)",
                          .flags = kComposite,
                          .boxed = &box<&silu>}};
constinit const Op kErf{real("erf", "erf(Tensor self) -> Tensor",
                             "Error function 2/√π ∫₀ˣ e^−t² dt. Source: torch.erf.", &box<&erf>,
                             &emit_unary<TN_PROGRAM_ERF>)};
constinit const Op kClamp{
    unary("clamp", "clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor",
          R"(min(max(x, lo), hi); NaN stays; outside the bounds the gradient is 0.
Errors: InvalidArgument without a bound. Source: torch.clamp.)",
          &box<&clamp>, &emit_clamp, Promotion::kCommon, kInPlaceForm | kNoBool)};
constinit const Op kIsnan{
    compare_spec("isnan", "isnan(Tensor self) -> Tensor", "x is NaN.", &box<&isnan>, &emit_isnan)};
constinit const Op kLogicalNot{compare_spec("logical_not", "logical_not(Tensor self) -> Tensor",
                                            "x = 0.", &box<&logical_not>, &emit_logical_not)};

}  // namespace

Tensor neg(const Tensor& self) { return pointwise(kNeg, {self}); }
Tensor abs(const Tensor& self) { return pointwise(kAbs, {self}); }
Tensor sign(const Tensor& self) { return pointwise(kSign, {self}); }
Tensor square(const Tensor& self) { return pointwise(kSquare, {self}); }
Tensor exp(const Tensor& self) { return pointwise(kExp, {self}); }
Tensor expm1(const Tensor& self) { return pointwise(kExpm1, {self}); }
Tensor log(const Tensor& self) { return pointwise(kLog, {self}); }
Tensor log1p(const Tensor& self) { return pointwise(kLog1p, {self}); }
Tensor sqrt(const Tensor& self) { return pointwise(kSqrt, {self}); }
Tensor rsqrt(const Tensor& self) { return pointwise(kRsqrt, {self}); }
Tensor reciprocal(const Tensor& self) { return pointwise(kReciprocal, {self}); }
Tensor sin(const Tensor& self) { return pointwise(kSin, {self}); }
Tensor cos(const Tensor& self) { return pointwise(kCos, {self}); }
Tensor tanh(const Tensor& self) { return pointwise(kTanh, {self}); }
Tensor sigmoid(const Tensor& self) { return pointwise(kSigmoid, {self}); }
Tensor relu(const Tensor& self) { return pointwise(kRelu, {self}); }
Tensor& relu_(Tensor& self) { return pointwise_(kRelu, self, {}); }
Tensor silu(const Tensor& self) { return mul(self, sigmoid(self)); }
Tensor erf(const Tensor& self) { return pointwise(kErf, {self}); }
Tensor floor(const Tensor& self) { return pointwise(kFloor, {self}); }
Tensor ceil(const Tensor& self) { return pointwise(kCeil, {self}); }
Tensor round(const Tensor& self) { return pointwise(kRound, {self}); }
Tensor trunc(const Tensor& self) { return pointwise(kTrunc, {self}); }
Tensor isnan(const Tensor& self) { return pointwise(kIsnan, {self}); }
Tensor logical_not(const Tensor& self) { return pointwise(kLogicalNot, {self}); }

Tensor clamp(const Tensor& self, std::optional<Scalar> min, std::optional<Scalar> max) {
  check(min || max, ErrorCode::kInvalidArgument, "clamp", "at least one of min, max is needed");
  if (min && max) return pointwise(kClamp, {self}, {*min, *max}, {1, 1});
  return pointwise(kClamp, {self}, {min ? *min : *max}, {min ? 1 : 0, max ? 1 : 0});
}
Tensor& clamp_(Tensor& self, std::optional<Scalar> min, std::optional<Scalar> max) {
  check(min || max, ErrorCode::kInvalidArgument, "clamp_", "at least one of min, max is needed");
  if (min && max) return pointwise_(kClamp, self, {}, {*min, *max}, {1, 1});
  return pointwise_(kClamp, self, {}, {min ? *min : *max}, {min ? 1 : 0, max ? 1 : 0});
}

void register_unary_ops(OpList& list) {
  for (const Op* op :
       {&kNeg,  &kAbs,     &kSign, &kSquare, &kFloor, &kCeil,  &kRound,      &kTrunc, &kRelu,
        &kExp,  &kExpm1,   &kLog,  &kLog1p,  &kSqrt,  &kRsqrt, &kReciprocal, &kSin,   &kCos,
        &kTanh, &kSigmoid, &kSilu, &kErf,    &kClamp, &kIsnan, &kLogicalNot})
    list.add(*op);
}

}  // namespace tenon
