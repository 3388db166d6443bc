// B batch entries, C input and O output channels, G groups, (H, W) image, (P, Q) result, (R, S)
// kernel.
#include <tenon/runtime/ops/convolution.h>

#include <algorithm>
#include <array>
#include <iterator>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/convolution_internal.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

using ops::Windows;

// ---- geometry ----

// Attributes of the three records: stride, padding, dilation (h, w each), groups.
std::array<int64_t, 7> attributes_of(std::string_view op, const Conv2dOptions& options) {
  const Shape stride = ops::both_dims(op, "stride", options.stride);
  const Shape padding = ops::both_dims(op, "padding", options.padding);
  const Shape dilation = ops::both_dims(op, "dilation", options.dilation);
  return {stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], options.groups};
}

Windows windows_of(const OpCall& call, const Shape& input, const Shape& weight) {
  const auto& a = call.attributes;
  return ops::make_windows(call.op.name(), input, {weight[2], weight[3]}, {a[0], a[1]},
                           {a[2], a[3]}, {a[4], a[5]});
}

void check_sizes(const OpCall& call, const Shape& input, const Shape& weight) {
  const std::string_view op = call.op.name();
  const int64_t groups = call.attributes[6];
  check(input.rank() == 4 && weight.rank() == 4, ErrorCode::kInvalidArgument, op,
        "input (N,C,H,W) and weight (O,C/groups,KH,KW) need 4 dimensions, got ", input, " and ",
        weight);
  check(groups >= 1 && input[1] % groups == 0 && weight[0] % groups == 0,
        ErrorCode::kInvalidArgument, op, "channels must be divisible by groups, got ", input[1],
        " in and ", weight[0], " out with groups=", groups);
  check(input[1] / groups == weight[1], ErrorCode::kInvalidArgument, op, "weight ", weight,
        " with groups=", groups, " takes ", weight[1] * groups, " input channels, got input ",
        input);
}

Shape output_sizes(const Shape& input, const Shape& weight, const Windows& windows) {
  return {input[0], weight[0], windows.count[0], windows.count[1]};
}

void check_grad(const OpCall& call, const Tensor& grad, const Shape& expected) {
  check(grad.sizes() == expected, ErrorCode::kInvalidArgument, call.op.name(),
        "grad must have the sizes of the result, ", expected, ", got ", grad.sizes());
}

// ---- infer ----

void infer_conv2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  const Tensor& weight = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::check_floating(call, input);
  check_sizes(call, input.sizes(), weight.sizes());
  if (call.inputs.size() > 2 && call.inputs[2]->defined())
    check(call.inputs[2]->sizes() == Shape{weight.size(0)}, ErrorCode::kInvalidArgument,
          call.op.name(), "bias must have sizes (", weight.size(0), "), got ",
          call.inputs[2]->sizes());
  const Windows windows = windows_of(call, input.sizes(), weight.sizes());
  ops::give_output(call, 0, output_sizes(input.sizes(), weight.sizes(), windows), input.dtype());
}

// The sizes of the result are the caller's: output 0 comes allocated.
void infer_input_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Shape weight = call.inputs[1]->sizes();
  const Shape input = call.outputs[0].sizes();
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::check_floating(call, grad);
  check_sizes(call, input, weight);
  check_grad(call, grad, output_sizes(input, weight, windows_of(call, input, weight)));
}

void infer_weight_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Shape input = call.inputs[1]->sizes();
  const Shape weight = call.outputs[0].sizes();
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::check_floating(call, grad);
  check_sizes(call, input, weight);
  check_grad(call, grad, output_sizes(input, weight, windows_of(call, input, weight)));
}

// ---- decompositions: columns of windows times a matrix of weights ----

// Batch entries whose columns are made at once, to bound the memory that they take.
int64_t batch_step(const Shape& input, const Windows& windows) {
  constexpr int64_t kElements = int64_t{1} << 25;
  const int64_t per_entry = std::max<int64_t>(1, input[1] * windows.window_numel());
  return std::max<int64_t>(1, kElements / per_entry);
}

// (B,C,P,Q,R,S) windows → (B, G, C/G·R·S, P·Q), copied.
Tensor columns_of(const Tensor& input, const Windows& windows, int64_t groups) {
  const Tensor view = ops::window_view(ops::pad(input, windows, 0), windows);
  const Tensor columns = view.permute({0, 1, 4, 5, 2, 3}).clone();
  const Shape sizes = columns.sizes();
  return columns.view(
      {sizes[0], groups, sizes[1] / groups * sizes[2] * sizes[3], sizes[4] * sizes[5]});
}

// (O, C/G, R, S) → (B, G, O/G, C/G·R·S), repeated over the batch by stride 0.
Tensor weight_matrices(const Tensor& weight, int64_t batch, int64_t groups) {
  const Shape sizes = weight.sizes();
  const Shape matrices = {1, groups, sizes[0] / groups, sizes[1] * sizes[2] * sizes[3]};
  return weight.reshape(matrices).expand({batch, -1, -1, -1});
}

// (B, O, P, Q) → (B, G, O/G, P·Q).
Tensor result_matrices(const Tensor& result, int64_t groups) {
  const Shape sizes = result.sizes();
  return result.reshape({sizes[0], groups, sizes[1] / groups, sizes[2] * sizes[3]});
}

void decompose_conv2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  const Tensor& weight = *call.inputs[1];
  Tensor& out = call.outputs[0];
  if (out.numel() == 0) return;
  const int64_t groups = call.attributes[6];
  const Windows windows = windows_of(call, input.sizes(), weight.sizes());
  const int64_t step = batch_step(input.sizes(), windows);
  for (int64_t begin = 0; begin < input.size(0); begin += step) {
    const int64_t length = std::min(step, input.size(0) - begin);
    const Tensor columns = columns_of(input.narrow(0, begin, length), windows, groups);
    const Tensor products = empty({length, out.size(1), out.size(2), out.size(3)}, out.options());
    primitive::matmul(result_matrices(products, groups), weight_matrices(weight, length, groups),
                      columns);
    primitive::copy(out.narrow(0, begin, length), products);
  }
  if (call.inputs.size() > 2 && call.inputs[2]->defined())
    out.add_(call.inputs[2]->reshape({1, -1, 1, 1}));
}

// Adds every window's column back to where it was read.
void fold(const Tensor& padded, const Tensor& columns, const Windows& windows) {
  const Tensor view = ops::window_view(padded, windows);
  const Tensor parts = columns.view({padded.size(0), padded.size(1), windows.kernel[0],
                                     windows.kernel[1], windows.count[0], windows.count[1]});
  for (int64_t r = 0; r < windows.kernel[0]; ++r)
    for (int64_t s = 0; s < windows.kernel[1]; ++s)
      view.select(5, s).select(4, r).add_(parts.select(2, r).select(2, s));
}

void decompose_input_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& weight = *call.inputs[1];
  const Tensor& out = call.outputs[0];
  if (out.numel() == 0) return;
  const int64_t groups = call.attributes[6];
  const Windows windows = windows_of(call, out.sizes(), weight.sizes());
  const TensorOptions wide = out.options().dtype(ops::accumulate_dtype(out.dtype()));
  const int64_t step = batch_step(out.sizes(), windows);
  for (int64_t begin = 0; begin < out.size(0); begin += step) {
    const int64_t length = std::min(step, out.size(0) - begin);
    const Tensor matrices = result_matrices(grad.narrow(0, begin, length), groups);
    const Tensor transposed = weight_matrices(weight, length, groups).transpose(2, 3);
    const Tensor columns =
        empty({length, groups, transposed.size(2), matrices.size(3)}, out.options());
    primitive::matmul(columns, transposed, matrices);
    const Tensor padded = zeros(windows.padded_sizes(length, out.size(1)), wide);
    fold(padded, columns, windows);
    primitive::copy(out.narrow(0, begin, length), ops::interior(padded, windows));
  }
}

void decompose_weight_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& input = *call.inputs[1];
  const Tensor& out = call.outputs[0];
  const int64_t groups = call.attributes[6];
  const Windows windows = windows_of(call, input.sizes(), out.sizes());
  const TensorOptions wide = out.options().dtype(ops::accumulate_dtype(out.dtype()));
  const Shape matrix = {groups, out.size(0) / groups, out.size(1) * out.size(2) * out.size(3)};
  Tensor total = zeros(matrix, wide);
  const int64_t step = batch_step(input.sizes(), windows);
  for (int64_t begin = 0; begin < input.size(0) && grad.numel() > 0; begin += step) {
    const int64_t length = std::min(step, input.size(0) - begin);
    // The batch joins the inner dimension: (G, O/G, B·P·Q) x (G, B·P·Q, C/G·R·S).
    const int64_t inner = length * windows.count[0] * windows.count[1];
    const Tensor columns = columns_of(input.narrow(0, begin, length), windows, groups)
                               .permute({1, 2, 0, 3})
                               .reshape({groups, matrix[2], inner});
    const Tensor grads = result_matrices(grad.narrow(0, begin, length), groups)
                             .permute({1, 2, 0, 3})
                             .reshape({groups, matrix[1], inner});
    const Tensor part = empty(matrix, out.options());
    primitive::matmul(part, grads, columns.transpose(1, 2));
    total.add_(part);
  }
  primitive::copy(out, total.view(out.sizes()));
}

// ---- records ----

Tensor conv2d_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const Shape& stride, const Shape& padding, const Shape& dilation,
                    std::optional<int64_t> groups, std::optional<AutoPadding> auto_padding) {
  return conv2d(input, weight, bias,
                {stride, padding, dilation, groups.value_or(1),
                 ops::auto_padding_of("conv2d", auto_padding)});
}

Tensor input_grad_boxed(const Shape& input_sizes, const Tensor& grad, const Tensor& weight,
                        const Shape& stride, const Shape& padding, const Shape& dilation,
                        std::optional<int64_t> groups) {
  return conv2d_input_grad(input_sizes, grad, weight,
                           {stride, padding, dilation, groups.value_or(1)});
}

Tensor weight_grad_boxed(const Shape& weight_sizes, const Tensor& grad, const Tensor& input,
                         const Shape& stride, const Shape& padding, const Shape& dilation,
                         std::optional<int64_t> groups) {
  return conv2d_weight_grad(weight_sizes, grad, input,
                            {stride, padding, dilation, groups.value_or(1)});
}

const Op kConv2d{{
    .name = "conv2d",
    .schema = "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
              "int[2] padding=0, int[2] dilation=1, int groups=1, int auto_padding=0) -> Tensor",
    .doc = R"(Cross-correlation with zero padding:
out[n, o, p, q] = bias[o] + sum over c, r, s of
  weight[o, c, r, s] * input[n, c + C/groups * (o / (O/groups)), p*stride + r*dilation - padding, ...].

Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O) -> (N, O, P, Q) with
  P = (H + 2*padding - dilation*(KH - 1) - 1) / stride + 1. auto_padding in the place of padding: valid
  (1) is none, same (2) keeps H and W.
Dtypes: one floating point dtype for all; sums are kept in f32 at least.
Errors: InvalidArgument for sizes that do not go together or a kernel larger than the padded input,
  and for same with a stride; DType; Device.
Source: torch.nn.functional.conv2d.)",
    .boxed = &box<&conv2d_boxed>,
    .infer = &infer_conv2d,
    .decompose = &decompose_conv2d,
}};

const Op kConv2dInputGrad{{
    .name = "conv2d_input_grad",
    .schema = "conv2d_input_grad(int[] input_sizes, Tensor grad, Tensor weight, int[2] stride=1, "
              "int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
    .doc = R"(Gradient of conv2d with respect to its input (a transposed convolution of grad).

Shapes: grad (N, O, P, Q), weight (O, C/groups, KH, KW) -> input_sizes (N, C, H, W).
Dtypes, errors: as conv2d.)",
    .boxed = &box<&input_grad_boxed>,
    .infer = &infer_input_grad,
    .decompose = &decompose_input_grad,
}};

const Op kConv2dWeightGrad{{
    .name = "conv2d_weight_grad",
    .schema = "conv2d_weight_grad(int[] weight_sizes, Tensor grad, Tensor input, int[2] stride=1, "
              "int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
    .doc = R"(Gradient of conv2d with respect to its weight.

Shapes: grad (N, O, P, Q), input (N, C, H, W) -> weight_sizes (O, C/groups, KH, KW).
Dtypes, errors: as conv2d.)",
    .boxed = &box<&weight_grad_boxed>,
    .infer = &infer_weight_grad,
    .decompose = &decompose_weight_grad,
}};

Tensor call_grad(const Op& op, const Shape& sizes, const Tensor& a, const Tensor& b,
                 const Conv2dOptions& options) {
  const std::array<int64_t, 7> attributes = attributes_of(op.name(), options);
  const Tensor* inputs[] = {&a, &b};
  Tensor output = empty(sizes, a.options());
  OpCall call{.op = op, .inputs = inputs, .attributes = attributes, .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  if (input.dim() == 3) return conv2d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  if (options.auto_padding == AutoPadding::kSame)
    return ops::conv2d_same(input, weight, bias, options);
  if (options.auto_padding == AutoPadding::kValid)
    return conv2d(input, weight, bias, {options.stride, {}, options.dilation, options.groups});
  return call_op(kConv2d, {&input, &weight, &bias}, attributes_of("conv2d", options));
}

Tensor conv2d_input_grad(const Shape& input_sizes, const Tensor& grad, const Tensor& weight,
                         const Conv2dOptions& options) {
  return call_grad(kConv2dInputGrad, input_sizes, grad, weight, options);
}

Tensor conv2d_weight_grad(const Shape& weight_sizes, const Tensor& grad, const Tensor& input,
                          const Conv2dOptions& options) {
  return call_grad(kConv2dWeightGrad, weight_sizes, grad, input, options);
}

void register_convolution_ops(OpList& list) {
  for (const Op* op : {&kConv2d, &kConv2dInputGrad, &kConv2dWeightGrad}) list.add(*op);
  register_convolution_forms(list);
}

}  // namespace tenon
