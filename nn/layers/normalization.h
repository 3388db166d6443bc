// Normalisation layers: y = (x − mean) / √(var + ε) · weight + bias, over different elements.
// Initial values: weight 1, bias 0.
// Errors of all: InvalidArgument for sizes that are not positive and inputs of other shapes.
#pragma once

#include <optional>

#include <tenon/nn/module.h>

namespace tenon::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // unset: the mean over all batches (reads their count)
  bool affine = true;                    // whether there are weight and bias
  bool track_running_stats = true;
  TensorOptions tensor = {};  // dtype and device of the parameters
};

// Statistics of each channel over batch and positions; in evaluation the running ones, which
// training moves: r ← (1 − momentum)·r + momentum·(batch statistic, the variance unbiased).
// Shapes: input (N, C) or (N, C, L) in 1d, (N, C, H, W) in 2d, (N, C, D, H, W) in 3d; output as
//   input; weight, bias, running_mean, running_var (C); num_batches_tracked () int64.
// Source: torch.nn.BatchNorm1d; Ioffe and Szegedy, 2015.
class TENON_API BatchNorm : public Module {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight, bias;               // undefined unless affine
  Tensor running_mean, running_var;  // these are undefined unless tracked
  Tensor num_batches_tracked;

 protected:
  BatchNorm(const char* name, int64_t num_features, int64_t least_dims, int64_t most_dims,
            const BatchNormOptions& options);

 private:
  const char* name_;
  int64_t num_features_, least_dims_, most_dims_;
  BatchNormOptions options_;
};

class TENON_API BatchNorm1d : public Cloneable<BatchNorm1d, BatchNorm> {
 public:
  explicit BatchNorm1d(int64_t num_features, const BatchNormOptions& options = {});
};
class TENON_API BatchNorm2d : public Cloneable<BatchNorm2d, BatchNorm> {
 public:
  explicit BatchNorm2d(int64_t num_features, const BatchNormOptions& options = {});
};
class TENON_API BatchNorm3d : public Cloneable<BatchNorm3d, BatchNorm> {
 public:
  explicit BatchNorm3d(int64_t num_features, const BatchNormOptions& options = {});
};

struct InstanceNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;
  bool affine = false;
  bool track_running_stats = false;
  TensorOptions tensor = {};
};

// Statistics of each channel of each batch entry over its positions; running ones in evaluation
// where they are tracked.
// Shapes: input (N, C, L) in 1d, (N, C, H, W) in 2d; output as input; parameters as BatchNorm.
// Source: torch.nn.InstanceNorm2d; Ulyanov et al., 2016.
class TENON_API InstanceNorm : public Module {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight, bias;                                    // undefined unless affine
  Tensor running_mean, running_var, num_batches_tracked;  // undefined unless tracked

 protected:
  InstanceNorm(const char* name, int64_t num_features, int64_t dims,
               const InstanceNormOptions& options);

 private:
  const char* name_;
  int64_t num_features_, dims_;
  InstanceNormOptions options_;
};

class TENON_API InstanceNorm1d : public Cloneable<InstanceNorm1d, InstanceNorm> {
 public:
  explicit InstanceNorm1d(int64_t num_features, const InstanceNormOptions& options = {});
};
class TENON_API InstanceNorm2d : public Cloneable<InstanceNorm2d, InstanceNorm> {
 public:
  explicit InstanceNorm2d(int64_t num_features, const InstanceNormOptions& options = {});
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
  TensorOptions tensor = {};
};

// Statistics over the last dimensions, which must be normalized_shape.
// Shapes: input (*, normalized_shape), output as input; weight and bias normalized_shape.
// Source: torch.nn.LayerNorm; Ba et al., 2016.
class TENON_API LayerNorm : public Cloneable<LayerNorm> {
 public:
  explicit LayerNorm(int64_t normalized_size, const LayerNormOptions& options = {})
      : LayerNorm(Shape{normalized_size}, options) {}
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight, bias;  // undefined where switched off

 private:
  Shape normalized_shape_;
  LayerNormOptions options_;
};

struct RMSNormOptions {
  std::optional<double> eps = {};  // unset: the dtype's epsilon
  bool elementwise_affine = true;
  TensorOptions tensor = {};
};

// y = x / √(mean x² + ε) · weight over the last dimensions.
// Shapes: input (*, normalized_shape), output as input; weight normalized_shape.
// Source: torch.nn.RMSNorm; Zhang and Sennrich, 2019.
class TENON_API RMSNorm : public Cloneable<RMSNorm> {
 public:
  explicit RMSNorm(int64_t normalized_size, const RMSNormOptions& options = {})
      : RMSNorm(Shape{normalized_size}, options) {}
  explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;  // undefined unless affine

 private:
  Shape normalized_shape_;
  RMSNormOptions options_;
};

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;
  TensorOptions tensor = {};
};

// Statistics of each batch entry over groups of C / num_groups channels and all positions.
// Shapes: input (N, C, *), output as input; weight and bias (C).
// Errors: also InvalidArgument when num_groups does not divide num_channels.
// Source: torch.nn.GroupNorm; Wu and He, 2018.
class TENON_API GroupNorm : public Cloneable<GroupNorm> {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, const GroupNormOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight, bias;  // undefined unless affine

 private:
  int64_t num_groups_, num_channels_;
  GroupNormOptions options_;
};

}  // namespace tenon::nn
