// Convolution layers.
#pragma once

#include <tenon/nn/layers/pair.h>
#include <tenon/nn/module.h>
#include <tenon/runtime/ops/convolution.h>

namespace tenon::nn {

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  AutoPadding auto_padding = AutoPadding::kNone;  // in place of padding
  TensorOptions tensor = {};                      // dtype and device of the parameters
};

// y[n, o] = b[o] + Σ_c W[o, c] ⋆ x[n, c]   (⋆ is cross-correlation)
// Shapes: input (N, in, H, W) or (in, H, W), output (N, out, H', W') with
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

struct Conv1dOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  AutoPadding auto_padding = AutoPadding::kNone;
  TensorOptions tensor = {};
};

// As Conv2d over sequences: input (N, in, L) or (in, L), output (N, out, L').
class TENON_API Conv1d : public Cloneable<Conv1d> {
 public:
  Conv1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
         const Conv1dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without bias

 private:
  int64_t in_channels_, out_channels_, kernel_size_;
  Conv1dOptions options_;
};

struct ConvTranspose2dOptions {
  Pair stride = 1;
  Pair padding = 0;
  Pair output_padding = 0;  // makes the result larger at its end
  int64_t groups = 1;
  bool bias = true;
  Pair dilation = 1;
  TensorOptions tensor = {};
};

// The gradient of Conv2d by its input, as a layer: it undoes the change of size.
// Shapes: input (N, in, H, W) or (in, H, W), output (N, out, H', W') with
//   H' = (H − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1, W' likewise;
//   weight (in, out/groups, kernel), bias (out).
// Initial values: from U[−b, b), b = 1/√(out/groups · kernel height · kernel width).
// Errors: as Conv2d.
class TENON_API ConvTranspose2d : public Cloneable<ConvTranspose2d> {
 public:
  ConvTranspose2d(int64_t in_channels, int64_t out_channels, Pair kernel_size,
                  const ConvTranspose2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without bias

 private:
  int64_t in_channels_, out_channels_;
  Pair kernel_size_;
  ConvTranspose2dOptions options_;
};

struct ConvTranspose1dOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t output_padding = 0;
  int64_t groups = 1;
  bool bias = true;
  int64_t dilation = 1;
  TensorOptions tensor = {};
};

// As ConvTranspose2d over sequences (N, in, L) or (in, L).
class TENON_API ConvTranspose1d : public Cloneable<ConvTranspose1d> {
 public:
  ConvTranspose1d(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
                  const ConvTranspose1dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without bias

 private:
  int64_t in_channels_, out_channels_, kernel_size_;
  ConvTranspose1dOptions options_;
};

}  // namespace tenon::nn
