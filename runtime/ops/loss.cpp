// Softmax.
#include <tenon/runtime/ops/loss.h>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/loss_internal.h>
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
    .schema = "softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    .doc = R"(out = e^(x - m) / sum of e^(x - m) along dim, with m the greatest value along dim.

Shapes: any -> the same.
Dtypes: floating point; f16 and bf16 are computed in f32 and rounded once. With dtype, self is
  converted first (then any dtype will do).
Errors: DType; Index for a dim that is not there.
Source: torch.nn.functional.softmax.)",
    .boxed = &box<&softmax>,
    .infer = &infer_softmax,
    .decompose = &decompose_softmax,
}};

const Op kLogSoftmax{{
    .name = "log_softmax",
    .schema = "log_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
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

const Op kSoftmin{{
    .name = "softmin",
    .schema = "softmin(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
    .doc = R"(softmax(-self, dim, dtype): the least value weighs most.

Shapes, dtypes, errors: as softmax.
Source: torch.nn.functional.softmin.)",
    .flags = kComposite,
    .boxed = &box<&softmin>,
}};

Tensor converted(const Tensor& self, std::optional<DType> dtype) {
  return dtype ? self.to(*dtype) : self;
}

}  // namespace

Tensor softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return call_along(kSoftmax, converted(self, dtype), dim);
}
Tensor softmin(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check(dtype || self.is_floating_point(), ErrorCode::kDType, "softmin",
        "a floating point dtype is needed, got ", self.dtype(), "; convert it with to()");
  return softmax(neg(converted(self, dtype)), dim);
}
Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return call_along(kLogSoftmax, converted(self, dtype), dim);
}

Tensor softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim) {
  return call_grad_along(kSoftmaxGrad, grad, result, dim);
}
Tensor log_softmax_grad(const Tensor& grad, const Tensor& result, int64_t dim) {
  return call_grad_along(kLogSoftmaxGrad, grad, result, dim);
}

void register_loss_ops(OpList& list) {
  for (const Op* op : {&kSoftmax, &kLogSoftmax, &kSoftmin, &kSoftmaxGrad, &kLogSoftmaxGrad})
    list.add(*op);
  register_class_loss_ops(list);
  register_element_loss_ops(list);
  register_pair_loss_ops(list);
}

}  // namespace tenon
