// (N, C) images of H x W, (P, Q) results, kernels of K = KH·KW elements.
#include <tenon/runtime/ops/pooling.h>

#include <array>
#include <limits>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/pooling_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

using ops::Windows;

// ---- geometry ----

Windows windows_of(std::string_view op, const Shape& input, const Pool2dOptions& options) {
  check(input.rank() == 4, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,H,W) or (C,H,W), got ", input);
  check(!options.kernel.empty(), ErrorCode::kInvalidArgument, op, "a kernel size is needed");
  const Shape kernel = ops::both_dims(op, "kernel", options.kernel);
  const Shape stride =
      options.stride.empty() ? kernel : ops::both_dims(op, "stride", options.stride);
  const Shape padding = ops::both_dims(op, "padding", options.padding);
  const Shape dilation = ops::both_dims(op, "dilation", options.dilation);
  check(padding[0] <= kernel[0] / 2 && padding[1] <= kernel[1] / 2, ErrorCode::kInvalidArgument, op,
        "padding may be at most half of the kernel, got padding=", padding, ", kernel=", kernel);
  return ops::make_windows(op, input, kernel, stride, padding, dilation, options.ceil_mode);
}

// Kernel, stride, padding, dilation (h, w each); 1 more where windows reach beyond the padded end,
// which plugins need not know.
ops::Attributes max_attributes(const Windows& w) {
  ops::Attributes a = {w.kernel[0],  w.kernel[1],  w.stride[0],   w.stride[1],
                       w.padding[0], w.padding[1], w.dilation[0], w.dilation[1]};
  if (w.has_extra()) a.push_back(1);
  return a;
}

Windows windows_of(const OpCall& call, const Shape& input) {
  const auto& a = call.attributes;
  return ops::make_windows(call.op.name(), input, {a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]},
                           {a[6], a[7]}, a.size() > 8);
}

// ---- max pooling ----

void infer_max_pool2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  ops::check_floating(call, input);
  const Shape sizes = input.sizes();
  const Windows windows = windows_of(call, sizes);
  const Shape result = {sizes[0], sizes[1], windows.count[0], windows.count[1]};
  ops::give_output(call, 0, result, input.dtype());
  ops::give_output(call, 1, result, kInt64);
}

// A position before the image, as a window of -Inf alone chooses it, becomes the first inside:
// position modulo the dilation.
const Op kFirstInside{{
    .name = "first_inside",
    .schema = "",
    .doc = "A step of max pooling, not public.",
    .flags = kPrimitive | kNoGradient,
    .emit =
        [](ProgramBuilder& p) {
          const uint32_t x = p.arg(0), dilation = p.scalar(0);
          const uint32_t rest = p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_REM, x, dilation), dilation);
          const uint32_t inside = p.op(TN_PROGRAM_REM, rest, dilation);
          const uint32_t outside = p.op(TN_PROGRAM_LT, x, p.constant(0));
          return p.op(TN_PROGRAM_WHERE, outside, inside, x);
        },
}};

// Position along one image dimension of each window's chosen element: (P or Q, 1 …) starts plus the
// offset that `chosen` (N, C, P, Q, 1) picks from `offsets` (K).
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
  return windows.padding[d] > 0 ? pointwise(kFirstInside, {result}, {windows.dilation[d]}) : result;
}

void decompose_max_pool2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  const Windows windows = windows_of(call, input.sizes());
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
                        const Shape& padding, const Shape& dilation,
                        std::optional<bool> ceil_mode) {
  return max_pool2d(input, {kernel, stride, padding, dilation, ceil_mode.value_or(false)});
}

std::pair<Tensor, Tensor> max_pool2d_with_indices_boxed(const Tensor& input, const Shape& kernel,
                                                        const Shape& stride, const Shape& padding,
                                                        const Shape& dilation,
                                                        std::optional<bool> ceil_mode) {
  return max_pool2d_with_indices(input,
                                 {kernel, stride, padding, dilation, ceil_mode.value_or(false)});
}

const Op kMaxPool2dWithIndices{{
    .name = "max_pool2d_with_indices",
    .schema = "max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], "
              "int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
    .doc =
        R"(Greatest element of each window, and where it is: h*W + w in the image, without padding.
Of equal elements the first counts; a NaN counts as greatest.

Shapes: (N, C, H, W) or (C, H, W) -> twice (N, C, P, Q),
  P = (H + 2*padding - dilation*(KH - 1) - 1) / stride + 1. An empty stride means the kernel's size.
  ceil_mode rounds P up, but no window begins beyond the image and the padding before it.
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
              "int[2] dilation=1, bool ceil_mode=False) -> Tensor",
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

// ---- average pooling and its gradient ----

// Kernel, stride, padding (h, w each), count_include_pad; where a plugin need not know them also:
// 1 for windows that reach beyond the padded end, the divisor or 0.
struct Average {
  Windows windows;
  bool include_pad = true;
  std::optional<int64_t> divisor = {};
};

Average average_of(std::string_view op, const Shape& input, const Pool2dOptions& options,
                   bool include_pad, std::optional<int64_t> divisor) {
  const Average average = {windows_of(op, input, options), include_pad, divisor};
  const Shape& dilation = average.windows.dilation;
  check(dilation[0] == 1 && dilation[1] == 1, ErrorCode::kInvalidArgument, op,
        "dilation must be 1, got ", dilation);
  check(divisor.value_or(1) != 0, ErrorCode::kInvalidArgument, op,
        "divisor_override must not be 0");
  return average;
}

ops::Attributes average_attributes(const Average& average) {
  const Windows& w = average.windows;
  ops::Attributes a = {w.kernel[0],
                       w.kernel[1],
                       w.stride[0],
                       w.stride[1],
                       w.padding[0],
                       w.padding[1],
                       average.include_pad ? 1 : 0};
  if (!w.has_extra() && !average.divisor) return a;
  a.push_back(w.has_extra() ? 1 : 0);
  a.push_back(average.divisor.value_or(0));
  return a;
}

Average average_of(const OpCall& call, const Shape& input) {
  const auto& a = call.attributes;
  const bool more = a.size() > 7;
  const Windows windows = ops::make_windows(call.op.name(), input, {a[0], a[1]}, {a[2], a[3]},
                                            {a[4], a[5]}, {1, 1}, more && a[7] != 0);
  const auto divisor = more && a[8] != 0 ? std::optional(a[8]) : std::nullopt;
  return {windows, a[6] != 0, divisor};
}

// Elements that count in the windows along dimension d. As in PyTorch a window ends at the padded
// border.
Tensor counts_along(const Average& average, int64_t d, const TensorOptions& options) {
  const Windows& w = average.windows;
  const Tensor start = arange(w.count[d], options).mul(w.stride[d]).sub(w.padding[d]);
  const int64_t border = average.include_pad ? w.image[d] + w.padding[d] : w.image[d];
  const Tensor end = clamp(start.add(w.kernel[d]), std::nullopt, border);
  return end.sub(average.include_pad ? start : clamp(start, 0, std::nullopt));
}

// sums divided by what each window holds.
void divide(Tensor out, const Tensor& sums, const Average& average) {
  const Windows& w = average.windows;
  const bool even = average.include_pad ? !w.has_extra() : !w.is_padded();
  if (average.divisor || even) {
    div_out(out, sums, average.divisor.value_or(w.kernel.numel()));
    return;
  }
  const TensorOptions options = sums.options();
  const Tensor rows = counts_along(average, 0, options),
               columns = counts_along(average, 1, options);
  div_out(out, sums, rows.unsqueeze(1).mul(columns));
}

void infer_avg_pool2d(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  ops::check_floating(call, input);
  const Shape sizes = input.sizes();
  const Shape count = average_of(call, sizes).windows.count;
  ops::give_output(call, 0, {sizes[0], sizes[1], count[0], count[1]}, input.dtype());
}

void decompose_avg_pool2d(OpCall& call) {
  const Tensor& out = call.outputs[0];
  const Tensor input = call.inputs[0]->to(ops::accumulate_dtype(out.dtype()));
  const Average average = average_of(call, input.sizes());
  const Tensor windows = ops::window_view(ops::pad(input, average.windows, 0), average.windows);
  const Tensor sums = empty(out.sizes() + Shape{1, 1}, input.options());
  primitive::reduce(sums, windows, TN_REDUCE_SUM, 1u << 4 | 1u << 5);
  divide(out, sums.view(out.sizes()), average);
}

// The sizes of the result are the caller's: output 0 comes allocated.
void infer_avg_pool2d_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Shape image = call.outputs[0].sizes();
  ops::check_floating(call, grad);
  const Shape count = average_of(call, image).windows.count;
  const Shape expected = {image[0], image[1], count[0], count[1]};
  check(grad.sizes() == expected, ErrorCode::kInvalidArgument, call.op.name(),
        "grad must have the sizes of the result, ", expected, ", got ", grad.sizes());
}

void decompose_avg_pool2d_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& out = call.outputs[0];
  const Average average = average_of(call, out.sizes());
  const Windows& w = average.windows;
  const TensorOptions wide = out.options().dtype(ops::accumulate_dtype(out.dtype()));
  const Tensor parts = empty(grad.sizes(), wide);
  divide(parts, grad.to(wide.dtype()), average);
  if (w.stride == w.kernel && !w.is_padded()) {  // every element lies in one window at most
    primitive::fill(out, 0);
    const Tensor windows = ops::window_view(out, w);
    primitive::copy(windows, parts.unsqueeze(4).unsqueeze(5).expand(windows.sizes()));
    return;
  }
  const Tensor padded = zeros(w.padded_sizes(out.size(0), out.size(1)), wide);
  const Tensor windows = ops::window_view(padded, w);
  for (int64_t r = 0; r < w.kernel[0]; ++r)
    for (int64_t s = 0; s < w.kernel[1]; ++s) windows.select(5, s).select(4, r).add_(parts);
  primitive::copy(out, ops::interior(padded, w));
}

Tensor avg_pool2d_boxed(const Tensor& input, const Shape& kernel, const Shape& stride,
                        const Shape& padding, std::optional<bool> count_include_pad,
                        std::optional<bool> ceil_mode, std::optional<int64_t> divisor) {
  return avg_pool2d(input, {kernel, stride, padding, {1, 1}, ceil_mode.value_or(false)},
                    count_include_pad.value_or(true), divisor);
}

Tensor avg_pool2d_grad_boxed(const Tensor& grad, const Shape& input_sizes, const Shape& kernel,
                             const Shape& stride, const Shape& padding,
                             std::optional<bool> count_include_pad, std::optional<bool> ceil_mode,
                             std::optional<int64_t> divisor) {
  return avg_pool2d_grad(grad, input_sizes,
                         {kernel, stride, padding, {1, 1}, ceil_mode.value_or(false)},
                         count_include_pad.value_or(true), divisor);
}

const Op kAvgPool2d{{
    .name = "avg_pool2d",
    .schema = "avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
              "bool count_include_pad=True, bool ceil_mode=False, int? divisor_override=None) -> "
              "Tensor",
    .doc =
        R"(Mean of each window. Padding counts as zeros; without count_include_pad it does not count
in the number of elements either. divisor_override divides the sums instead.

Shapes: (N, C, H, W) or (C, H, W) -> (N, C, P, Q), P = (H + 2*padding - KH) / stride + 1; ceil_mode as
  max_pool2d, and what lies beyond the padded end never counts.
Dtypes: floating point; f16 and bf16 are summed in f32.
Errors: InvalidArgument as max_pool2d, for a dilation other than 1, and for divisor_override=0.
Source: torch.nn.functional.avg_pool2d.)",
    .boxed = &box<&avg_pool2d_boxed>,
    .infer = &infer_avg_pool2d,
    .decompose = &decompose_avg_pool2d,
}};

const Op kAvgPool2dGrad{{
    .name = "avg_pool2d_grad",
    .schema = "avg_pool2d_grad(Tensor grad, int[4] input_sizes, int[2] kernel_size, "
              "int[2] stride=[], int[2] padding=0, bool count_include_pad=True, "
              "bool ceil_mode=False, int? divisor_override=None) -> Tensor",
    .doc =
        R"(Gradient of avg_pool2d: every element of a window gets the window's gradient over its count.

Shapes: grad (N, C, P, Q) -> input_sizes (N, C, H, W).
Dtypes, errors: as avg_pool2d; InvalidArgument when grad does not have the sizes of the result.)",
    .boxed = &box<&avg_pool2d_grad_boxed>,
    .infer = &infer_avg_pool2d_grad,
    .decompose = &decompose_avg_pool2d_grad,
}};

}  // namespace

std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input,
                                                  const Pool2dOptions& options) {
  if (input.dim() == 3) {
    const auto [values, indices] = max_pool2d_with_indices(input.unsqueeze(0), options);
    return {values.squeeze(0), indices.squeeze(0)};
  }
  const ops::Attributes attributes =
      max_attributes(windows_of("max_pool2d", input.sizes(), options));
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

Tensor avg_pool2d(const Tensor& input, const Pool2dOptions& options, bool count_include_pad,
                  std::optional<int64_t> divisor_override) {
  if (input.dim() == 3)
    return avg_pool2d(input.unsqueeze(0), options, count_include_pad, divisor_override).squeeze(0);
  const Average average =
      average_of("avg_pool2d", input.sizes(), options, count_include_pad, divisor_override);
  return call_op(kAvgPool2d, {&input}, std::span<const int64_t>(average_attributes(average)));
}

Tensor avg_pool2d_grad(const Tensor& grad, const Shape& input_sizes, const Pool2dOptions& options,
                       bool count_include_pad, std::optional<int64_t> divisor_override) {
  const Average average =
      average_of("avg_pool2d_grad", input_sizes, options, count_include_pad, divisor_override);
  const ops::Attributes attributes = average_attributes(average);
  const Tensor* inputs[] = {&grad};
  Tensor output = empty(input_sizes, grad.options());
  OpCall call{
      .op = kAvgPool2dGrad, .inputs = inputs, .attributes = attributes, .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

void register_pooling_ops(OpList& list) {
  for (const Op* op :
       {&kMaxPool2dWithIndices, &kMaxPool2d, &kMaxPool2dGrad, &kAvgPool2d, &kAvgPool2dGrad})
    list.add(*op);
  register_pooling_forms(list);
  register_adaptive_pooling_ops(list);
  register_resampling_ops(list);
}

}  // namespace tenon
