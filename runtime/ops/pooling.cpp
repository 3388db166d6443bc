// (N, C) images of H x W, (P, Q) results, kernels of K = KH·KW elements.
#include <tenon/runtime/ops/pooling.h>

#include <array>
#include <limits>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/convolution.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

using ops::Windows;

// ---- geometry ----

// Kernel, stride, padding, dilation (h, w each).
std::array<int64_t, 8> attributes_of(std::string_view op, const Pool2dOptions& options) {
  check(!options.kernel.empty(), ErrorCode::kInvalidArgument, op, "a kernel size is needed");
  const Shape kernel = ops::both_dims(op, "kernel", options.kernel);
  const Shape stride =
      options.stride.empty() ? kernel : ops::both_dims(op, "stride", options.stride);
  const Shape padding = ops::both_dims(op, "padding", options.padding);
  const Shape dilation = ops::both_dims(op, "dilation", options.dilation);
  return {kernel[0],  kernel[1],  stride[0],   stride[1],
          padding[0], padding[1], dilation[0], dilation[1]};
}

Windows windows_of(std::string_view op, const Shape& input, std::span<const int64_t> a) {
  check(input.rank() == 4, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,H,W) or (C,H,W), got ", input);
  check(a[4] * 2 <= a[0] && a[5] * 2 <= a[1], ErrorCode::kInvalidArgument, op,
        "padding may be at most half of the kernel, got padding=", Shape{a[4], a[5]},
        ", kernel=", Shape{a[0], a[1]});
  return ops::make_windows(op, input, {a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]}, {a[6], a[7]});
}

// ---- max pooling ----

void infer_max_pool2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  ops::check_floating(call, input);
  const Shape sizes = input.sizes();
  const Windows windows = windows_of(call.op.name(), sizes, call.attributes);
  const Shape result = {sizes[0], sizes[1], windows.count[0], windows.count[1]};
  ops::give_output(call, 0, result, input.dtype());
  ops::give_output(call, 1, result, kInt64);
}

// Position along one image dimension of each window's chosen element: (P or Q, 1 …) starts plus the
// offset that `chosen` (N, C, P, Q, 1) picks from `offsets` (K). A window of -Inf alone may have
// chosen its border: then the first element inside is meant.
Tensor position(const Tensor& chosen, const Tensor& offsets, const Windows& windows, int64_t d) {
  Shape table = chosen.sizes();
  table[4] = offsets.numel();
  const Tensor picked = gather(offsets.expand(table), 4, chosen);
  Shape row = {1, 1, 1, 1, 1};
  row[2 + d] = windows.count[d];
  const Tensor starts = arange(windows.count[d], chosen.options())
                            .mul(windows.stride[d])
                            .sub(windows.padding[d])
                            .view(row);
  const Tensor result = picked.add(starts);
  return windows.padding[d] > 0 ? clamp(result, 0, std::nullopt) : result;
}

void decompose_max_pool2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  if (call.outputs[0].numel() == 0) return;
  const Windows windows = windows_of(call.op.name(), input.sizes(), call.attributes);
  const int64_t height = windows.kernel[0], width = windows.kernel[1];
  const Shape counts = call.outputs[0].sizes();
  const double lowest = -std::numeric_limits<double>::infinity();
  const Tensor values = ops::window_view(ops::pad(input, windows, lowest), windows)
                            .clone()
                            .view(counts + Shape{height * width});
  const Tensor chosen = empty(counts + Shape{1}, {kInt64, input.device()});
  primitive::reduce(chosen, values, TN_REDUCE_ARGMAX, 1u << 4);
  primitive::gather(call.outputs[0].unsqueeze(4), values, chosen, 4);

  const TensorOptions options = chosen.options();
  const auto offsets = [&](int64_t extent, int64_t dilation, const Shape& along) {
    return arange(extent, options).mul(dilation).view(along).expand({height, width}).reshape({-1});
  };
  const Tensor rows =
      position(chosen, offsets(height, windows.dilation[0], {height, 1}), windows, 0);
  const Tensor columns =
      position(chosen, offsets(width, windows.dilation[1], {1, width}), windows, 1);
  primitive::copy(call.outputs[1].unsqueeze(4), rows.mul(windows.image[1]).add(columns));
}

Tensor max_pool2d_boxed(const Tensor& input, const Shape& kernel, const Shape& stride,
                        const Shape& padding, const Shape& dilation) {
  return max_pool2d(input, {kernel, stride, padding, dilation});
}

std::pair<Tensor, Tensor> max_pool2d_with_indices_boxed(const Tensor& input, const Shape& kernel,
                                                        const Shape& stride, const Shape& padding,
                                                        const Shape& dilation) {
  return max_pool2d_with_indices(input, {kernel, stride, padding, dilation});
}

const Op kMaxPool2dWithIndices{{
    .name = "max_pool2d_with_indices",
    .schema = "max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], "
              "int[2] padding=0, int[2] dilation=1) -> (Tensor, Tensor)",
    .doc =
        R"(Greatest element of each window, and where it is: h*W + w in the image, without padding.
Of equal elements the first counts; a NaN counts as greatest.

Shapes: (N, C, H, W) or (C, H, W) -> twice (N, C, P, Q),
  P = (H + 2*padding - dilation*(KH - 1) - 1) / stride + 1. An empty stride means the kernel's size.
Dtypes: floating point; indices int64.
Errors: InvalidArgument for padding above half of the kernel or a kernel larger than the input.
Source: torch.nn.functional.max_pool2d.)",
    .boxed = &box<&max_pool2d_with_indices_boxed>,
    .kernel = "max_pool2d",
    .infer = &infer_max_pool2d,
    .decompose = &decompose_max_pool2d,
}};

const Op kMaxPool2d{{
    .name = "max_pool2d",
    .schema = "max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
              "int[2] dilation=1) -> Tensor",
    .doc = R"(Greatest element of each window; max_pool2d_with_indices without the indices.)",
    .flags = kComposite,
    .boxed = &box<&max_pool2d_boxed>,
}};

// ---- its gradient ----

// The sizes of the result are the caller's: output 0 comes allocated.
void infer_max_pool2d_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& indices = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_floating(call, grad);
  check(indices.dtype() == kInt64 && indices.sizes() == grad.sizes(), ErrorCode::kInvalidArgument,
        call.op.name(), "indices must be int64 of the sizes of grad, ", grad.sizes(), ", got ",
        indices.dtype(), " ", indices.sizes());
  const Shape image = call.outputs[0].sizes();
  check(
      grad.dim() == 4 && image.rank() == 4 && image[0] == grad.size(0) && image[1] == grad.size(1),
      ErrorCode::kInvalidArgument, call.op.name(),
      "grad (N,C,P,Q) and input_sizes (N,C,H,W) must share N and C, got ", grad.sizes(), " and ",
      image);
}

void decompose_max_pool2d_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Shape sizes = grad.sizes();
  const Tensor& out = call.outputs[0];
  const Shape image = {out.size(0), out.size(1), out.size(2) * out.size(3)};
  const Shape result = {sizes[0], sizes[1], sizes[2] * sizes[3]};
  const Tensor sum = zeros(image, out.options().dtype(ops::accumulate_dtype(out.dtype())));
  if (grad.numel() > 0)
    primitive::scatter(sum, call.inputs[1]->reshape(result), grad.reshape(result).to(sum.dtype()),
                       2, TN_SCATTER_ADD);
  primitive::copy(out, sum.view(out.sizes()));
}

Tensor max_pool2d_grad_boxed(const Tensor& grad, const Tensor& indices, const Shape& input_sizes) {
  return max_pool2d_grad(grad, indices, input_sizes);
}

const Op kMaxPool2dGrad{{
    .name = "max_pool2d_grad",
    .schema = "max_pool2d_grad(Tensor grad, Tensor indices, int[4] input_sizes) -> Tensor",
    .doc =
        R"(Gradient of max_pool2d: out is 0, then out[n, c, indices[n, c, p, q]] += grad[n, c, p, q].

Shapes: grad and indices (N, C, P, Q) -> input_sizes (N, C, H, W).
Dtypes: grad floating point, indices int64.
Errors: InvalidArgument when sizes do not match; Index for an index outside of H*W.)",
    .boxed = &box<&max_pool2d_grad_boxed>,
    .infer = &infer_max_pool2d_grad,
    .decompose = &decompose_max_pool2d_grad,
}};

// ---- average pooling ----

Tensor avg_pool2d_boxed(const Tensor& input, const Shape& kernel, const Shape& stride,
                        const Shape& padding, std::optional<bool> count_include_pad) {
  return avg_pool2d(input, {kernel, stride, padding}, count_include_pad.value_or(true));
}

const Op kAvgPool2d{{
    .name = "avg_pool2d",
    .schema = "avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
              "bool count_include_pad=True) -> Tensor",
    .doc =
        R"(Mean of each window. Padding counts as zeros; without count_include_pad it does not count
in the number of elements either.

Shapes: (N, C, H, W) or (C, H, W) -> (N, C, P, Q), P = (H + 2*padding - KH) / stride + 1.
Dtypes: floating point.
Errors: InvalidArgument as max_pool2d, and for a dilation other than 1.
Source: torch.nn.functional.avg_pool2d.)",
    .flags = kComposite,
    .boxed = &box<&avg_pool2d_boxed>,
}};

}  // namespace

std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input,
                                                  const Pool2dOptions& options) {
  if (input.dim() == 3) {
    const auto [values, indices] = max_pool2d_with_indices(input.unsqueeze(0), options);
    return {values.squeeze(0), indices.squeeze(0)};
  }
  const std::array<int64_t, 8> attributes = attributes_of("max_pool2d", options);
  const Tensor* inputs[] = {&input};
  Tensor outputs[2];
  OpCall call{
      .op = kMaxPool2dWithIndices, .inputs = inputs, .attributes = attributes, .outputs = outputs};
  dispatch(call);
  return {outputs[0], outputs[1]};
}

Tensor max_pool2d(const Tensor& input, const Pool2dOptions& options) {
  return max_pool2d_with_indices(input, options).first;
}

Tensor max_pool2d_grad(const Tensor& grad, const Tensor& indices, const Shape& input_sizes) {
  const Tensor* inputs[] = {&grad, &indices};
  Tensor output = empty(input_sizes, grad.options());
  OpCall call{.op = kMaxPool2dGrad, .inputs = inputs, .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

// A convolution of every channel by itself with a kernel of ones, divided by the count.
Tensor avg_pool2d(const Tensor& input, const Pool2dOptions& options, bool count_include_pad) {
  if (input.dim() == 3)
    return avg_pool2d(input.unsqueeze(0), options, count_include_pad).squeeze(0);
  const std::array<int64_t, 8> a = attributes_of("avg_pool2d", options);
  check(input.is_floating_point(), ErrorCode::kDType, "avg_pool2d",
        "a floating point dtype is needed, got ", input.dtype(), "; convert it with to()");
  check(a[6] == 1 && a[7] == 1, ErrorCode::kInvalidArgument, "avg_pool2d",
        "dilation must be 1, got ", Shape{a[6], a[7]});
  const Shape sizes = input.sizes();
  const Windows windows = windows_of("avg_pool2d", sizes, a);
  const Conv2dOptions convolution = {windows.stride, windows.padding, {1, 1}, 1};
  const Tensor kernel = ones({1, 1, a[0], a[1]}, input.options());
  const Tensor images = input.reshape({sizes[0] * sizes[1], 1, sizes[2], sizes[3]});
  const Tensor sums = conv2d(images, kernel, {}, convolution)
                          .view({sizes[0], sizes[1], windows.count[0], windows.count[1]});
  if (count_include_pad || !windows.is_padded()) return sums.div(a[0] * a[1]);
  const Tensor inside = ones({1, 1, sizes[2], sizes[3]}, input.options());
  return sums.div(conv2d(inside, kernel, {}, convolution));
}

void register_pooling_ops(OpList& list) {
  for (const Op* op : {&kMaxPool2dWithIndices, &kMaxPool2d, &kMaxPool2dGrad, &kAvgPool2d})
    list.add(*op);
}

}  // namespace tenon
