#include <tenon/runtime/ops/loss.h>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- softmax and log_softmax ----

void infer_softmax(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  ops::check_floating(call, self);
  ops::give_output(call, 0, self.sizes(), self.dtype());
}

void infer_softmax_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& result = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::check_floating(call, grad);
  check(grad.sizes() == result.sizes(), ErrorCode::kInvalidArgument, call.op.name(),
        "grad and result must have the same sizes, got ", grad.sizes(), " and ", result.sizes());
  ops::give_output(call, 0, grad.sizes(), grad.dtype());
}

Tensor widened(const Tensor& self) { return self.to(ops::accumulate_dtype(self.dtype())); }

// x minus the greatest along dim, so that no exponential overflows.
Tensor shifted(const Tensor& self, int64_t dim) {
  const Tensor wide = widened(self);
  return wide.sub(amax(wide, {dim}, true));
}

void decompose_softmax(OpCall& call) {
  if (call.outputs[0].numel() == 0) return;
  const int64_t dim = call.attributes[0];
  const Tensor powers = shifted(*call.inputs[0], dim).exp();
  primitive::copy(call.outputs[0], powers.div(powers.sum({dim}, true)));
}

void decompose_log_softmax(OpCall& call) {
  if (call.outputs[0].numel() == 0) return;
  const int64_t dim = call.attributes[0];
  const Tensor x = shifted(*call.inputs[0], dim);
  primitive::copy(call.outputs[0], x.sub(x.exp().sum({dim}, true).log()));
}

void decompose_softmax_grad(OpCall& call) {
  if (call.outputs[0].numel() == 0) return;
  const Tensor grad = widened(*call.inputs[0]);
  const Tensor y = widened(*call.inputs[1]);
  const Tensor inner = grad.mul(y).sum({call.attributes[0]}, true);
  primitive::copy(call.outputs[0], y.mul(grad.sub(inner)));
}

void decompose_log_softmax_grad(OpCall& call) {
  if (call.outputs[0].numel() == 0) return;
  const Tensor grad = widened(*call.inputs[0]);
  const Tensor y = widened(*call.inputs[1]);
  const Tensor total = grad.sum({call.attributes[0]}, true);
  primitive::copy(call.outputs[0], grad.sub(y.exp().mul(total)));
}

const Op kSoftmax{{
    .name = "softmax",
    .schema = "softmax(Tensor self, int dim) -> Tensor",
    .doc = R"(out = e^(x - m) / sum of e^(x - m) along dim, with m the greatest value along dim.

Shapes: any -> the same.
Dtypes: floating point; f16 and bf16 are computed in f32 and rounded once.
Errors: DType; Index for a dim that is not there.
Source: torch.nn.functional.softmax.)",
    .boxed = &box<&softmax>,
    .infer = &infer_softmax,
    .decompose = &decompose_softmax,
}};

const Op kLogSoftmax{{
    .name = "log_softmax",
    .schema = "log_softmax(Tensor self, int dim) -> Tensor",
    .doc =
        R"(out = x - m - log of the sum of e^(x - m) along dim, with m the greatest value along dim.

Shapes, dtypes, errors: as softmax.
Source: torch.nn.functional.log_softmax.)",
    .boxed = &box<&log_softmax>,
    .infer = &infer_softmax,
    .decompose = &decompose_log_softmax,
}};

const Op kSoftmaxGrad{{
    .name = "softmax_grad",
    .schema = "softmax_grad(Tensor grad, Tensor result, int dim) -> Tensor",
    .doc = R"(Gradient of softmax from its result y: y * (grad - sum of grad * y along dim).

Shapes: grad and result the same -> the same.
Dtypes, errors: as softmax.)",
    .boxed = &box<&softmax_grad>,
    .infer = &infer_softmax_grad,
    .decompose = &decompose_softmax_grad,
}};

const Op kLogSoftmaxGrad{{
    .name = "log_softmax_grad",
    .schema = "log_softmax_grad(Tensor grad, Tensor result, int dim) -> Tensor",
    .doc = R"(Gradient of log_softmax from its result y: grad - e^y * sum of grad along dim.

Shapes: grad and result the same -> the same.
Dtypes, errors: as softmax.)",
    .boxed = &box<&log_softmax_grad>,
    .infer = &infer_softmax_grad,
    .decompose = &decompose_log_softmax_grad,
}};

// Rank 0 is one element along dimension 0.
Tensor call_along(const Op& op, const Tensor& self, int64_t dim) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), op.name());
  if (self.dim() == 0) return call_along(op, self.view({1}), 0).view({});
  return call_op(op, {&self}, {wrapped});
}

Tensor call_grad_along(const Op& op, const Tensor& grad, const Tensor& result, int64_t dim) {
  const int64_t wrapped = wrap_dim(dim, result.dim(), op.name());
  if (grad.dim() == 0 && result.dim() == 0)
    return call_grad_along(op, grad.view({1}), result.view({1}), 0).view({});
  return call_op(op, {&grad, &result}, {wrapped});
}

// ---- losses ----

const Op kNllLoss{{
    .name = "nll_loss",
    .schema = "nll_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
    .doc = R"(Negative log likelihood: -self[n, target[n]], reduced over n (0 none, 1 mean, 2 sum).

Shapes: self (N, C), (C) or (N, C, d...), target (N), () or (N, d...) -> () or the sizes of target.
Dtypes: self floating point, target int64 in [0, C).
Errors: InvalidArgument when sizes do not match; DType; Index for a class out of range.
Source: torch.nn.functional.nll_loss.)",
    .flags = kComposite,
    .boxed = &box<&nll_loss>,
}};

const Op kCrossEntropy{{
    .name = "cross_entropy",
    .schema = "cross_entropy(Tensor self, Tensor target, int reduction=1) -> Tensor",
    .doc =
        R"(nll_loss(log_softmax(self, C), target, reduction): the loss of unnormalised class scores.

Shapes, dtypes, errors: as nll_loss.
Source: torch.nn.functional.cross_entropy.)",
    .flags = kComposite,
    .boxed = &box<&cross_entropy>,
}};

const Op kMseLoss{{
    .name = "mse_loss",
    .schema = "mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
    .doc = R"(Squared error (self - target)^2, reduced over all elements (0 none, 1 mean, 2 sum).

Shapes: both the same -> () or the same.
Dtypes: floating point.
Errors: InvalidArgument when sizes differ: (N, 1) against (N) would silently compare all pairs.
Source: torch.nn.functional.mse_loss.)",
    .flags = kComposite,
    .boxed = &box<&mse_loss>,
}};

Tensor reduced(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::kNone:
      return losses;
    case Reduction::kMean:
      return losses.mean();
    case Reduction::kSum:
      return losses.sum();
  }
  fail(ErrorCode::kInvalidArgument, "loss", "reduction must be none (0), mean (1) or sum (2), got ",
       static_cast<int64_t>(reduction));
}

int64_t class_dim(const Tensor& scores) { return scores.dim() == 1 ? 0 : 1; }

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

}  // namespace

Tensor softmax(const Tensor& self, int64_t dim) { return call_along(kSoftmax, self, dim); }
Tensor log_softmax(const Tensor& self, int64_t dim) { return call_along(kLogSoftmax, self, dim); }

Tensor softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim) {
  return call_grad_along(kSoftmaxGrad, grad, result, dim);
}
Tensor log_softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim) {
  return call_grad_along(kLogSoftmaxGrad, grad, result, dim);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, Reduction reduction) {
  check_classes("nll_loss", log_probabilities, target);
  const int64_t dim = class_dim(log_probabilities);
  const Tensor picked = gather(log_probabilities, dim, target.unsqueeze(dim)).squeeze(dim);
  return reduced(picked.neg(), reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction) {
  check_classes("cross_entropy", logits, target);
  return nll_loss(log_softmax(logits, class_dim(logits)), target, reduction);
}

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check(input.sizes() == target.sizes(), ErrorCode::kInvalidArgument, "mse_loss",
        "input and target must have the same sizes, got ", input.sizes(), " and ", target.sizes(),
        "; reshape or expand one");
  check(input.is_floating_point() && target.is_floating_point(), ErrorCode::kDType, "mse_loss",
        "floating point dtypes are needed, got ", input.dtype(), " and ", target.dtype(),
        "; convert with to()");
  return reduced(square(input.sub(target)), reduction);
}

void register_loss_ops(OpList& list) {
  for (const Op* op : {&kSoftmax, &kLogSoftmax, &kSoftmaxGrad, &kLogSoftmaxGrad, &kNllLoss,
                       &kCrossEntropy, &kMseLoss})
    list.add(*op);
}

}  // namespace tenon
