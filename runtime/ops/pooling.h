// Pooling and resampling of images (N, C, H, W) or (C, H, W) and of sequences (N, C, L) or (C, L).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// As (height, width). Empty stride means the kernel's size.
struct Pool2dOptions {
  Shape kernel = {2, 2};
  Shape stride = {};
  Shape padding = {0, 0};
  Shape dilation = {1, 1};
  bool ceil_mode = false;  // windows may reach beyond the padded end
};

struct Pool1dOptions {
  int64_t kernel = 2;
  std::optional<int64_t> stride = {};
  int64_t padding = 0;
  int64_t dilation = 1;
  bool ceil_mode = false;
};

// ---- pooling ----
TENON_API Tensor max_pool2d(const Tensor& input, const Pool2dOptions& options);  // greatest of each window
TENON_API std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Pool2dOptions& options);  // and where: h·W + w
TENON_API Tensor max_pool2d_grad(const Tensor& grad, const Tensor& indices, const Shape& input_sizes);  // grad at its index, 0 elsewhere
TENON_API Tensor max_pool1d(const Tensor& input, const Pool1dOptions& options);  // greatest of each window
TENON_API std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const Pool1dOptions& options);  // and where
TENON_API Tensor avg_pool2d(const Tensor& input, const Pool2dOptions& options, bool count_include_pad = true, std::optional<int64_t> divisor_override = {});  // mean of each window
TENON_API Tensor avg_pool2d_grad(const Tensor& grad, const Shape& input_sizes, const Pool2dOptions& options, bool count_include_pad = true, std::optional<int64_t> divisor_override = {});  // ∂/∂input
TENON_API Tensor avg_pool1d(const Tensor& input, const Pool1dOptions& options, bool count_include_pad = true);  // mean of each window
TENON_API Tensor lp_pool2d(const Tensor& input, double norm_type, const Pool2dOptions& options);  // (Σ x^p)^(1/p) of each window
TENON_API Tensor max_unpool2d(const Tensor& input, const Tensor& indices, const Pool2dOptions& options, const Shape& output_size = {});  // input at its index, 0 elsewhere

// ---- adaptive pooling: the windows share the image; size −1 keeps a dimension ----
TENON_API Tensor adaptive_avg_pool1d(const Tensor& input, int64_t output_size);  // means of L → output_size
TENON_API Tensor adaptive_avg_pool2d(const Tensor& input, const Shape& output_size);  // means of (H, W) → output_size
TENON_API Tensor adaptive_max_pool1d(const Tensor& input, int64_t output_size);  // greatest of L → output_size
TENON_API Tensor adaptive_max_pool2d(const Tensor& input, const Shape& output_size);  // greatest of (H, W) → output_size
TENON_API std::pair<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& input, const Shape& output_size);  // and where: h·W + w

// ---- resampling ----
enum class InterpolateMode : uint8_t { kNearest, kLinear, kBilinear, kTrilinear, kArea, kNearestExact };

// One of size and scale_factor; one number stands for all dimensions.
struct InterpolateOptions {
  Shape size = {};
  std::vector<double> scale_factor = {};
  InterpolateMode mode = InterpolateMode::kNearest;
  bool align_corners = false;
  bool recompute_scale_factor = false;
};

TENON_API Tensor interpolate(const Tensor& input, const InterpolateOptions& options);  // (N, C, d…) resampled
TENON_API Tensor upsample_nearest2d(const Tensor& input, const Shape& output_size);  // nearest elements of images
TENON_API Tensor upsample_bilinear2d(const Tensor& input, const Shape& output_size, bool align_corners = false);  // linear in both directions

}  // namespace tenon
