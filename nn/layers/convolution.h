// Convolution layers.
#pragma once

#include <tenon/nn/layers/pair.h>
#include <tenon/nn/module.h>

namespace tenon::nn {

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  TensorOptions tensor = {};  // dtype and device of the parameters
};

// y[n, o] = b[o] + Σ_c W[o, c] ⋆ x[n, c]   (⋆ is cross-correlation)
// Shapes: input (N, in, H, W), output (N, out, H', W') with
//   H' = (H + 2·padding − dilation·(kernel − 1) − 1) / stride + 1, W' likewise;
//   weight (out, in/groups, kernel), bias (out).
// Initial values: weight and bias from U[−b, b), b = 1/√(in/groups · kernel height · kernel width).
// Errors: InvalidArgument when sizes are not positive or groups divide neither in nor out.
class TENON_API Conv2d : public Cloneable<Conv2d> {
 public:
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
         const Conv2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without bias

 private:
  int64_t in_channels_, out_channels_;
  Pair kernel_size_;
  Conv2dOptions options_;
};

}  // namespace tenon::nn
