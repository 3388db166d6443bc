// Functions between layers. Those of one tensor are one program each.
#include <tenon/runtime/ops/activation.h>

#include <cmath>
#include <numbers>

#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using P = ProgramBuilder;

uint32_t emit_relu(P& p) { return p.op(TN_PROGRAM_RELU, p.arg(0)); }

uint32_t emit_silu(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_MUL, x, p.op(TN_PROGRAM_SIGMOID, x));
}

// x·Φ(x); Φ by erfc keeps its relative error in the lower tail. With tanh: ½(1 + tanh u) = σ(2u).
uint32_t emit_gelu(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  if (static_cast<Gelu>(p.attribute(0)) == Gelu::kNone) {
    const uint32_t z = p.op(TN_PROGRAM_MUL, x, p.constant(-1 / std::numbers::sqrt2));
    const uint32_t half = p.op(TN_PROGRAM_MUL, x, p.constant(0.5));
    return p.op(TN_PROGRAM_MUL, half, p.op(TN_PROGRAM_ERFC, z));
  }
  constexpr double kScale = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  const uint32_t square = p.op(TN_PROGRAM_MUL, x, x);
  const uint32_t factor = p.op(TN_PROGRAM_FMA, square, p.constant(0.044715), p.constant(1));
  const uint32_t u = p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_MUL, x, p.constant(kScale)), factor);
  return p.op(TN_PROGRAM_MUL, x, p.op(TN_PROGRAM_SIGMOID, u));
}

uint32_t emit_leaky_relu(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_GT, x, p.constant(0)), x,
              p.op(TN_PROGRAM_MUL, x, p.scalar(0)));
}

uint32_t emit_prelu(P& p) {
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_GT, x, p.constant(0)), x,
              p.op(TN_PROGRAM_MUL, x, p.arg(1)));
}

// Scalars: scale above 0, scale below it, scale of the input below it.
uint32_t emit_elu(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  const uint32_t above = p.op(TN_PROGRAM_MUL, x, p.scalar(0));
  const uint32_t power = p.op(TN_PROGRAM_EXPM1, p.op(TN_PROGRAM_MUL, x, p.scalar(2)));
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_GT, x, p.constant(0)), above,
              p.op(TN_PROGRAM_MUL, power, p.scalar(1)));
}

// Scalars: beta, threshold.
uint32_t emit_softplus(P& p) {
  p.widen();
  const uint32_t x = p.arg(0), beta = p.scalar(0);
  const uint32_t z = p.op(TN_PROGRAM_MUL, x, beta);
  const uint32_t soft = p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_EXP, z));
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_GT, z, p.scalar(1)), x,
              p.op(TN_PROGRAM_DIV, soft, beta));
}

uint32_t emit_hardtanh(P& p) {
  return p.op(TN_PROGRAM_MIN, p.op(TN_PROGRAM_MAX, p.arg(0), p.scalar(0)), p.scalar(1));
}

// min(max(x + 3, 0), 6) / 6
uint32_t emit_gate(P& p, uint32_t x) {
  const uint32_t shifted = p.op(TN_PROGRAM_ADD, x, p.constant(3));
  const uint32_t floor = p.op(TN_PROGRAM_MAX, shifted, p.constant(0));
  return p.op(TN_PROGRAM_MIN, floor, p.constant(6));
}

uint32_t emit_hardsigmoid(P& p) {
  p.widen();
  return p.op(TN_PROGRAM_DIV, emit_gate(p, p.arg(0)), p.constant(6));
}

uint32_t emit_hardswish(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_DIV, p.op(TN_PROGRAM_MUL, x, emit_gate(p, x)), p.constant(6));
}

// min(x, 0) − ln(1 + e^−|x|), which never overflows.
uint32_t emit_log_sigmoid(P& p) {
  p.widen();
  const uint32_t x = p.arg(0), zero = p.constant(0);
  const uint32_t power = p.op(TN_PROGRAM_EXP, p.op(TN_PROGRAM_NEG, p.op(TN_PROGRAM_ABS, x)));
  return p.op(TN_PROGRAM_SUB, p.op(TN_PROGRAM_MIN, x, zero), p.op(TN_PROGRAM_LOG1P, power));
}

uint32_t emit_mish(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  const uint32_t soft = p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_EXP, x));
  return p.op(TN_PROGRAM_MUL, x, p.op(TN_PROGRAM_TANH, soft));
}

uint32_t emit_softsign(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_DIV, x, p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_ABS, x), p.constant(1)));
}

uint32_t emit_tanhshrink(P& p) {
  p.widen();
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_SUB, x, p.op(TN_PROGRAM_TANH, x));
}

// Scalars: threshold, value. NaN stays.
uint32_t emit_threshold(P& p) {
  const uint32_t x = p.arg(0);
  return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_LE, x, p.scalar(0)), p.scalar(1), x);
}

// ---- boxed forms, where an argument has a default ----

using Number = std::optional<double>;

constexpr double kSlope = 0.01;
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;

Tensor gelu_boxed(const Tensor& x, std::optional<Gelu> approximate) {
  return gelu(x, approximate.value_or(Gelu::kNone));
}
Tensor leaky_relu_boxed(const Tensor& x, Number slope) {
  return leaky_relu(x, slope.value_or(kSlope));
}
Tensor& leaky_relu_boxed_(Tensor& x, Number slope) {
  return leaky_relu_(x, slope.value_or(kSlope));
}
Tensor elu_boxed(const Tensor& x, Number alpha) { return elu(x, alpha.value_or(1)); }
Tensor& elu_boxed_(Tensor& x, Number alpha) { return elu_(x, alpha.value_or(1)); }
Tensor celu_boxed(const Tensor& x, Number alpha) { return celu(x, alpha.value_or(1)); }
Tensor& celu_boxed_(Tensor& x, Number alpha) { return celu_(x, alpha.value_or(1)); }
Tensor softplus_boxed(const Tensor& x, Number beta, Number threshold) {
  return softplus(x, beta.value_or(1), threshold.value_or(20));
}
Tensor hardtanh_boxed(const Tensor& x, Number min, Number max) {
  return hardtanh(x, min.value_or(-1), max.value_or(1));
}
Tensor& hardtanh_boxed_(Tensor& x, Number min, Number max) {
  return hardtanh_(x, min.value_or(-1), max.value_or(1));
}
Tensor glu_boxed(const Tensor& x, std::optional<int64_t> dim) { return glu(x, dim.value_or(-1)); }

constexpr Op::Spec floats(const char* name, const char* schema, const char* doc, const Forms& forms,
                          uint32_t (*emit)(P&)) {
  return pointwise_spec(name, schema, doc, forms, emit, Promotion::kCommon, kFloatsOnly);
}

constinit const Op kRelu{pointwise_spec("relu", "relu(Tensor self) -> Tensor",
                                        R"(max(x, 0); NaN stays; the derivative at 0 is 0.
Errors: DType for bool. Source: torch.relu.)",
                                        forms<&relu, &relu_, &relu_out>, &emit_relu,
                                        Promotion::kCommon, kNoBool)};
constinit const Op kSilu{floats("silu", "silu(Tensor self) -> Tensor",
                                R"(x · sigmoid(x). Errors: DType for integers and bool.
Source: Elfwing et al. 2017 (arXiv 1702.03118); torch.nn.functional.silu.)",
                                with_in_place<&silu, &silu_>, &emit_silu)};
constinit const Op kGelu{floats("gelu", "gelu(Tensor self, Gelu? approximate=None) -> Tensor",
                                R"(x·Φ(x) with Φ the normal distribution; approximate tanh:
½x(1 + tanh(√(2/π)(x + 0.044715x³))). Errors: DType for integers and bool.
Source: Hendrycks and Gimpel 2016 (arXiv 1606.08415); torch.nn.functional.gelu.)",
                                only<&gelu_boxed>, &emit_gelu)};
constinit const Op kLeakyRelu{
    floats("leaky_relu", "leaky_relu(Tensor self, float? negative_slope=0.01) -> Tensor",
           R"(x for x > 0, else negative_slope·x. Errors: DType for integers and bool.
Source: Maas et al. 2013; torch.nn.functional.leaky_relu.)",
           with_in_place<&leaky_relu_boxed, &leaky_relu_boxed_>, &emit_leaky_relu)};
constinit const Op kPrelu{floats(
    "prelu", "prelu(Tensor self, Tensor weight) -> Tensor",
    R"(x for x > 0, else weight·x. weight has one element, or one for each channel (dimension 1).
Errors: InvalidArgument for another number of weights; DType for integers, bool and mixed dtypes.
Source: He et al. 2015 (arXiv 1502.01852); torch.nn.functional.prelu.)",
    only<&prelu>, &emit_prelu)};
constinit const Op kElu{
    floats("elu", "elu(Tensor self, float? alpha=1) -> Tensor",
           R"(x for x > 0, else alpha·(e^x − 1). Errors: DType for integers and bool.
Source: Clevert et al. 2015 (arXiv 1511.07289); torch.nn.functional.elu.)",
           with_in_place<&elu_boxed, &elu_boxed_>, &emit_elu)};
constinit const Op kCelu{composite_spec("celu", "celu(Tensor self, float? alpha=1) -> Tensor",
                                        R"(max(x, 0) + min(0, alpha·(e^(x/alpha) − 1)).
Errors: InvalidArgument for alpha 0; DType for integers and bool.
Source: Barron 2017 (arXiv 1704.07483); torch.nn.functional.celu.)",
                                        with_in_place<&celu_boxed, &celu_boxed_>)};
constinit const Op kSelu{
    composite_spec("selu", "selu(Tensor self) -> Tensor",
                   R"(1.0507·elu(x, 1.6733). Errors: DType for integers and bool.
Source: Klambauer et al. 2017 (arXiv 1706.02515); torch.nn.functional.selu.)",
                   with_in_place<&selu, &selu_>)};
constinit const Op kSoftplus{
    floats("softplus", "softplus(Tensor self, float? beta=1, float? threshold=20) -> Tensor",
           R"(ln(1 + e^(beta·x))/beta; x itself where beta·x > threshold.
Errors: DType for integers and bool. Source: torch.nn.functional.softplus.)",
           only<&softplus_boxed>, &emit_softplus)};
constinit const Op kHardtanh{pointwise_spec(
    "hardtanh", "hardtanh(Tensor self, float? min_val=-1, float? max_val=1) -> Tensor",
    R"(min(max(x, min_val), max_val); the gradient at the bounds is 0.
Errors: InvalidArgument for min_val > max_val; DType for bool.
Source: torch.nn.functional.hardtanh.)",
    with_in_place<&hardtanh_boxed, &hardtanh_boxed_>, &emit_hardtanh, Promotion::kCommon, kNoBool)};
constinit const Op kRelu6{composite_spec(
    "relu6", "relu6(Tensor self) -> Tensor",
    R"(min(max(x, 0), 6). Errors: DType for bool. Source: torch.nn.functional.relu6.)",
    with_in_place<&relu6, &relu6_>)};
constinit const Op kHardsigmoid{
    floats("hardsigmoid", "hardsigmoid(Tensor self) -> Tensor",
           R"(min(max(x + 3, 0), 6)/6. Errors: DType for integers and bool.
Source: torch.nn.functional.hardsigmoid.)",
           with_in_place<&hardsigmoid, &hardsigmoid_>, &emit_hardsigmoid)};
constinit const Op kHardswish{
    floats("hardswish", "hardswish(Tensor self) -> Tensor",
           R"(x·min(max(x + 3, 0), 6)/6. Errors: DType for integers and bool.
Source: Howard et al. 2019 (arXiv 1905.02244); torch.nn.functional.hardswish.)",
           with_in_place<&hardswish, &hardswish_>, &emit_hardswish)};
constinit const Op kLogSigmoid{
    floats("log_sigmoid", "log_sigmoid(Tensor self) -> Tensor",
           R"(ln(1/(1 + e^−x)) without overflow. Errors: DType for integers and bool.
Source: torch.nn.functional.logsigmoid.)",
           only<&log_sigmoid>, &emit_log_sigmoid)};
constinit const Op kMish{floats("mish", "mish(Tensor self) -> Tensor",
                                R"(x·tanh(ln(1 + e^x)). Errors: DType for integers and bool.
Source: Misra 2019 (arXiv 1908.08681); torch.nn.functional.mish.)",
                                with_in_place<&mish, &mish_>, &emit_mish)};
constinit const Op kSoftsign{
    pointwise_spec("softsign", "softsign(Tensor self) -> Tensor",
                   R"(x/(1 + |x|); integers and bool become the default float.
Source: torch.nn.functional.softsign.)",
                   only<&softsign>, &emit_softsign, Promotion::kFloat)};
constinit const Op kTanhshrink{
    pointwise_spec("tanhshrink", "tanhshrink(Tensor self) -> Tensor",
                   R"(x − tanh(x); integers and bool become the default float.
Source: torch.nn.functional.tanhshrink.)",
                   only<&tanhshrink>, &emit_tanhshrink, Promotion::kFloat)};
constinit const Op kThreshold{pointwise_spec(
    "threshold", "threshold(Tensor self, float threshold, float value) -> Tensor",
    R"(x where x > threshold or NaN, else value; both numbers are converted to the dtype of x.
Errors: DType for bool. Source: torch.nn.functional.threshold.)",
    with_in_place<&threshold, &threshold_>, &emit_threshold, Promotion::kCommon, kNoBool)};
constinit const Op kGlu{
    composite_spec("glu", "glu(Tensor self, int? dim=-1) -> Tensor",
                   R"(a·sigmoid(b), where a and b are the halves of self along dim.
Errors: InvalidArgument for 0 dimensions or an odd size; Index for dim out of range; DType for
integers and bool.
Source: Dauphin et al. 2016 (arXiv 1612.08083); torch.nn.functional.glu.)",
                   only<&glu_boxed>)};

int64_t attribute_of(Gelu approximate) {
  check(approximate <= Gelu::kTanh, ErrorCode::kInvalidArgument, "gelu",
        "approximate must be kNone or kTanh, got ", static_cast<int64_t>(approximate));
  return static_cast<int64_t>(approximate);
}

void check_alpha(double alpha) {
  check(alpha != 0, ErrorCode::kInvalidArgument, "celu", "alpha must not be 0, got 0; use relu");
}

void check_range(double min, double max) {
  check(min <= max, ErrorCode::kInvalidArgument, "hardtanh",
        "min_val must not be greater than max_val, got ", min, " and ", max);
}

// A bound in the kind of the tensor's dtype, so that integers take it.
Scalar bound_for(const Tensor& self, double value) {
  return self.is_floating_point() ? Scalar(value) : Scalar(Scalar(value).to_int64());
}

// The weights of prelu, shaped to broadcast along dimension 1.
Tensor weights_for(const Tensor& self, const Tensor& weight) {
  check(self.dtype() == weight.dtype(), ErrorCode::kDType, "prelu",
        "self and weight must have one dtype, got ", self, " and ", weight,
        "; convert one with to()");
  check(weight.dim() <= 1, ErrorCode::kInvalidArgument, "prelu",
        "weight must have at most one dimension, got ", weight, "; flatten() it");
  const int64_t count = weight.numel();
  if (count == 1) return weight.reshape({});
  const int64_t channels = self.dim() >= 2 ? self.size(1) : 1;
  check(count == channels, ErrorCode::kInvalidArgument, "prelu",
        "weight must have 1 element or one for each of the ", channels, " channels, got ", count);
  Shape sizes = self.sizes();
  for (int64_t d = 0; d < sizes.rank(); ++d) sizes[d] = d == 1 ? count : 1;
  return weight.reshape(sizes);
}

}  // namespace

Tensor relu(const Tensor& self) { return pointwise(kRelu, {self}); }
Tensor& relu_(Tensor& self) { return pointwise_(kRelu, self, {}); }
Tensor& relu_out(Tensor& out, const Tensor& self) { return pointwise_out(kRelu, out, {self}); }
Tensor& Tensor::relu_() { return tenon::relu_(*this); }
Tensor silu(const Tensor& self) { return pointwise(kSilu, {self}); }
Tensor& silu_(Tensor& self) { return pointwise_(kSilu, self, {}); }
Tensor hardsigmoid(const Tensor& self) { return pointwise(kHardsigmoid, {self}); }
Tensor& hardsigmoid_(Tensor& self) { return pointwise_(kHardsigmoid, self, {}); }
Tensor hardswish(const Tensor& self) { return pointwise(kHardswish, {self}); }
Tensor& hardswish_(Tensor& self) { return pointwise_(kHardswish, self, {}); }
Tensor mish(const Tensor& self) { return pointwise(kMish, {self}); }
Tensor& mish_(Tensor& self) { return pointwise_(kMish, self, {}); }
Tensor log_sigmoid(const Tensor& self) { return pointwise(kLogSigmoid, {self}); }
Tensor softsign(const Tensor& self) { return pointwise(kSoftsign, {self}); }
Tensor tanhshrink(const Tensor& self) { return pointwise(kTanhshrink, {self}); }

Tensor gelu(const Tensor& self, Gelu approximate) {
  return pointwise(kGelu, {self}, {}, {attribute_of(approximate)});
}
Tensor leaky_relu(const Tensor& self, double negative_slope) {
  return pointwise(kLeakyRelu, {self}, {negative_slope});
}
Tensor& leaky_relu_(Tensor& self, double negative_slope) {
  return pointwise_(kLeakyRelu, self, {}, {negative_slope});
}
Tensor prelu(const Tensor& self, const Tensor& weight) {
  return pointwise(kPrelu, {self, weights_for(self, weight)});
}
Tensor elu(const Tensor& self, double alpha) { return pointwise(kElu, {self}, {1.0, alpha, 1.0}); }
Tensor& elu_(Tensor& self, double alpha) { return pointwise_(kElu, self, {}, {1.0, alpha, 1.0}); }
Tensor celu(const Tensor& self, double alpha) {
  check_alpha(alpha);
  return pointwise(kElu, {self}, {1.0, alpha, 1 / alpha});
}
Tensor& celu_(Tensor& self, double alpha) {
  check_alpha(alpha);
  return pointwise_(kElu, self, {}, {1.0, alpha, 1 / alpha});
}
Tensor selu(const Tensor& self) {
  return pointwise(kElu, {self}, {kSeluScale, kSeluScale * kSeluAlpha, 1.0});
}
Tensor& selu_(Tensor& self) {
  return pointwise_(kElu, self, {}, {kSeluScale, kSeluScale * kSeluAlpha, 1.0});
}
Tensor softplus(const Tensor& self, double beta, double threshold) {
  return pointwise(kSoftplus, {self}, {beta, threshold});
}
Tensor hardtanh(const Tensor& self, double min_val, double max_val) {
  check_range(min_val, max_val);
  return pointwise(kHardtanh, {self}, {bound_for(self, min_val), bound_for(self, max_val)});
}
Tensor& hardtanh_(Tensor& self, double min_val, double max_val) {
  check_range(min_val, max_val);
  return pointwise_(kHardtanh, self, {}, {bound_for(self, min_val), bound_for(self, max_val)});
}
Tensor relu6(const Tensor& self) { return hardtanh(self, 0, 6); }
Tensor& relu6_(Tensor& self) { return hardtanh_(self, 0, 6); }
Tensor threshold(const Tensor& self, double threshold, double value) {
  return pointwise(kThreshold, {self}, {bound_for(self, threshold), bound_for(self, value)});
}
Tensor& threshold_(Tensor& self, double threshold, double value) {
  return pointwise_(kThreshold, self, {}, {bound_for(self, threshold), bound_for(self, value)});
}

Tensor glu(const Tensor& self, int64_t dim) {
  check(self.is_floating_point(), ErrorCode::kDType, "glu",
        "a floating point dtype is needed, got ", self, "; convert with .to(dtype) first");
  check(self.dim() > 0, ErrorCode::kInvalidArgument, "glu",
        "a tensor with dimensions is needed, got ", self, "; unsqueeze it");
  const int64_t size = self.size(dim), half = size / 2;
  check(size % 2 == 0, ErrorCode::kInvalidArgument, "glu", "dimension ", dim,
        " must have an even size, got ", self, "; pad or slice it");
  return mul(self.narrow(dim, 0, half), sigmoid(self.narrow(dim, half, half)));
}

void register_activation_ops(OpList& list) {
  for (const Op* op : {&kRelu, &kSilu, &kGelu, &kLeakyRelu, &kPrelu, &kElu, &kCelu, &kSelu,
                       &kSoftplus, &kHardtanh, &kRelu6, &kHardsigmoid, &kHardswish, &kLogSigmoid,
                       &kMish, &kSoftsign, &kTanhshrink, &kThreshold, &kGlu})
    list.add(*op);
}

}  // namespace tenon
