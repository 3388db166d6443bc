// Losses of single elements. Those with a program of their own see the operands only; their public
// functions weigh and reduce.
#include <cmath>
#include <numbers>

#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/loss_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using Wide = ops::WideProgram;

// ---- programs ----

uint32_t distance(Wide& p) {
  return p.op(TN_PROGRAM_ABS, p.op(TN_PROGRAM_SUB, p.arg(0), p.arg(1)));
}

uint32_t emit_smooth_l1(ProgramBuilder& builder) {
  Wide p(builder);
  const uint32_t d = distance(p), beta = p.scalar(0), half = p.constant(0.5);
  const uint32_t square = p.op(TN_PROGRAM_MUL, half, p.op(TN_PROGRAM_MUL, d, d));
  return p.where(p.op(TN_PROGRAM_LT, d, beta), p.op(TN_PROGRAM_DIV, square, beta),
                 p.op(TN_PROGRAM_SUB, d, p.op(TN_PROGRAM_MUL, half, beta)));
}

uint32_t emit_huber(ProgramBuilder& builder) {
  Wide p(builder);
  const uint32_t d = distance(p), delta = p.scalar(0), half = p.constant(0.5);
  const uint32_t line = p.op(TN_PROGRAM_SUB, d, p.op(TN_PROGRAM_MUL, half, delta));
  return p.where(p.op(TN_PROGRAM_LE, d, delta),
                 p.op(TN_PROGRAM_MUL, half, p.op(TN_PROGRAM_MUL, d, d)),
                 p.op(TN_PROGRAM_MUL, delta, line));
}

// Logarithms are at least -100, so that x = 0 and x = 1 keep a finite loss.
uint32_t emit_bce(ProgramBuilder& builder) {
  Wide p(builder);
  const uint32_t x = p.arg(0), y = p.arg(1), least = p.constant(-100);
  const uint32_t yes = p.op(TN_PROGRAM_MAX, p.op(TN_PROGRAM_LOG, x), least);
  const uint32_t no = p.op(TN_PROGRAM_MAX, p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_NEG, x)), least);
  const uint32_t rest = p.op(TN_PROGRAM_SUB, y, p.constant(1));
  return p.op(TN_PROGRAM_SUB, p.op(TN_PROGRAM_MUL, rest, no), p.op(TN_PROGRAM_MUL, y, yes));
}

// log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)
uint32_t softplus(Wide& p, uint32_t z) {
  const uint32_t size = p.op(TN_PROGRAM_NEG, p.op(TN_PROGRAM_ABS, z));
  return p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_MAX, z, p.constant(0)),
              p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_EXP, size)));
}

// (1 - y)·x + (1 + (w - 1)·y)·log(1 + e^-x); attribute 0: w is operand 2.
uint32_t emit_bce_with_logits(ProgramBuilder& builder) {
  Wide p(builder);
  const uint32_t x = p.arg(0), y = p.arg(1), one = p.constant(1);
  const uint32_t linear = p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_SUB, one, y), x);
  uint32_t curve = softplus(p, p.op(TN_PROGRAM_NEG, x));
  if (p.attribute(0) != 0) {
    const uint32_t more = p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_SUB, p.arg(2), one), y);
    curve = p.op(TN_PROGRAM_MUL, curve, p.op(TN_PROGRAM_ADD, one, more));
  }
  return p.op(TN_PROGRAM_ADD, linear, curve);
}

uint32_t emit_soft_margin(ProgramBuilder& builder) {
  Wide p(builder);
  return softplus(p, p.op(TN_PROGRAM_NEG, p.op(TN_PROGRAM_MUL, p.arg(1), p.arg(0))));
}

// y·(log y - x), 0·log 0 = 0; attribute 0: the target holds log y.
uint32_t emit_kl_div(ProgramBuilder& builder) {
  Wide p(builder);
  const uint32_t x = p.arg(0), y = p.arg(1);
  if (p.attribute(0) != 0)
    return p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_EXP, y), p.op(TN_PROGRAM_SUB, y, x));
  const uint32_t zero = p.constant(0);
  const uint32_t entropy =
      p.where(p.op(TN_PROGRAM_EQ, y, zero), zero, p.op(TN_PROGRAM_MUL, y, p.op(TN_PROGRAM_LOG, y)));
  return p.op(TN_PROGRAM_SUB, entropy, p.op(TN_PROGRAM_MUL, y, x));
}

// ---- records ----

constexpr Op::Spec element_loss(const char* name, const char* schema, const char* doc, Boxed boxed,
                                uint32_t (*emit)(ProgramBuilder&)) {
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .boxed = boxed,
          .promotion = Promotion::kFloat,
          .emit = emit};
}

constinit const Op kMseLoss{composite_spec(
    "mse_loss", "mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
    R"(Squared error (self - target)^2, reduced over all elements (0 none, 1 mean, 2 sum).

Shapes: both the same -> () or the same.
Dtypes: floating point.
Errors: InvalidArgument when sizes differ: (N, 1) against (N) would silently compare all pairs.
Source: torch.nn.functional.mse_loss.)",
    &box<&mse_loss>)};

constinit const Op kL1Loss{
    composite_spec("l1_loss", "l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
                   R"(Absolute error |self - target|, reduced (0 none, 1 mean, 2 sum).

Shapes, dtypes, errors: as mse_loss. Source: torch.nn.functional.l1_loss.)",
                   &box<&l1_loss>)};

constinit const Op kSmoothL1{element_loss(
    "smooth_l1_loss",
    "smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.0) -> Tensor",
    R"(With d = |self - target|: d^2 / (2 beta) where d < beta, d - beta/2 elsewhere; reduced (0 none,
1 mean, 2 sum). beta = 0 is l1_loss.

Shapes, dtypes, errors: as mse_loss; InvalidArgument for beta < 0.
Source: Girshick 2015 (arXiv 1504.08083); torch.nn.functional.smooth_l1_loss.)",
    &box<&smooth_l1_loss>, &emit_smooth_l1)};

constinit const Op kHuber{element_loss(
    "huber_loss",
    "huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.0) -> Tensor",
    R"(With d = |self - target|: d^2 / 2 where d <= delta, delta * (d - delta/2) elsewhere; reduced
(0 none, 1 mean, 2 sum).

Shapes, dtypes, errors: as mse_loss; InvalidArgument for delta <= 0.
Source: Huber 1964; torch.nn.functional.huber_loss.)",
    &box<&huber_loss>, &emit_huber)};

constinit const Op kBce{element_loss(
    "binary_cross_entropy",
    "binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=1) -> "
    "Tensor",
    R"(-w * (y * log x + (1 - y) * log(1 - x)), reduced (0 none, 1 mean, 2 sum). Logarithms are at
least -100; the gradient divides by at least 1e-12. x outside [0, 1] gives NaN.

Shapes: self and target the same, weight broadcasts -> () or the same.
Dtypes: floating point. Errors: InvalidArgument when sizes differ; DType.
Source: torch.nn.functional.binary_cross_entropy.)",
    &box<&binary_cross_entropy>, &emit_bce)};

constinit const Op kBceWithLogits{element_loss(
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, "
    "int reduction=1, Tensor? pos_weight=None) -> Tensor",
    R"(w * ((1 - y) * x + (1 + (p - 1) * y) * log(1 + e^-x)), reduced (0 none, 1 mean, 2 sum): the
binary cross entropy of sigmoid(x), where p = pos_weight weighs the positive answers.

Shapes: self and target the same, weight and pos_weight broadcast -> () or the same.
Dtypes: floating point. Errors: InvalidArgument when sizes differ; DType.
Source: torch.nn.functional.binary_cross_entropy_with_logits.)",
    &box<&binary_cross_entropy_with_logits>, &emit_bce_with_logits)};

constinit const Op kKlDiv{element_loss(
    "kl_div",
    "kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor",
    R"(y * (log y - x) of log probabilities x and probabilities y (log_target: their logarithms),
0 * log 0 = 0; reduced (0 none, 1 mean, 2 sum, 3 sum / size(0), which is the divergence).

Shapes, dtypes, errors: as mse_loss.
Source: Kullback and Leibler 1951; torch.nn.functional.kl_div.)",
    &box<&kl_div>, &emit_kl_div)};

constinit const Op kSoftMargin{element_loss(
    "soft_margin_loss", "soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
    R"(log(1 + e^(-y * x)) with y = 1 or -1, without overflow; reduced (0 none, 1 mean, 2 sum).

Shapes, dtypes, errors: as mse_loss. Source: torch.nn.functional.soft_margin_loss.)",
    &box<&soft_margin_loss>, &emit_soft_margin)};

constinit const Op kGaussianNll{composite_spec(
    "gaussian_nll_loss",
    "gaussian_nll_loss(Tensor self, Tensor target, Tensor var, bool full=False, float eps=1e-6, "
    "int reduction=1) -> Tensor",
    R"(1/2 * (log v + (x - y)^2 / v), plus 1/2 * log 2 pi when full; v is var, at least eps (the
gradient passes as if it were not raised). Reduced (0 none, 1 mean, 2 sum).

Shapes: self and target the same; var the same, or with 1 as (or without) the last size.
Dtypes: floating point.
Errors: InvalidArgument for other sizes or eps <= 0; DType.
Source: Nix and Weigend 1994; torch.nn.functional.gaussian_nll_loss.)",
    &box<&gaussian_nll_loss>)};

constinit const Op kPoissonNll{composite_spec(
    "poisson_nll_loss",
    "poisson_nll_loss(Tensor self, Tensor target, bool log_input=True, bool full=False, "
    "float eps=1e-8, int reduction=1) -> Tensor",
    R"(e^x - y * x, or x - y * log(x + eps) without log_input; full adds Stirling's
y * log y - y + 1/2 * log(2 pi y) where y > 1. Reduced (0 none, 1 mean, 2 sum).

Shapes, dtypes, errors: as mse_loss. Source: torch.nn.functional.poisson_nll_loss.)",
    &box<&poisson_nll_loss>)};

constinit const Op kHingeEmbedding{composite_spec(
    "hinge_embedding_loss",
    "hinge_embedding_loss(Tensor self, Tensor target, float margin=1.0, int reduction=1) -> Tensor",
    R"(x where y = 1, max(0, margin - x) where y = -1; reduced (0 none, 1 mean, 2 sum).

Shapes: both the same -> () or the same. Dtypes: self floating point, target any.
Errors: InvalidArgument when sizes differ; DType. Source: torch.nn.functional.hinge_embedding_loss.)",
    &box<&hinge_embedding_loss>)};

// var with a last dimension that self's can stand beside.
Tensor fitted_variance(const Tensor& input, const Tensor& var) {
  if (var.sizes() == input.sizes()) return var;
  const Shape lead = input.sizes().slice(0, std::max<int64_t>(0, input.dim() - 1));
  if (input.dim() > 0 && var.sizes() == lead) return var.unsqueeze(-1);
  check(input.dim() > 0 && var.sizes() == lead + Shape{1}, ErrorCode::kInvalidArgument,
        "gaussian_nll_loss", "var must have the sizes of input ", input.sizes(),
        ", or without its last one, got ", var.sizes());
  return var;
}

// At least eps, as if nothing had happened for the gradient.
Tensor raised(const Tensor& var, double eps) {
  Tensor result = var.clone();
  const RecordingScope off(false);
  clamp_(result, eps, {});
  return result;
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  ops::check_pair("mse_loss", input, target);
  return ops::reduced("mse_loss", square(input.sub(target)), reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  ops::check_pair("l1_loss", input, target);
  return ops::reduced("l1_loss", abs(input.sub(target)), reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta) {
  ops::check_pair("smooth_l1_loss", input, target);
  check(beta >= 0, ErrorCode::kInvalidArgument, "smooth_l1_loss", "beta must be >= 0, got ", beta);
  return ops::reduced("smooth_l1_loss", pointwise(kSmoothL1, {input, target}, {beta}), reduction);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction, double delta) {
  ops::check_pair("huber_loss", input, target);
  check(delta > 0, ErrorCode::kInvalidArgument, "huber_loss", "delta must be > 0, got ", delta);
  return ops::reduced("huber_loss", pointwise(kHuber, {input, target}, {delta}), reduction);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            Reduction reduction) {
  ops::check_pair("binary_cross_entropy", input, target);
  const Tensor losses = pointwise(kBce, {input, target});
  return ops::reduced("binary_cross_entropy", ops::weighted(losses, weight), reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, Reduction reduction,
                                        const Tensor& pos_weight) {
  constexpr const char* kName = "binary_cross_entropy_with_logits";
  ops::check_pair(kName, input, target);
  if (pos_weight.defined())
    check(pos_weight.dim() <= input.dim() &&
              broadcast_shapes(input.sizes(), pos_weight.sizes(), kName) == input.sizes(),
          ErrorCode::kInvalidArgument, kName, "pos_weight must broadcast to ", input.sizes(),
          ", got ", pos_weight.sizes());
  const Tensor losses = pos_weight.defined()
                            ? pointwise(kBceWithLogits, {input, target, pos_weight}, {}, {1})
                            : pointwise(kBceWithLogits, {input, target}, {}, {0});
  return ops::reduced(kName, ops::weighted(losses, weight), reduction);
}

Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction, bool log_target) {
  ops::check_pair("kl_div", input, target);
  const Tensor losses = pointwise(kKlDiv, {input, target}, {}, {log_target ? 1 : 0});
  if (reduction != Reduction::kBatchMean) return ops::reduced("kl_div", losses, reduction);
  const auto batch = static_cast<double>(input.dim() == 0 ? 1 : input.size(0));
  return sum(losses).div(batch);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  ops::check_pair("soft_margin_loss", input, target);
  return ops::reduced("soft_margin_loss", pointwise(kSoftMargin, {input, target}), reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, bool full,
                         double eps, Reduction reduction) {
  ops::check_pair("gaussian_nll_loss", input, target);
  check(eps > 0, ErrorCode::kInvalidArgument, "gaussian_nll_loss", "eps must be > 0, got ", eps);
  check(var.is_floating_point(), ErrorCode::kDType, "gaussian_nll_loss",
        "a floating point var is needed, got ", var.dtype(), "; convert it with to()");
  const Tensor variance = raised(fitted_variance(input, var), eps);
  Tensor losses = (log(variance) + square(input.sub(target)) / variance) * 0.5;
  if (full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
  return ops::reduced("gaussian_nll_loss", losses, reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input, bool full,
                        double eps, Reduction reduction) {
  ops::check_pair("poisson_nll_loss", input, target);
  Tensor losses = log_input ? exp(input) - target * input : input - target * log(input + eps);
  if (full) {
    // 1 where the term is not wanted, so that its gradient is no NaN.
    const Tensor wanted = gt(target, 1), y = where(wanted, target, 1.0);
    const Tensor stirling = y * log(y) - y + 0.5 * log(y * (2 * std::numbers::pi));
    losses = losses + where(wanted, stirling, 0.0);
  }
  return ops::reduced("poisson_nll_loss", losses, reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin,
                            Reduction reduction) {
  ops::check_sizes("hinge_embedding_loss", input, target);
  ops::check_floats("hinge_embedding_loss", input, input);
  const Tensor apart = where(ne(target, 1), clamp(margin - input, 0, {}), 0.0);
  const Tensor near = where(ne(target, -1), input, 0.0);
  return ops::reduced("hinge_embedding_loss", near + apart, reduction);
}

void register_element_loss_ops(OpList& list) {
  for (const Op* op : {&kMseLoss, &kL1Loss, &kSmoothL1, &kHuber, &kBce, &kBceWithLogits, &kKlDiv,
                       &kSoftMargin, &kGaussianNll, &kPoissonNll, &kHingeEmbedding})
    list.add(*op);
}

}  // namespace tenon
