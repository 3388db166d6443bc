// Pooling over images (N, C, H, W).
#pragma once

#include <utility>

#include <tenon/runtime/tensor.h>

namespace tenon {

// As (height, width). Empty stride means the kernel's size.
struct Pool2dOptions {
  Shape kernel = {2, 2};
  Shape stride = {};
  Shape padding = {0, 0};
  Shape dilation = {1, 1};
};

TENON_API Tensor max_pool2d(const Tensor& input, const Pool2dOptions& options);  // greatest of each window
TENON_API std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Pool2dOptions& options);  // and where: h·W + w
TENON_API Tensor max_pool2d_grad(const Tensor& grad, const Tensor& indices, const Shape& input_sizes);  // grad at its index, 0 elsewhere
TENON_API Tensor avg_pool2d(const Tensor& input, const Pool2dOptions& options, bool count_include_pad = true);  // mean of each window

}  // namespace tenon
