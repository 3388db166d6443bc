#include <tenon/nn/layers/normalization.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/nn/parameter.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/normalization.h>

namespace tenon::nn {

namespace {

Shape checked_shape(const char* name, const Shape& sizes) {
  check(!sizes.empty(), ErrorCode::kInvalidArgument, name, "expected at least one size, got none");
  for (int64_t d = 0; d < sizes.rank(); ++d)
    check(sizes[d] > 0, ErrorCode::kInvalidArgument, name, "sizes must be > 0, got ", sizes);
  return sizes;
}

// Weight and bias of each channel, and its running statistics.
template <class Layer, class Options>
void make_channel_tensors(Layer& layer, const char* name, int64_t channels,
                          const Options& options) {
  const Shape sizes = checked_shape(name, {channels});
  if (options.affine) {
    layer.weight = parameter(ones(sizes, options.tensor));
    layer.bias = parameter(zeros(sizes, options.tensor));
  }
  if (options.track_running_stats) {
    layer.running_mean = zeros(sizes, options.tensor);
    layer.running_var = ones(sizes, options.tensor);
    layer.num_batches_tracked = zeros({}, options.tensor.dtype(kInt64));
  }
  layer.register_parameter("weight", &Layer::weight);
  layer.register_parameter("bias", &Layer::bias);
  layer.register_buffer("running_mean", &Layer::running_mean);
  layer.register_buffer("running_var", &Layer::running_var);
  layer.register_buffer("num_batches_tracked", &Layer::num_batches_tracked);
}

}  // namespace

// ---- BatchNorm ----

BatchNorm::BatchNorm(const char* name, int64_t num_features, int64_t least_dims, int64_t most_dims,
                     const BatchNormOptions& options)
    : name_(name),
      num_features_(num_features),
      least_dims_(least_dims),
      most_dims_(most_dims),
      options_(options) {
  make_channel_tensors(*this, name, num_features, options);
}

Tensor BatchNorm::forward(const Tensor& input) {
  check(input.dim() >= least_dims_ && input.dim() <= most_dims_ && input.size(1) == num_features_,
        ErrorCode::kInvalidArgument, name_, "expected an input of ", least_dims_,
        least_dims_ == most_dims_ ? "" : join_text(" or ", most_dims_), " dimensions with ",
        num_features_, " channels, got ", input.sizes());
  const bool tracked = running_mean.defined();
  if (!is_training() && tracked)
    return batch_norm(input, running_mean, running_var, weight, bias, false, 0, options_.eps);
  double momentum = 0;
  if (tracked) {
    const NoGradGuard no_grad;
    num_batches_tracked.add_(1);
    momentum = options_.momentum ? *options_.momentum : 1 / num_batches_tracked.item<double>();
  }
  return batch_norm(input, running_mean, running_var, weight, bias, true, momentum, options_.eps);
}

std::string BatchNorm::describe() const {
  return join_text(name_, "(", num_features_, ", eps=", options_.eps,
                   ", momentum=", options_.momentum ? join_text(*options_.momentum) : "none",
                   ", affine=", options_.affine,
                   ", track_running_stats=", options_.track_running_stats, ")");
}

BatchNorm1d::BatchNorm1d(int64_t num_features, const BatchNormOptions& options)
    : Cloneable("BatchNorm1d", num_features, 2, 3, options) {}
BatchNorm2d::BatchNorm2d(int64_t num_features, const BatchNormOptions& options)
    : Cloneable("BatchNorm2d", num_features, 4, 4, options) {}
BatchNorm3d::BatchNorm3d(int64_t num_features, const BatchNormOptions& options)
    : Cloneable("BatchNorm3d", num_features, 5, 5, options) {}

// ---- InstanceNorm ----

InstanceNorm::InstanceNorm(const char* name, int64_t num_features, int64_t dims,
                           const InstanceNormOptions& options)
    : name_(name), num_features_(num_features), dims_(dims), options_(options) {
  make_channel_tensors(*this, name, num_features, options);
}

Tensor InstanceNorm::forward(const Tensor& input) {
  check(input.dim() == dims_ && input.size(1) == num_features_, ErrorCode::kInvalidArgument, name_,
        "expected an input of ", dims_, " dimensions with ", num_features_, " channels, got ",
        input.sizes());
  return instance_norm(input, running_mean, running_var, weight, bias,
                       is_training() || !options_.track_running_stats, options_.momentum,
                       options_.eps);
}

std::string InstanceNorm::describe() const {
  return join_text(name_, "(", num_features_, ", eps=", options_.eps,
                   ", momentum=", options_.momentum, ", affine=", options_.affine,
                   ", track_running_stats=", options_.track_running_stats, ")");
}

InstanceNorm1d::InstanceNorm1d(int64_t num_features, const InstanceNormOptions& options)
    : Cloneable("InstanceNorm1d", num_features, 3, options) {}
InstanceNorm2d::InstanceNorm2d(int64_t num_features, const InstanceNormOptions& options)
    : Cloneable("InstanceNorm2d", num_features, 4, options) {}

// ---- LayerNorm, RMSNorm, GroupNorm ----

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : normalized_shape_(checked_shape("LayerNorm", normalized_shape)), options_(options) {
  if (options.elementwise_affine) {
    weight = parameter(ones(normalized_shape, options.tensor));
    if (options.bias) bias = parameter(zeros(normalized_shape, options.tensor));
  }
  register_parameter("weight", &LayerNorm::weight);
  register_parameter("bias", &LayerNorm::bias);
}

Tensor LayerNorm::forward(const Tensor& input) {
  return layer_norm(input, normalized_shape_, weight, bias, options_.eps);
}

std::string LayerNorm::describe() const {
  return join_text("LayerNorm(", normalized_shape_, ", eps=", options_.eps,
                   ", elementwise_affine=", options_.elementwise_affine,
                   options_.bias ? ")" : ", bias=false)");
}

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : normalized_shape_(checked_shape("RMSNorm", normalized_shape)), options_(options) {
  if (options.elementwise_affine) weight = parameter(ones(normalized_shape, options.tensor));
  register_parameter("weight", &RMSNorm::weight);
}

Tensor RMSNorm::forward(const Tensor& input) {
  return rms_norm(input, normalized_shape_, weight, options_.eps);
}

std::string RMSNorm::describe() const {
  return join_text("RMSNorm(", normalized_shape_,
                   ", eps=", options_.eps ? join_text(*options_.eps) : "none",
                   ", elementwise_affine=", options_.elementwise_affine, ")");
}

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, const GroupNormOptions& options)
    : num_groups_(num_groups), num_channels_(num_channels), options_(options) {
  const Shape sizes = checked_shape("GroupNorm", {num_channels});
  check(num_groups > 0 && num_channels % num_groups == 0, ErrorCode::kInvalidArgument, "GroupNorm",
        "num_groups must divide num_channels, got ", num_groups, " and ", num_channels);
  if (options.affine) {
    weight = parameter(ones(sizes, options.tensor));
    bias = parameter(zeros(sizes, options.tensor));
  }
  register_parameter("weight", &GroupNorm::weight);
  register_parameter("bias", &GroupNorm::bias);
}

Tensor GroupNorm::forward(const Tensor& input) {
  check(input.dim() >= 2 && input.size(1) == num_channels_, ErrorCode::kInvalidArgument,
        "GroupNorm", "expected an input (N, ", num_channels_, ", …), got ", input.sizes());
  return group_norm(input, num_groups_, weight, bias, options_.eps);
}

std::string GroupNorm::describe() const {
  return join_text("GroupNorm(", num_groups_, ", ", num_channels_, ", eps=", options_.eps,
                   ", affine=", options_.affine, ")");
}

}  // namespace tenon::nn
