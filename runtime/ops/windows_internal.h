// Sliding windows over images (N, C, H, W), for convolution and pooling.
#pragma once

#include <string_view>

#include <tenon/runtime/tensor.h>

namespace tenon::ops {

// All as (height, width). Window (p, q) has its first element at (p, q) · stride − padding.
struct Windows {
  Shape image, kernel, stride, padding, dilation;
  Shape count = {};  // windows along each dimension
  Shape extra = {};  // padding at the end only, for windows that reach beyond (ceil_mode)

  // Elements of all windows of one channel.
  [[nodiscard]] int64_t window_numel() const { return count[0] * count[1] * kernel[0] * kernel[1]; }
  [[nodiscard]] Shape padded_sizes(int64_t batch, int64_t channels) const {
    return {batch, channels, image[0] + 2 * padding[0] + extra[0],
            image[1] + 2 * padding[1] + extra[1]};
  }
  [[nodiscard]] bool has_extra() const noexcept { return extra[0] > 0 || extra[1] > 0; }
  [[nodiscard]] bool is_padded() const noexcept {
    return padding[0] > 0 || padding[1] > 0 || has_extra();
  }
};

// (height, width) from two numbers, one for both, or none (= `fallback`). Errors: InvalidArgument.
[[nodiscard]] Shape both_dims(std::string_view op, const char* what, const Shape& given,
                              int64_t fallback);
[[nodiscard]] Shape both_dims(std::string_view op, const char* what, const Shape& given);

// image: sizes of the input, its last two are H and W. Errors: InvalidArgument for strides,
// dilations or kernels < 1, negative padding, a kernel larger than the padded image, overflow.
// With ceil_mode windows may reach beyond the padded image, if they begin inside or in the padding
// before it.
[[nodiscard]] Windows make_windows(std::string_view op, const Shape& input, const Shape& kernel,
                                   const Shape& stride, const Shape& padding,
                                   const Shape& dilation, bool ceil_mode = false);

// `input` with a border of `value`; the input itself when there is no padding.
[[nodiscard]] Tensor pad(const Tensor& input, const Windows& windows, Scalar value);
// The part of a padded image that is not border (a view).
[[nodiscard]] Tensor interior(const Tensor& padded, const Windows& windows);
// The windows of a padded image as an overlapping view (N, C, P, Q, KH, KW).
[[nodiscard]] Tensor window_view(const Tensor& padded, const Windows& windows);

}  // namespace tenon::ops
