// Convolutions over images (N, C, H, W), sequences (N, C, L) and volumes (N, C, D, H, W); the batch
// dimension may be left out.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// Padding that follows from the kernel: none, or so much that the sizes stay (stride 1 only).
enum class AutoPadding : uint8_t { kNone, kValid, kSame };

// Stride, padding and dilation as (height, width). auto_padding takes the place of padding.
struct Conv2dOptions {
  Shape stride = {1, 1};
  Shape padding = {0, 0};
  Shape dilation = {1, 1};
  int64_t groups = 1;
  AutoPadding auto_padding = AutoPadding::kNone;
};

struct Conv1dOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
  AutoPadding auto_padding = AutoPadding::kNone;
};

// As (depth, height, width).
struct Conv3dOptions {
  Shape stride = {1, 1, 1};
  Shape padding = {0, 0, 0};
  Shape dilation = {1, 1, 1};
  int64_t groups = 1;
  AutoPadding auto_padding = AutoPadding::kNone;
};

// output_padding makes the result larger at its end: of all sizes that a strided convolution maps to
// the input's it chooses one.
struct ConvTranspose2dOptions {
  Shape stride = {1, 1};
  Shape padding = {0, 0};
  Shape output_padding = {0, 0};
  int64_t groups = 1;
  Shape dilation = {1, 1};
};

struct ConvTranspose1dOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t output_padding = 0;
  int64_t groups = 1;
  int64_t dilation = 1;
};

TENON_API Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const Conv1dOptions& options = {});  // cross-correlation
TENON_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {});  // cross-correlation
TENON_API Tensor conv3d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const Conv3dOptions& options = {});  // cross-correlation
TENON_API Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const ConvTranspose1dOptions& options = {});  // gradient of conv1d by its input
TENON_API Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const ConvTranspose2dOptions& options = {});  // gradient of conv2d by its input
TENON_API Tensor conv2d_input_grad(const Shape& input_sizes, const Tensor& grad, const Tensor& weight, const Conv2dOptions& options = {});  // ∂/∂input
TENON_API Tensor conv2d_weight_grad(const Shape& weight_sizes, const Tensor& grad, const Tensor& input, const Conv2dOptions& options = {});  // ∂/∂weight

}  // namespace tenon
