// Forms of pooling on top of the two over images: sequences, p-norms, and the way back.
#include <tenon/runtime/ops/pooling.h>

#include <cmath>
#include <limits>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/pooling_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

// ---- sequences are images of one row ----

Tensor as_image(std::string_view op, const Tensor& input) {
  check(input.dim() == 2 || input.dim() == 3, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,L) or (C,L), got ", input.sizes());
  return input.unsqueeze(-2);
}

Pool2dOptions one_row(std::string_view op, const Pool1dOptions& o) {
  check(o.kernel >= 1 && o.stride.value_or(1) >= 1 && o.dilation >= 1 && o.padding >= 0,
        ErrorCode::kInvalidArgument, op,
        "kernel, stride and dilation must be at least 1 and padding at least 0, got kernel=",
        o.kernel, ", stride=", o.stride.value_or(o.kernel), ", dilation=", o.dilation,
        ", padding=", o.padding);
  check(o.padding <= o.kernel / 2, ErrorCode::kInvalidArgument, op,
        "padding may be at most half of the kernel, got padding=", o.padding,
        ", kernel=", o.kernel);
  return {{1, o.kernel},
          {1, o.stride.value_or(o.kernel)},
          {0, o.padding},
          {1, o.dilation},
          o.ceil_mode};
}

Pool1dOptions options_1d(int64_t kernel, std::optional<int64_t> stride,
                         std::optional<int64_t> padding, std::optional<int64_t> dilation,
                         std::optional<bool> ceil_mode) {
  return {kernel, stride, padding.value_or(0), dilation.value_or(1), ceil_mode.value_or(false)};
}

Tensor max_pool1d_boxed(const Tensor& input, int64_t kernel, std::optional<int64_t> stride,
                        std::optional<int64_t> padding, std::optional<int64_t> dilation,
                        std::optional<bool> ceil_mode) {
  return max_pool1d(input, options_1d(kernel, stride, padding, dilation, ceil_mode));
}

std::pair<Tensor, Tensor> max_pool1d_with_indices_boxed(const Tensor& input, int64_t kernel,
                                                        std::optional<int64_t> stride,
                                                        std::optional<int64_t> padding,
                                                        std::optional<int64_t> dilation,
                                                        std::optional<bool> ceil_mode) {
  return max_pool1d_with_indices(input, options_1d(kernel, stride, padding, dilation, ceil_mode));
}

Tensor avg_pool1d_boxed(const Tensor& input, int64_t kernel, std::optional<int64_t> stride,
                        std::optional<int64_t> padding, std::optional<bool> count_include_pad,
                        std::optional<bool> ceil_mode) {
  return avg_pool1d(input, options_1d(kernel, stride, padding, {}, ceil_mode),
                    count_include_pad.value_or(true));
}

const Op kMaxPool1dWithIndices{{
    .name = "max_pool1d_with_indices",
    .schema = "max_pool1d_with_indices(Tensor self, int kernel_size, int? stride=None, "
              "int padding=0, int dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
    .doc =
        R"(Greatest element of each window of a sequence, and its position; max_pool2d_with_indices in one
dimension.

Shapes: (N, C, L) or (C, L) -> twice (N, C, P).
Dtypes, errors: as max_pool2d_with_indices.
Source: torch.nn.functional.max_pool1d.)",
    .flags = kComposite,
    .boxed = &box<&max_pool1d_with_indices_boxed>,
}};

const Op kMaxPool1d{{
    .name = "max_pool1d",
    .schema = "max_pool1d(Tensor self, int kernel_size, int? stride=None, int padding=0, "
              "int dilation=1, bool ceil_mode=False) -> Tensor",
    .doc = R"(Greatest element of each window; max_pool1d_with_indices without the indices.)",
    .flags = kComposite,
    .boxed = &box<&max_pool1d_boxed>,
}};

const Op kAvgPool1d{{
    .name = "avg_pool1d",
    .schema = "avg_pool1d(Tensor self, int kernel_size, int? stride=None, int padding=0, "
              "bool count_include_pad=True, bool ceil_mode=False) -> Tensor",
    .doc = R"(Mean of each window of a sequence; avg_pool2d in one dimension.

Shapes: (N, C, L) or (C, L) -> (N, C, P).
Dtypes, errors: as avg_pool2d.
Source: torch.nn.functional.avg_pool1d.)",
    .flags = kComposite,
    .boxed = &box<&avg_pool1d_boxed>,
}};

// ---- p-norms ----

Tensor lp_pool2d_boxed(const Tensor& input, double norm_type, const Shape& kernel,
                       const Shape& stride, std::optional<bool> ceil_mode) {
  return lp_pool2d(input, norm_type, {kernel, stride, {}, {}, ceil_mode.value_or(false)});
}

const Op kLpPool2d{{
    .name = "lp_pool2d",
    .schema = "lp_pool2d(Tensor self, float norm_type, int[2] kernel_size, int[2] stride=[], "
              "bool ceil_mode=False) -> Tensor",
    .doc =
        R"((sum of x^p over each window)^(1/p); p may be infinite (greatest |x|, with -Inf the least). With
ceil_mode a window that reaches beyond the image counts as if it were filled up with its mean, as in
PyTorch.

Shapes: as avg_pool2d.
Dtypes: floating point.
Errors: InvalidArgument for p = 0, padding, and as avg_pool2d.
Source: torch.nn.functional.lp_pool2d.)",
    .flags = kComposite,
    .boxed = &box<&lp_pool2d_boxed>,
}};

// ---- unpooling ----

// Input (N, C, P, Q), indices alike; output 0 comes allocated, (N, C, H, W).
void infer_unpool(OpCall& call) {
  const Tensor &input = *call.inputs[0], &indices = *call.inputs[1];
  ops::check_one_device(call);
  check(indices.dtype() == kInt64 && indices.sizes() == input.sizes(), ErrorCode::kInvalidArgument,
        call.op.name(), "indices must be int64 of the sizes of input, ", input.sizes(), ", got ",
        indices.dtype(), " ", indices.sizes());
}

Tensor as_planes(const Tensor& images) {
  const Shape s = images.sizes();
  return images.reshape({s[0], s[1], s[2] * s[3]});
}

void decompose_unpool(OpCall& call) {
  const Tensor& out = call.outputs[0];
  primitive::fill(out, 0);
  const Shape s = out.sizes();
  if (call.inputs[0]->numel() > 0)
    primitive::scatter(out.view({s[0], s[1], s[2] * s[3]}), as_planes(*call.inputs[1]),
                       as_planes(*call.inputs[0]), 2, TN_SCATTER_SET);
}

Tensor unpool_boxed(const Tensor& input, const Tensor& indices, const Shape& kernel,
                    const Shape& stride, const Shape& padding, const Shape& output_size) {
  return max_unpool2d(input, indices, {kernel, stride, padding}, output_size);
}

const Op kMaxUnpool2d{{
    .name = "max_unpool2d",
    .schema = "max_unpool2d(Tensor self, Tensor indices, int[2] kernel_size, int[2] stride=[], "
              "int[2] padding=0, int[2] output_size=[]) -> Tensor",
    .doc =
        R"(The way back from max_pool2d_with_indices: out is 0, then out[n, c, indices[n, c, p, q]] =
self[n, c, p, q]; of equal indices the last counts.

Shapes: (N, C, P, Q) or (C, P, Q) -> (N, C, H, W) with H = (P - 1)*stride - 2*padding + KH, or
  output_size, which may differ by less than a stride.
Dtypes: any; indices int64.
Errors: InvalidArgument when sizes do not match; Index for an index outside of H*W.
Source: torch.nn.functional.max_unpool2d.)",
    .boxed = &box<&unpool_boxed>,
    .infer = &infer_unpool,
    .decompose = &decompose_unpool,
}};

// (H, W) of the result. Errors: InvalidArgument.
Shape unpooled_sizes(const Tensor& input, const Pool2dOptions& options, const Shape& wanted) {
  constexpr std::string_view kOp = "max_unpool2d";
  check(!options.kernel.empty(), ErrorCode::kInvalidArgument, kOp, "a kernel size is needed");
  const Shape kernel = ops::both_dims(kOp, "kernel", options.kernel);
  const Shape stride =
      options.stride.empty() ? kernel : ops::both_dims(kOp, "stride", options.stride);
  const Shape padding = ops::both_dims(kOp, "padding", options.padding);
  Shape result;
  for (int64_t d = 0; d < 2; ++d) {
    check(kernel[d] >= 1 && stride[d] >= 1 && padding[d] >= 0, ErrorCode::kInvalidArgument, kOp,
          "kernel and stride must be at least 1 and padding at least 0, got kernel=", kernel,
          ", stride=", stride, ", padding=", padding);
    const int64_t own =
        checked_add(checked_mul(input.size(d + 2) - 1, stride[d], kOp), kernel[d], kOp) -
        checked_mul(2, padding[d], kOp);
    result.push_back(own);
  }
  if (wanted.empty()) {
    check(result[0] >= 0 && result[1] >= 0, ErrorCode::kInvalidArgument, kOp,
          "the result would have sizes ", result, "; use less padding or give output_size");
    return result;
  }
  const bool two = wanted.rank() == 2;
  for (int64_t d = 0; d < 2; ++d)
    check(two && wanted[d] > result[d] - stride[d] && wanted[d] < result[d] + stride[d] &&
              wanted[d] >= 0,
          ErrorCode::kInvalidArgument, kOp, "output_size must be (H, W) within a stride of ",
          result, ", got ", wanted);
  return wanted;
}

}  // namespace

std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input,
                                                  const Pool1dOptions& options) {
  const Tensor image = as_image("max_pool1d", input);
  const auto [values, indices] = max_pool2d_with_indices(image, one_row("max_pool1d", options));
  return {values.squeeze(-2), indices.squeeze(-2)};
}

Tensor max_pool1d(const Tensor& input, const Pool1dOptions& options) {
  return max_pool1d_with_indices(input, options).first;
}

Tensor avg_pool1d(const Tensor& input, const Pool1dOptions& options, bool count_include_pad) {
  const Tensor image = as_image("avg_pool1d", input);
  return avg_pool2d(image, one_row("avg_pool1d", options), count_include_pad).squeeze(-2);
}

Tensor lp_pool2d(const Tensor& input, double norm_type, const Pool2dOptions& options) {
  check(norm_type != 0, ErrorCode::kInvalidArgument, "lp_pool2d", "norm_type must not be 0");
  const Shape padding = ops::both_dims("lp_pool2d", "padding", options.padding);
  check(padding[0] == 0 && padding[1] == 0, ErrorCode::kInvalidArgument, "lp_pool2d",
        "padding must be 0, got ", padding);
  check(input.is_floating_point(), ErrorCode::kDType, "lp_pool2d",
        "a floating point dtype is needed, got ", input.dtype(), "; convert it with to()");
  if (std::isinf(norm_type)) {
    const Tensor sizes = abs(input);
    return norm_type > 0 ? max_pool2d(sizes, options) : neg(max_pool2d(neg(sizes), options));
  }
  const Tensor means = avg_pool2d(pow(input, norm_type), options);
  const Shape kernel = ops::both_dims("lp_pool2d", "kernel", options.kernel);
  return pow(mul(means, kernel.numel()), 1 / norm_type);
}

Tensor max_unpool2d(const Tensor& input, const Tensor& indices, const Pool2dOptions& options,
                    const Shape& output_size) {
  if (input.dim() == 3 && indices.dim() == 3)
    return max_unpool2d(input.unsqueeze(0), indices.unsqueeze(0), options, output_size).squeeze(0);
  check(input.dim() == 4, ErrorCode::kInvalidArgument, "max_unpool2d",
        "input and indices need the dimensions (N,C,P,Q) or (C,P,Q), got ", input.sizes(), " and ",
        indices.sizes());
  const Shape image = unpooled_sizes(input, options, output_size);
  Tensor output = empty({input.size(0), input.size(1), image[0], image[1]}, input.options());
  const Tensor* inputs[] = {&input, &indices};
  OpCall call{.op = kMaxUnpool2d, .inputs = inputs, .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

void register_pooling_forms(OpList& list) {
  for (const Op* op : {&kMaxPool1dWithIndices, &kMaxPool1d, &kAvgPool1d, &kLpPool2d, &kMaxUnpool2d})
    list.add(*op);
}

}  // namespace tenon
