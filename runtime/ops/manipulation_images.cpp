// Images (N, C, H, W) in other layouts.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/manipulation_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

constinit const Op kPixelShuffle{composite_spec(
    "pixel_shuffle", "pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
    R"(out[..., c, h*r + i, w*r + j] = self[..., c*r*r + i*r + j, h, w] with r = upscale_factor.
Shapes: (..., C*r*r, H, W) -> (..., C, H*r, W*r).
Errors: InvalidArgument below 3 dimensions, for r < 1 or channels that r*r does not divide.
Source: torch.nn.functional.pixel_shuffle; Shi et al., CVPR'16.)",
    &box<&pixel_shuffle>)};
constinit const Op kPixelUnshuffle{composite_spec(
    "pixel_unshuffle", "pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor",
    R"(The inverse of pixel_shuffle: out[..., c*r*r + i*r + j, h, w] = self[..., c, h*r + i, w*r + j].
Shapes: (..., C, H*r, W*r) -> (..., C*r*r, H, W).
Errors: InvalidArgument below 3 dimensions, for r < 1 or sizes that r does not divide.
Source: torch.nn.functional.pixel_unshuffle.)",
    &box<&pixel_unshuffle>)};

void check_images(const Tensor& self, int64_t factor, std::string_view op) {
  check(self.dim() >= 3, ErrorCode::kInvalidArgument, op,
        "at least 3 dimensions (..., C, H, W) were expected, got ", self, "; use unsqueeze first");
  check(factor >= 1, ErrorCode::kInvalidArgument, op, "the factor must be at least 1, got ",
        factor);
}

// ---- im2col and col2im ----

// attributes: image (col2im only), kernel, dilation, padding, stride; (height, width) each.
ops::Windows windows_of(const OpCall& call, const Shape& image) {
  const auto a = call.attributes.last(8);
  return ops::make_windows(call.op.name(), image, {a[0], a[1]}, {a[6], a[7]}, {a[4], a[5]},
                           {a[2], a[3]});
}

void infer_im2col(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const ops::Windows windows = windows_of(call, self.sizes());
  const int64_t rows = checked_mul(self.size(1), windows.kernel.numel(), "im2col");
  ops::give_output(call, 0, {self.size(0), rows, windows.count.numel()}, self.dtype());
}

// (N, C*KH*KW, P*Q) as (N, C, KH, KW, P, Q).
Tensor seen_as_windows(const Tensor& columns, int64_t channels, const ops::Windows& windows) {
  return columns.reshape({columns.size(0), channels, windows.kernel[0], windows.kernel[1],
                          windows.count[0], windows.count[1]});
}

void decompose_im2col(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const ops::Windows windows = windows_of(call, self.sizes());
  const Tensor view = ops::window_view(ops::pad(self, windows, 0), windows);
  primitive::copy(seen_as_windows(call.outputs[0], self.size(1), windows),
                  view.permute({0, 1, 4, 5, 2, 3}));
}

void infer_col2im(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Shape image = call.attributes.first(2);
  check(self.dtype() != kBool, ErrorCode::kDType, "col2im", "bool columns can't be added up; ",
        "convert them with to()");
  const ops::Windows windows = windows_of(call, image);
  const int64_t taps = windows.kernel.numel();
  check(self.size(1) % taps == 0 && self.size(2) == windows.count.numel(),
        ErrorCode::kInvalidArgument, "col2im", "columns (N, C*", taps, ", ", windows.count.numel(),
        ") were expected for ", windows.count, " windows of ", windows.kernel, ", got ",
        self.sizes());
  ops::give_output(call, 0, {self.size(0), self.size(1) / taps, image[0], image[1]}, self.dtype());
}

void decompose_col2im(OpCall& call) {
  const Tensor& out = call.outputs[0];
  const ops::Windows windows = windows_of(call, out.sizes());
  const Tensor parts = seen_as_windows(*call.inputs[0], out.size(1), windows);
  const Tensor sums = zeros(windows.padded_sizes(out.size(0), out.size(1)),
                            out.options().dtype(ops::accumulate_dtype(out.dtype())));
  const Tensor view = ops::window_view(sums, windows);
  for (int64_t r = 0; r < windows.kernel[0]; ++r)
    for (int64_t s = 0; s < windows.kernel[1]; ++s)
      view.select(5, s).select(4, r).add_(parts.select(2, r).select(2, s));
  primitive::copy(out, ops::interior(sums, windows));
}

Tensor im2col_boxed(const Tensor& self, const Shape& kernel, const Shape& dilation,
                    const Shape& padding, const Shape& stride) {
  return unfold(self, kernel, dilation, padding, stride);
}
Tensor col2im_boxed(const Tensor& self, const Shape& output, const Shape& kernel,
                    const Shape& dilation, const Shape& padding, const Shape& stride) {
  return fold(self, output, kernel, dilation, padding, stride);
}

const Op kIm2col{{
    .name = "im2col",
    .schema = "im2col(Tensor self, int[2] kernel_size, int[2] dilation=1, int[2] padding=0, "
              "int[2] stride=1) -> Tensor",
    .doc = R"(The windows of images as columns; in C++ unfold(x, kernel_size, ...).
out[n, (c*KH + i)*KW + j, p*Q + q] = self[n, c, p*stride - padding + i*dilation, ...], 0 outside.

Shapes: (N, C, H, W) or (C, H, W) -> (N, C*KH*KW, P*Q) or (C*KH*KW, P*Q),
  P = (H + 2*padding - dilation*(KH - 1) - 1) / stride + 1.
Dtypes: any.
Errors: InvalidArgument for other ranks, a kernel larger than the padded image, kernel, stride or
  dilation < 1, negative padding.
Source: torch.nn.functional.unfold.)",
    .boxed = &box_lists<&im2col_boxed>,
    .infer = &infer_im2col,
    .decompose = &decompose_im2col,
}};

const Op kCol2im{{
    .name = "col2im",
    .schema = "col2im(Tensor self, int[2] output_size, int[2] kernel_size, int[2] dilation=1, "
              "int[2] padding=0, int[2] stride=1) -> Tensor",
    .doc = R"(The sum of columns where their windows lie in an image; in C++ fold(x, ...). The
derivative of im2col; where windows overlap it is not the inverse.

Shapes: (N, C*KH*KW, P*Q) or (C*KH*KW, P*Q) -> (N, C, H, W) or (C, H, W) with output_size (H, W).
Dtypes: numbers.
Errors: InvalidArgument unless the sizes fit the windows, and as im2col; DType for bool.
Source: torch.nn.functional.fold.)",
    .boxed = &box_lists<&col2im_boxed>,
    .infer = &infer_col2im,
    .decompose = &decompose_col2im,
}};

std::vector<int64_t> joined(std::initializer_list<Shape> shapes) {
  std::vector<int64_t> all;
  for (const Shape& shape : shapes) all.insert(all.end(), shape.begin(), shape.end());
  return all;
}

}  // namespace

Tensor pixel_shuffle(const Tensor& self, int64_t upscale_factor) {
  check_images(self, upscale_factor, "pixel_shuffle");
  const int64_t r = upscale_factor, rank = self.dim();
  const int64_t area = checked_mul(r, r, "pixel_shuffle"), channels = self.size(-3) / area;
  check(self.size(-3) % area == 0, ErrorCode::kInvalidArgument, "pixel_shuffle",
        "the channels must be a multiple of ", area, " (the factor squared), got ", self.size(-3),
        " in ", self.sizes());
  const int64_t h = self.size(-2), w = self.size(-1);
  const Shape lead = self.sizes().slice(0, rank - 3);
  const Tensor parts = self.reshape({lead.numel(), channels, r, r, h, w});
  return parts.permute({0, 1, 4, 2, 5, 3})
      .reshape(lead + Shape{channels, checked_mul(h, r), checked_mul(w, r)});
}

Tensor pixel_unshuffle(const Tensor& self, int64_t downscale_factor) {
  check_images(self, downscale_factor, "pixel_unshuffle");
  const int64_t r = downscale_factor, rank = self.dim();
  const int64_t channels = self.size(-3), h = self.size(-2) / r, w = self.size(-1) / r;
  check(self.size(-2) % r == 0 && self.size(-1) % r == 0, ErrorCode::kInvalidArgument,
        "pixel_unshuffle", "height and width must be multiples of ", r, ", got ", self.sizes());
  const Shape lead = self.sizes().slice(0, rank - 3);
  const Tensor parts = self.reshape({lead.numel(), channels, h, r, w, r});
  return parts.permute({0, 1, 3, 5, 2, 4})
      .reshape(lead + Shape{checked_mul(channels, checked_mul(r, r)), h, w});
}

Tensor unfold(const Tensor& self, const Shape& kernel_size, const Shape& dilation,
              const Shape& padding, const Shape& stride) {
  check(self.dim() == 3 || self.dim() == 4, ErrorCode::kInvalidArgument, "im2col",
        "images (N, C, H, W) or (C, H, W) were expected, got ", self);
  check(!kernel_size.empty(), ErrorCode::kInvalidArgument, "im2col", "a kernel_size is needed");
  if (self.dim() == 3)
    return unfold(unsqueeze(self, 0), kernel_size, dilation, padding, stride).squeeze(0);
  return call_op(kIm2col, {&self},
                 joined({ops::both_dims("im2col", "kernel_size", kernel_size),
                         ops::both_dims("im2col", "dilation", dilation),
                         ops::both_dims("im2col", "padding", padding),
                         ops::both_dims("im2col", "stride", stride)}));
}

Tensor fold(const Tensor& self, const Shape& output_size, const Shape& kernel_size,
            const Shape& dilation, const Shape& padding, const Shape& stride) {
  check(self.dim() == 2 || self.dim() == 3, ErrorCode::kInvalidArgument, "col2im",
        "columns (N, C*KH*KW, L) or (C*KH*KW, L) were expected, got ", self);
  check(!output_size.empty() && !kernel_size.empty(), ErrorCode::kInvalidArgument, "col2im",
        "an output_size and a kernel_size are needed");
  if (self.dim() == 2)
    return fold(unsqueeze(self, 0), output_size, kernel_size, dilation, padding, stride).squeeze(0);
  const Shape image = ops::both_dims("col2im", "output_size", output_size);
  check(image[0] >= 1 && image[1] >= 1, ErrorCode::kInvalidArgument, "col2im",
        "output_size must be at least 1, got ", output_size);
  return call_op(kCol2im, {&self},
                 joined({image, ops::both_dims("col2im", "kernel_size", kernel_size),
                         ops::both_dims("col2im", "dilation", dilation),
                         ops::both_dims("col2im", "padding", padding),
                         ops::both_dims("col2im", "stride", stride)}));
}

void register_image_layout_ops(OpList& list) {
  for (const Op* op : {&kPixelShuffle, &kPixelUnshuffle, &kIm2col, &kCol2im}) list.add(*op);
}

}  // namespace tenon
