// Normalisation: input minus its mean, over its deviation, then weight and bias.
#pragma once

#include <optional>

#include <tenon/runtime/tensor.h>

namespace tenon {

// What standardize() computes; mean and var (biased) have extents of 1 in the reduced dimensions.
struct Standardized {
  Tensor mean, var, output;
};

TENON_API Standardized standardize(const Tensor& input, const Tensor& weight, const Tensor& bias, const Shape& dims, double eps);  // (x − mean)/√(var + eps)·w + b over dims
TENON_API Tensor batch_norm(const Tensor& input, const Tensor& running_mean = {}, const Tensor& running_var = {}, const Tensor& weight = {}, const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);  // per channel over the batch; updates the running statistics in training
TENON_API Tensor instance_norm(const Tensor& input, const Tensor& running_mean = {}, const Tensor& running_var = {}, const Tensor& weight = {}, const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5);  // per channel and batch entry
TENON_API Tensor layer_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);  // over the last dimensions
TENON_API Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);  // over groups of channels
TENON_API Tensor rms_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight = {}, std::optional<double> eps = {});  // x/√(mean x² + eps)·w
TENON_API Tensor local_response_norm(const Tensor& input, int64_t size, double alpha = 1e-4, double beta = 0.75, double k = 1);  // x/(k + alpha·mean x² of nearby channels)^beta
TENON_API Tensor normalize(const Tensor& input, double p = 2, int64_t dim = 1, double eps = 1e-12);  // x/max(‖x‖ₚ, eps) along dim

// Gradients of standardize (mean given) and rms_norm (mean undefined, var = mean x²). The second
// and third are there when `wanted` asks for them: bit 0 input, bit 1 weight, bit 2 bias.
struct StandardizeGrads {
  Tensor input, weight, bias;
};
TENON_API StandardizeGrads standardize_grad(const Tensor& grad, const Tensor& input, const Tensor& mean, const Tensor& var, const Tensor& weight, const Shape& dims, double eps, uint32_t wanted = 7);  // ∂/∂(input, weight, bias)

}  // namespace tenon
