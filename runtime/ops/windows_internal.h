// Sliding windows over images (N, C, H, W), for convolution and pooling.
#pragma once

#include <string_view>

#include <tenon/runtime/tensor.h>

namespace tenon::ops {

// All as (height, width). Window (p, q) has its first element at (p, q) · stride − padding.
struct Windows {
  Shape image, kernel, stride, padding, dilation;
  Shape count;  // windows along each dimension

  // Elements of all windows of one channel.
  [[nodiscard]] int64_t window_numel() const { return count[0] * count[1] * kernel[0] * kernel[1]; }
  [[nodiscard]] Shape padded_sizes(int64_t batch, int64_t channels) const {
    return {batch, channels, image[0] + 2 * padding[0], image[1] + 2 * padding[1]};
  }
  [[nodiscard]] bool is_padded() const noexcept { return padding[0] > 0 || padding[1] > 0; }
};

// (height, width) from two numbers, one for both, or none (= `fallback`). Errors: InvalidArgument.
[[nodiscard]] Shape both_dims(std::string_view op, const char* what, const Shape& given,
                              int64_t fallback);
[[nodiscard]] Shape both_dims(std::string_view op, const char* what, const Shape& given);

// image: sizes of the input, its last two are H and W. Errors: InvalidArgument for strides,
// dilations or kernels < 1, negative padding, a kernel larger than the padded image, overflow.
[[nodiscard]] Windows make_windows(std::string_view op, const Shape& input, const Shape& kernel,
                                   const Shape& stride, const Shape& padding,
                                   const Shape& dilation);

// `input` with a border of `value`; the input itself when there is no padding.
[[nodiscard]] Tensor pad(const Tensor& input, const Windows& windows, Scalar value);
// The part of a padded image that is not border (a view).
[[nodiscard]] Tensor interior(const Tensor& padded, const Windows& windows);
// The windows of a padded image as an overlapping view (N, C, P, Q, KH, KW).
[[nodiscard]] Tensor window_view(const Tensor& padded, const Windows& windows);

}  // namespace tenon::ops
