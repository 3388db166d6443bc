// Losses of class scores.
#include <array>
#include <cmath>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/elementwise_forms.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/loss_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using NllLoss = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, int64_t, Reduction);
using CrossEntropy = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, int64_t, Reduction,
                                double);

const Op kCrossEntropy{{
    .name = "cross_entropy",
    .schema = "cross_entropy(Tensor self, Tensor target, Tensor? weight=None, "
              "int ignore_index=-100, int reduction=1, float label_smoothing=0.0) -> Tensor",
    .doc =
        R"(nll_loss(log_softmax(self, C), target, ...): the loss of unnormalised class scores. A
target of floats holds a probability for each class, and the mean then divides by N * d.... With
label smoothing e a target is 1 - e of what it was and e/C of every class.

Shapes, dtypes, errors: as nll_loss; a target of probabilities has the sizes of self.
  InvalidArgument for a label_smoothing outside [0, 1].
Source: torch.nn.functional.cross_entropy; Szegedy et al. 2015 (arXiv 1512.00567) for smoothing.)",
    .flags = kComposite,
    .boxed = &box<static_cast<CrossEntropy>(&cross_entropy)>,
}};

const Op kMultiMargin{{
    .name = "multi_margin_loss",
    .schema = "multi_margin_loss(Tensor self, Tensor target, int p=1, float margin=1.0, "
              "Tensor? weight=None, int reduction=1) -> Tensor",
    .doc = R"(w[y] / C * sum over the classes i other than y = target[n] of
max(0, margin - self[n, y] + self[n, i])^p, reduced over n (0 none, 1 mean, 2 sum).

Shapes: self (N, C) or (C), target (N) or (), weight (C) -> () or the sizes of target.
Dtypes: self and weight floating point, target int64 in [0, C).
Errors: InvalidArgument for other sizes or p that is not 1 or 2; DType; Index.
Source: torch.nn.functional.multi_margin_loss.)",
    .flags = kComposite,
    .boxed = &box<&multi_margin_loss>,
}};

const Op kMultilabelSoftMargin{{
    .name = "multilabel_soft_margin_loss",
    .schema = "multilabel_soft_margin_loss(Tensor self, Tensor target, Tensor? weight=None, "
              "int reduction=1) -> Tensor",
    .doc = R"(Mean over the last dimension (classes) of w * binary_cross_entropy_with_logits(self,
target), then reduced (0 none, 1 mean, 2 sum).

Shapes: self and target (..., C), weight broadcasts -> () or (...).
Dtypes: floating point; target may be of integers. Errors: InvalidArgument when sizes differ; DType.
Source: torch.nn.functional.multilabel_soft_margin_loss.)",
    .flags = kComposite,
    .boxed = &box<&multilabel_soft_margin_loss>,
}};

int64_t class_dim(const Tensor& scores) { return scores.dim() == 1 ? 0 : 1; }

void check_weight(std::string_view op, const Tensor& scores, const Tensor& weight) {
  if (!weight.defined()) return;
  const int64_t classes = scores.size(class_dim(scores));
  check(weight.sizes() == Shape{classes}, ErrorCode::kInvalidArgument, op,
        "weight must have a value for each of ", classes, " classes, got sizes ", weight.sizes());
  check(weight.dtype() == scores.dtype(), ErrorCode::kDType, op,
        "weight must have the dtype of the scores, got ", weight.dtype(), " and ", scores.dtype(),
        "; convert one with to()");
}

void check_classes(std::string_view op, const Tensor& scores, const Tensor& target) {
  check(scores.dim() >= 1, ErrorCode::kInvalidArgument, op,
        "scores need a class dimension, (N,C) or (C), got ", scores.sizes());
  check(scores.is_floating_point() && target.dtype() == kInt64, ErrorCode::kDType, op,
        "scores must be floating point and target int64, got ", scores.dtype(), " and ",
        target.dtype(), "; convert with to()");
  const int64_t dim = class_dim(scores);
  const Shape sizes = scores.sizes();
  const Shape expected = sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank());
  check(target.sizes() == expected, ErrorCode::kInvalidArgument, op, "target must have sizes ",
        expected, " for scores ", sizes, ", got ", target.sizes());
}

// A class per target, valid where the target is ignored too.
struct Targets {
  Tensor counted, classes;
  Targets(const Tensor& target, int64_t ignore_index)
      : counted(ne(target, ignore_index)), classes(where(counted, target, 0)) {}
};

Tensor at_classes(const Tensor& weight, const Tensor& classes) {
  return index_select(weight, 0, classes.reshape({classes.numel()})).view(classes.sizes());
}

// Σ losses / Σ weights, in f32 at least.
Tensor weighted_mean(const Tensor& losses, const Tensor& weights) {
  const DType wide = ops::accumulate_dtype(losses.dtype());
  return div(sum(losses, {}, false, wide), sum(weights, {}, false, wide)).to(losses.dtype());
}

// What the mean divides by: a weight for each target, 0 where ignored.
Tensor target_weights(const Targets& targets, const Tensor& weight, DType dtype) {
  if (!weight.defined()) return targets.counted.to(dtype);
  return where(targets.counted, at_classes(weight, targets.classes), 0.0);
}

// weight as a factor along the class dimension of `scores`.
Tensor along_classes(const Tensor& weight, const Tensor& scores) {
  Shape sizes = scores.sizes();
  for (int64_t d = 0; d < sizes.rank(); ++d)
    if (d != class_dim(scores)) sizes[d] = 1;
  return weight.view(sizes);
}

// ---- the record of nll_loss: classes that all count alike ----

// c ? −x : 0 of c and x, in one launch.
constinit const Op kNegatedWhere{Op::Spec{.name = "negated_where",
                                          .schema = "",
                                          .doc = "c ? -x : 0.",
                                          .flags = kNoGradient,
                                          .promotion = Promotion::kCondition,
                                          .emit = [](ProgramBuilder& p) {
                                            const uint32_t negated = p.op(TN_PROGRAM_NEG, p.arg(1));
                                            return p.op(TN_PROGRAM_WHERE, p.raw_arg(0), negated,
                                                        p.constant(0));
                                          }}};

// Attributes: the dimension of the classes, ignore_index, the reduction.
Reduction reduction_of(const OpCall& call) { return static_cast<Reduction>(call.attributes[2]); }

// Outputs: the loss, and what its mean divides by.
void infer_nll_loss(OpCall& call) {
  const Tensor &scores = *call.inputs[0], &target = *call.inputs[1];
  ops::check_one_device(call);
  const Shape sizes = reduction_of(call) == Reduction::kNone ? target.sizes() : Shape{};
  ops::give_output(call, 0, sizes, scores.dtype());
  ops::give_output(call, 1, {}, ops::accumulate_dtype(scores.dtype()));
}

void sum_all(const Tensor& out, const Tensor& in) {
  const uint32_t dims = in.dim() == 0 ? 1u : dim_mask({}, in.dim(), "nll_loss");
  primitive::reduce(out, in.to(out.dtype()), TN_REDUCE_SUM, dims);
}

void decompose_nll_loss(OpCall& call) {
  Tensor &loss = call.outputs[0], &total = call.outputs[1];
  const int64_t dim = call.attributes[0];
  const Targets targets(*call.inputs[1], call.attributes[1]);
  const Tensor picked = gather(*call.inputs[0], dim, targets.classes.unsqueeze(dim)).squeeze(dim);
  if (reduction_of(call) == Reduction::kNone) {
    (void)pointwise_out(kNegatedWhere, loss, {targets.counted, picked});
    return;
  }
  const Tensor losses = pointwise(kNegatedWhere, {targets.counted, picked});
  if (reduction_of(call) == Reduction::kSum) return sum_all(loss, losses);
  const Tensor sum = empty({}, total.options());
  sum_all(sum, losses);
  sum_all(total, targets.counted);
  (void)div_out(loss, sum, total);
}

const Op kNllLoss{{
    .name = "nll_loss",
    .schema = "nll_loss(Tensor self, Tensor target, Tensor? weight=None, int ignore_index=-100, "
              "int reduction=1) -> Tensor",
    .doc = R"(Negative log likelihood: -w[target[n]] * self[n, target[n]], reduced over n (0 none,
1 mean, 2 sum). The mean divides by the sum of the weights. Targets of ignore_index count nothing;
when all are ignored the mean is NaN.

Shapes: self (N, C), (C) or (N, C, d...), target (N), () or (N, d...), weight (C) -> () or the sizes
  of target.
Dtypes: self and weight floating point, target int64 in [0, C) or ignore_index.
Errors: InvalidArgument when sizes do not match; DType; Index for a class out of range.
Source: torch.nn.functional.nll_loss.)",
    .boxed = &box<static_cast<NllLoss>(&nll_loss)>,
    .infer = &infer_nll_loss,
    .decompose = &decompose_nll_loss,
}};

// ---- the kinds of cross entropy; `scores` are log probabilities ----

Tensor of_probabilities(const Tensor& scores, const Tensor& target, const Tensor& weight,
                        Reduction reduction, double smoothing) {
  const auto classes = static_cast<double>(scores.size(class_dim(scores)));
  const Tensor smoothed =
      smoothing == 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
  Tensor products = scores.mul(smoothed);
  if (weight.defined()) products = products.mul(along_classes(weight, scores));
  const Tensor losses = sum(products, {class_dim(scores)}).neg();
  return ops::reduced("cross_entropy", losses, reduction);
}

Tensor of_smoothed_classes(const Tensor& scores, const Tensor& target, const Tensor& weight,
                           int64_t ignore_index, Reduction reduction, double smoothing) {
  const Tensor likelihood = nll_loss(scores, target, weight, ignore_index, reduction);
  const Targets targets(target, ignore_index);
  const Tensor all = weight.defined() ? scores.mul(along_classes(weight, scores)) : scores;
  const Tensor losses = where(targets.counted, sum(all, {class_dim(scores)}).neg(), 0.0);
  const Tensor spread = reduction == Reduction::kMean
                            ? weighted_mean(losses, target_weights(targets, weight, scores.dtype()))
                            : ops::reduced("cross_entropy", losses, reduction);
  const auto classes = static_cast<double>(scores.size(class_dim(scores)));
  return likelihood.mul(1 - smoothing).add(spread, smoothing / classes);
}

Tensor nll_loss_of(const Tensor& scores, const Tensor& target, int64_t dim, int64_t ignore_index,
                   Reduction reduction) {
  const Tensor* inputs[] = {&scores, &target};
  const int64_t attributes[] = {dim, ignore_index, static_cast<int64_t>(reduction)};
  std::array<Tensor, 2> outputs;
  OpCall call{.op = kNllLoss, .inputs = inputs, .attributes = attributes, .outputs = outputs};
  dispatch(call);
  return std::move(outputs[0]);
}

}  // namespace

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const Tensor& weight,
                int64_t ignore_index, Reduction reduction) {
  check_classes("nll_loss", log_probabilities, target);
  check_weight("nll_loss", log_probabilities, weight);
  const int64_t dim = class_dim(log_probabilities);
  if (!weight.defined()) {
    ops::check_reduction("nll_loss", reduction);
    return nll_loss_of(log_probabilities, target, dim, ignore_index, reduction);
  }
  const Targets targets(target, ignore_index);
  const Tensor picked =
      gather(log_probabilities, dim, targets.classes.unsqueeze(dim)).squeeze(dim).neg();
  const Tensor weights = target_weights(targets, weight, picked.dtype());
  const Tensor losses = where(targets.counted, picked.mul(weights), 0.0);
  if (reduction == Reduction::kMean) return weighted_mean(losses, weights);
  return ops::reduced("nll_loss", losses, reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& weight,
                     int64_t ignore_index, Reduction reduction, double label_smoothing) {
  check(label_smoothing >= 0 && label_smoothing <= 1, ErrorCode::kInvalidArgument, "cross_entropy",
        "label_smoothing must be in [0, 1], got ", label_smoothing);
  if (target.is_floating_point() && target.sizes() == logits.sizes() && logits.dim() > 0) {
    check(logits.is_floating_point(), ErrorCode::kDType, "cross_entropy",
          "scores must be floating point, got ", logits.dtype(), "; convert with to()");
    check(ignore_index < 0, ErrorCode::kInvalidArgument, "cross_entropy",
          "ignore_index is for targets that are classes, got ", ignore_index,
          " with probabilities");
    check_weight("cross_entropy", logits, weight);
    return of_probabilities(log_softmax(logits, class_dim(logits)), target, weight, reduction,
                            label_smoothing);
  }
  check_classes("cross_entropy", logits, target);
  check_weight("cross_entropy", logits, weight);
  const Tensor scores = log_softmax(logits, class_dim(logits));
  if (label_smoothing == 0) return nll_loss(scores, target, weight, ignore_index, reduction);
  return of_smoothed_classes(scores, target, weight, ignore_index, reduction, label_smoothing);
}

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, int64_t p, double margin,
                         const Tensor& weight, Reduction reduction) {
  check(input.dim() == 1 || input.dim() == 2, ErrorCode::kInvalidArgument, "multi_margin_loss",
        "scores (N,C) or (C) were expected, got ", input.sizes());
  check_classes("multi_margin_loss", input, target);
  check_weight("multi_margin_loss", input, weight);
  check(p == 1 || p == 2, ErrorCode::kInvalidArgument, "multi_margin_loss",
        "p must be 1 or 2, got ", p);
  const int64_t dim = class_dim(input);
  const Tensor index = target.unsqueeze(dim);
  const Tensor distance = clamp(input.sub(gather(input, dim, index)).add(margin), 0, {});
  Tensor losses = p == 1 ? distance : square(distance);
  const Tensor own = one_hot(target, input.size(dim)).to(kBool);
  losses = where(own, 0.0, losses);
  if (weight.defined()) losses = losses.mul(at_classes(weight, target).unsqueeze(dim));
  return ops::reduced("multi_margin_loss", mean(losses, {dim}), reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                                   Reduction reduction) {
  const bool counts = !target.is_floating_point() && target.dtype() != kBool;
  const Tensor truth = counts ? target.to(input.dtype()) : target;
  ops::check_pair("multilabel_soft_margin_loss", input, truth);
  check(input.dim() >= 1, ErrorCode::kInvalidArgument, "multilabel_soft_margin_loss",
        "scores need a class dimension, got ", input.sizes());
  const Tensor losses = binary_cross_entropy_with_logits(input, truth, weight, Reduction::kNone);
  return ops::reduced("multilabel_soft_margin_loss", mean(losses, {-1}), reduction);
}

void register_class_loss_ops(OpList& list) {
  for (const Op* op : {&kNllLoss, &kCrossEntropy, &kMultiMargin, &kMultilabelSoftMargin})
    list.add(*op);
}

}  // namespace tenon
