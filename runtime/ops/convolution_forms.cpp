// Convolutions that are made of conv2d and its gradient by the input: 1-d, 3-d, transposed.
#include <tenon/runtime/ops/convolution.h>

#include <vector>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/ops/convolution_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

// ---- padding that keeps the sizes ----

// How much of it lies at the end; one less at the start where the total is odd.
int64_t same_padding(std::string_view op, int64_t kernel, int64_t dilation, int64_t stride) {
  check(stride == 1, ErrorCode::kInvalidArgument, op,
        "padding 'same' is not supported for strided convolutions, got stride=", stride);
  check(kernel >= 1 && dilation >= 1, ErrorCode::kInvalidArgument, op,
        "kernel and dilation must be at least 1, got ", kernel, " and ", dilation);
  const int64_t total = checked_mul(dilation, kernel - 1, op);
  return total - total / 2;
}

// Padded equally on both sides the result has one element too many, the first.
Tensor without_first(const Tensor& result, int64_t dim, int64_t kernel, int64_t dilation) {
  const bool odd = dilation * (kernel - 1) % 2 != 0;
  return odd ? result.narrow(dim, 1, result.size(dim) - 1) : result;
}

// ---- 1-d: images of one row ----

Tensor as_image(std::string_view op, const Tensor& input, const Tensor& weight) {
  check((input.dim() == 2 || input.dim() == 3) && weight.dim() == 3, ErrorCode::kInvalidArgument,
        op, "input needs the dimensions (N,C,L) or (C,L) and weight 3 dimensions, got ",
        input.sizes(), " and ", weight.sizes());
  return input.unsqueeze(-2);
}

Tensor conv1d_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    std::optional<int64_t> stride, std::optional<int64_t> padding,
                    std::optional<int64_t> dilation, std::optional<int64_t> groups,
                    std::optional<AutoPadding> auto_padding) {
  return conv1d(input, weight, bias,
                {stride.value_or(1), padding.value_or(0), dilation.value_or(1), groups.value_or(1),
                 ops::auto_padding_of("conv1d", auto_padding)});
}

const Op kConv1d{{
    .name = "conv1d",
    .schema = "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int stride=1, int padding=0, "
              "int dilation=1, int groups=1, int auto_padding=0) -> Tensor",
    .doc = R"(conv2d in one dimension.

Shapes: input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O) -> (N, O, P) with
  P = (L + 2*padding - dilation*(K - 1) - 1) / stride + 1.
Dtypes, errors: as conv2d.
Source: torch.nn.functional.conv1d.)",
    .flags = kComposite,
    .boxed = &box<&conv1d_boxed>,
}};

// ---- 3-d: the frames of a window become channels of an image ----

// One number stands for depth, height and width.
Shape three_dims(const char* what, const Shape& given, int64_t fallback) {
  if (given.empty()) return {fallback, fallback, fallback};
  if (given.rank() == 1) return {given[0], given[0], given[0]};
  check(given.rank() == 3, ErrorCode::kInvalidArgument, "conv3d", what,
        " takes one number or (depth, height, width), got ", given);
  return given;
}

// Frames of zeros before and after.
Tensor pad_depth(const Tensor& input, int64_t padding) {
  if (padding == 0) return input;
  Shape sizes = input.sizes();
  sizes[2] = padding;
  const Tensor border = zeros(sizes, input.options());
  const Tensor parts[] = {border, input, border};
  return cat(parts, 2);
}

Tensor conv3d_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const Shape& stride, const Shape& padding, const Shape& dilation,
                    std::optional<int64_t> groups, std::optional<AutoPadding> auto_padding) {
  return conv3d(input, weight, bias,
                {stride, padding, dilation, groups.value_or(1),
                 ops::auto_padding_of("conv3d", auto_padding)});
}

const Op kConv3d{{
    .name = "conv3d",
    .schema = "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
              "int[3] padding=0, int[3] dilation=1, int groups=1, int auto_padding=0) -> Tensor",
    .doc = R"(conv2d in three dimensions.

Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, KD, KH, KW), bias (O) ->
  (N, O, Q, P, R), each as conv2d's.
Dtypes, errors: as conv2d.
Source: torch.nn.functional.conv3d.)",
    .flags = kComposite,
    .boxed = &box<&conv3d_boxed>,
}};

// ---- transposed ----

Tensor transpose1d_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                         std::optional<int64_t> stride, std::optional<int64_t> padding,
                         std::optional<int64_t> output_padding, std::optional<int64_t> groups,
                         std::optional<int64_t> dilation) {
  return conv_transpose1d(input, weight, bias,
                          {stride.value_or(1), padding.value_or(0), output_padding.value_or(0),
                           groups.value_or(1), dilation.value_or(1)});
}

Tensor transpose2d_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                         const Shape& stride, const Shape& padding, const Shape& output_padding,
                         std::optional<int64_t> groups, const Shape& dilation) {
  return conv_transpose2d(input, weight, bias,
                          {stride, padding, output_padding, groups.value_or(1), dilation});
}

const Op kConvTranspose1d{{
    .name = "conv_transpose1d",
    .schema = "conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int stride=1, "
              "int padding=0, int output_padding=0, int groups=1, int dilation=1) -> Tensor",
    .doc = R"(conv_transpose2d in one dimension.

Shapes: input (N, C, L) or (C, L), weight (C, O/groups, K), bias (O) -> (N, O, P) with
  P = (L - 1)*stride - 2*padding + dilation*(K - 1) + output_padding + 1.
Dtypes, errors: as conv_transpose2d.
Source: torch.nn.functional.conv_transpose1d.)",
    .flags = kComposite,
    .boxed = &box<&transpose1d_boxed>,
}};

const Op kConvTranspose2d{{
    .name = "conv_transpose2d",
    .schema = "conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
              "int[2] padding=0, int[2] output_padding=0, int groups=1, int[2] dilation=1) -> "
              "Tensor",
    .doc =
        R"(The gradient of conv2d by its input, plus bias: every element adds its multiple of the kernel to the
result.

Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, KH, KW), bias (O) -> (N, O, P, Q) with
  P = (H - 1)*stride - 2*padding + dilation*(KH - 1) + output_padding + 1.
Dtypes: one floating point dtype for all; sums are kept in f32 at least.
Errors: InvalidArgument for sizes that do not go together, a result without elements, or an
  output_padding that is not smaller than stride or dilation; DType; Device.
Source: torch.nn.functional.conv_transpose2d.)",
    .flags = kComposite,
    .boxed = &box<&transpose2d_boxed>,
}};

constexpr std::string_view kTransposed = "conv_transpose2d";

void check_transposed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      int64_t groups) {
  check(input.dim() == 4 && weight.dim() == 4, ErrorCode::kInvalidArgument, kTransposed,
        "input (N,C,H,W) and weight (C,O/groups,KH,KW) need 4 dimensions, got ", input.sizes(),
        " and ", weight.sizes());
  check(groups >= 1 && weight.size(0) % groups == 0, ErrorCode::kInvalidArgument, kTransposed,
        "channels must be divisible by groups, got ", weight.size(0), " with groups=", groups);
  check(input.size(1) == weight.size(0), ErrorCode::kInvalidArgument, kTransposed, "weight ",
        weight.sizes(), " takes ", weight.size(0), " input channels, got input ", input.sizes());
  if (!bias.defined()) return;
  check(bias.sizes() == Shape{weight.size(1) * groups}, ErrorCode::kInvalidArgument, kTransposed,
        "bias must have sizes (", weight.size(1) * groups, "), got ", bias.sizes());
  check(bias.dtype() == input.dtype(), ErrorCode::kDType, kTransposed,
        "all tensors must have the same dtype, got ", input.dtype(), " and ", bias.dtype(),
        "; convert one with to()");
}

struct Transposed {
  Shape stride, padding, extra, dilation;
  Shape full = {};    // (H, W) of the result without any padding
  Shape result = {};  // … with it
};

Transposed transposed_of(const Tensor& input, const Tensor& weight,
                         const ConvTranspose2dOptions& options) {
  Transposed t{ops::both_dims(kTransposed, "stride", options.stride),
               ops::both_dims(kTransposed, "padding", options.padding),
               ops::both_dims(kTransposed, "output_padding", options.output_padding, 0),
               ops::both_dims(kTransposed, "dilation", options.dilation)};
  for (int64_t d = 0; d < 2; ++d) {
    const int64_t kernel = weight.size(2 + d), stride = t.stride[d], dilation = t.dilation[d];
    check(kernel >= 1 && stride >= 1 && dilation >= 1 && t.padding[d] >= 0,
          ErrorCode::kInvalidArgument, kTransposed,
          "kernel, stride and dilation must be at least 1 and padding at least 0, got weight ",
          weight.sizes(), ", stride=", t.stride, ", dilation=", t.dilation,
          ", padding=", t.padding);
    check(t.extra[d] >= 0 && (t.extra[d] < stride || t.extra[d] < dilation),
          ErrorCode::kInvalidArgument, kTransposed,
          "output_padding must be smaller than either stride or dilation, got output_padding=",
          t.extra, ", stride=", t.stride, ", dilation=", t.dilation);
    const int64_t reach = checked_mul(dilation, kernel - 1, kTransposed) + 1;
    t.full.push_back(
        checked_add(checked_mul(input.size(2 + d) - 1, stride, kTransposed), reach, kTransposed));
    t.result.push_back(t.full[d] - checked_mul(2, t.padding[d], kTransposed) + t.extra[d]);
    check(input.size(2 + d) >= 1 && t.result[d] >= 1, ErrorCode::kInvalidArgument, kTransposed,
          "the result would have no elements: input ", input.sizes(), " gives (H,W) ", t.result,
          "; use less padding");
  }
  return t;
}

// The part of a result without padding: from `padding` on, continued by zeros.
Tensor cropped(const Tensor& full, const Transposed& t) {
  Tensor result = full;
  for (int64_t d = 0; d < 2; ++d) {
    const int64_t missing = t.padding[d] + t.result[d] - t.full[d];
    if (missing > 0) {
      Shape sizes = result.sizes();
      sizes[2 + d] = missing;
      const Tensor parts[] = {result, zeros(sizes, full.options())};
      result = cat(parts, 2 + d);
    }
    result = result.narrow(2 + d, t.padding[d], t.result[d]);
  }
  return result;
}

}  // namespace

namespace ops {

Tensor conv2d_same(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   const Conv2dOptions& options) {
  check(weight.dim() == 4, ErrorCode::kInvalidArgument, "conv2d",
        "weight (O,C/groups,KH,KW) needs 4 dimensions, got ", weight.sizes());
  Conv2dOptions given = {both_dims("conv2d", "stride", options.stride),
                         {0, 0},
                         both_dims("conv2d", "dilation", options.dilation),
                         options.groups};
  for (int64_t d = 0; d < 2; ++d)
    given.padding[d] =
        same_padding("conv2d", weight.size(2 + d), given.dilation[d], given.stride[d]);
  Tensor result = conv2d(input, weight, bias, given);
  for (int64_t d = 0; d < 2; ++d)
    result = without_first(result, 2 + d, weight.size(2 + d), given.dilation[d]);
  return result;
}

}  // namespace ops

Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  const Tensor image = as_image("conv1d", input, weight);
  const Conv2dOptions row = {{1, options.stride},
                             {0, options.padding},
                             {1, options.dilation},
                             options.groups,
                             options.auto_padding};
  return conv2d(image, weight.unsqueeze(-2), bias, row).squeeze(-2);
}

Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias,
              const Conv3dOptions& options) {
  if (input.dim() == 4) return conv3d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  check(input.dim() == 5 && weight.dim() == 5, ErrorCode::kInvalidArgument, "conv3d",
        "input (N,C,D,H,W) and weight (O,C/groups,KD,KH,KW) need 5 dimensions, got ", input.sizes(),
        " and ", weight.sizes());
  const Shape k = weight.sizes(), stride = three_dims("stride", options.stride, 1),
              dilation = three_dims("dilation", options.dilation, 1);
  Shape padding = three_dims("padding", options.padding, 0);
  if (options.auto_padding == AutoPadding::kValid) padding = {0, 0, 0};
  const bool same = options.auto_padding == AutoPadding::kSame;
  for (int64_t d = 0; same && d < 3; ++d)
    padding[d] = same_padding("conv3d", k[2 + d], dilation[d], stride[d]);
  check(k[2] >= 1 && stride[0] >= 1 && dilation[0] >= 1 && padding[0] >= 0,
        ErrorCode::kInvalidArgument, "conv3d",
        "kernel, stride and dilation must be at least 1 and padding at least 0, got weight ", k,
        ", stride=", stride, ", dilation=", dilation, ", padding=", padding);
  const int64_t reach = checked_mul(dilation[0], k[2] - 1, "conv3d") + 1;
  const Tensor padded = pad_depth(input, padding[0]);
  check(reach <= padded.size(2), ErrorCode::kInvalidArgument, "conv3d", "the kernel covers ", reach,
        " elements of dimension D, but the padded input has only ", padded.size(2),
        "; use more padding or a smaller kernel");
  const int64_t frames = (padded.size(2) - reach) / stride[0] + 1;
  std::vector<Tensor> shifted;  // frame r of every window, (N, C, frames, H, W)
  for (int64_t r = 0; r < k[2]; ++r) {
    const int64_t first = r * dilation[0];
    shifted.push_back(padded.slice(2, first, first + (frames - 1) * stride[0] + 1, stride[0]));
  }
  const Shape s = input.sizes();
  const Tensor images = stack(shifted, 2)  // (N, C, KD, frames, H, W)
                            .permute({0, 3, 1, 2, 4, 5})
                            .reshape({s[0] * frames, s[1] * k[2], s[3], s[4]});
  const Tensor flat = weight.reshape({k[0], k[1] * k[2], k[3], k[4]});
  const Tensor out = conv2d(images, flat, bias,
                            {{stride[1], stride[2]},
                             {padding[1], padding[2]},
                             {dilation[1], dilation[2]},
                             options.groups});
  Tensor result =
      out.reshape({s[0], frames, k[0], out.size(2), out.size(3)}).permute({0, 2, 1, 3, 4});
  for (int64_t d = 0; same && d < 3; ++d)
    result = without_first(result, 2 + d, k[2 + d], dilation[d]);
  return result;
}

Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  if (input.dim() == 3)
    return conv_transpose2d(input.unsqueeze(0), weight, bias, options).squeeze(0);
  check_transposed(input, weight, bias, options.groups);
  const Transposed t = transposed_of(input, weight, options);
  const int64_t batch = input.size(0), channels = weight.size(1) * options.groups;
  // A convolution tells sizes apart only up to its stride.
  const bool direct = t.extra[0] < t.stride[0] && t.extra[1] < t.stride[1];
  const Shape& image = direct ? t.result : t.full;
  Tensor result =
      conv2d_input_grad({batch, channels, image[0], image[1]}, input, weight,
                        {t.stride, direct ? t.padding : Shape{0, 0}, t.dilation, options.groups});
  if (!direct) result = cropped(result, t);
  return bias.defined() ? add(result, bias.view({channels, 1, 1})) : result;
}

Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose1dOptions& options) {
  const Tensor image = as_image("conv_transpose1d", input, weight);
  const ConvTranspose2dOptions row = {{1, options.stride},
                                      {0, options.padding},
                                      {0, options.output_padding},
                                      options.groups,
                                      {1, options.dilation}};
  return conv_transpose2d(image, weight.unsqueeze(-2), bias, row).squeeze(-2);
}

void register_convolution_forms(OpList& list) {
  for (const Op* op : {&kConv1d, &kConv3d, &kConvTranspose1d, &kConvTranspose2d}) list.add(*op);
}

}  // namespace tenon
