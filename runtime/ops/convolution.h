// Convolutions over images (N, C, H, W).
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// Stride, padding and dilation as (height, width).
struct Conv2dOptions {
  Shape stride = {1, 1};
  Shape padding = {0, 0};
  Shape dilation = {1, 1};
  int64_t groups = 1;
};

TENON_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});  // cross-correlation
TENON_API Tensor conv2d_input_grad(const Shape& input_sizes, const Tensor& grad, const Tensor& weight, const Conv2dOptions& options = {});  // ∂/∂input
TENON_API Tensor conv2d_weight_grad(const Shape& weight_sizes, const Tensor& grad, const Tensor& input, const Conv2dOptions& options = {});  // ∂/∂weight

}  // namespace tenon
