#include <tenon/nn/init.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>

#include <cmath>

namespace tenon::nn::init {

namespace {

double kaiming_stddev(const Tensor& tensor, const KaimingOptions& options) {
  const Fans both = fans(tensor);
  const int64_t fan = options.mode == FanMode::kFanIn ? both.in : both.out;
  return gain(options.nonlinearity, options.slope) / std::sqrt(static_cast<double>(fan));
}

double xavier_stddev(const Tensor& tensor, double gain) {
  const Fans both = fans(tensor);
  return gain * std::sqrt(2.0 / static_cast<double>(both.in + both.out));
}

Tensor& uniform_of_stddev(Tensor& tensor, double stddev) {
  const double bound = std::sqrt(3.0) * stddev;
  return uniform_(tensor, -bound, bound);
}

}  // namespace

Fans fans(const Tensor& tensor) {
  check(tensor.dim() >= 2, ErrorCode::kInvalidArgument, "fans",
        "expected at least 2 dimensions, got ", tensor.sizes());
  const int64_t kernel = tensor.sizes().slice(2, tensor.dim()).numel();
  return {checked_mul(tensor.size(1), kernel), checked_mul(tensor.size(0), kernel)};
}

double gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::kTanh:
      return 5.0 / 3.0;
    case Nonlinearity::kReLU:
      return std::sqrt(2.0);
    case Nonlinearity::kLeakyReLU:
      return std::sqrt(2.0 / (1.0 + slope * slope));
    case Nonlinearity::kLinear:
    case Nonlinearity::kSigmoid:
      break;
  }
  return 1.0;
}

Tensor& uniform_(Tensor& tensor, double low, double high) {
  const NoGradGuard no_grad;
  return tensor.uniform_(low, high);
}

Tensor& normal_(Tensor& tensor, double mean, double stddev) {
  const NoGradGuard no_grad;
  return tensor.normal_(mean, stddev);
}

Tensor& constant_(Tensor& tensor, Scalar value) {
  const NoGradGuard no_grad;
  return tensor.fill_(value);
}

Tensor& zeros_(Tensor& tensor) { return constant_(tensor, 0); }
Tensor& ones_(Tensor& tensor) { return constant_(tensor, 1); }

Tensor& eye_(Tensor& tensor) {
  check(tensor.dim() == 2, ErrorCode::kInvalidArgument, "eye_", "expected 2 dimensions, got ",
        tensor.sizes());
  const NoGradGuard no_grad;
  return tensor.copy_(eye(tensor.size(0), tensor.size(1), tensor.options()));
}

Tensor& kaiming_uniform_(Tensor& tensor, const KaimingOptions& options) {
  return uniform_of_stddev(tensor, kaiming_stddev(tensor, options));
}

Tensor& kaiming_normal_(Tensor& tensor, const KaimingOptions& options) {
  return normal_(tensor, 0, kaiming_stddev(tensor, options));
}

Tensor& xavier_uniform_(Tensor& tensor, double gain) {
  return uniform_of_stddev(tensor, xavier_stddev(tensor, gain));
}

Tensor& xavier_normal_(Tensor& tensor, double gain) {
  return normal_(tensor, 0, xavier_stddev(tensor, gain));
}

void layer_uniform_(Tensor& weight, Tensor& bias) {
  const int64_t fan_in = fans(weight).in;
  const double bound = fan_in > 0 ? 1.0 / std::sqrt(static_cast<double>(fan_in)) : 0.0;
  uniform_(weight, -bound, bound);
  if (bias.defined()) uniform_(bias, -bound, bound);
}

}  // namespace tenon::nn::init
