// Initial values of parameters, in place and unrecorded. Draws come from the default generator, by
// element: the same seed gives the same bits on every device.
// Fans are PyTorch's: size(1) and size(0) of the tensor, each times the size of the kernel.
// Errors: InvalidArgument for shapes of less than two dimensions where a fan is needed.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon::nn::init {

enum class FanMode : uint8_t { kFanIn, kFanOut };
enum class Nonlinearity : uint8_t { kLinear, kSigmoid, kTanh, kReLU, kLeakyReLU };

struct Fans {
  int64_t in = 0, out = 0;
};
[[nodiscard]] TENON_API Fans fans(const Tensor& tensor);
// Keeps the variance through the nonlinearity; `slope` is leaky ReLU's.
[[nodiscard]] TENON_API double gain(Nonlinearity nonlinearity, double slope = 0.01);

struct KaimingOptions {
  double slope = 0;  // of the leaky ReLU after the layer
  FanMode mode = FanMode::kFanIn;
  Nonlinearity nonlinearity = Nonlinearity::kLeakyReLU;
};

TENON_API Tensor& uniform_(Tensor& tensor, double low = 0, double high = 1);    // U[low, high)
TENON_API Tensor& normal_(Tensor& tensor, double mean = 0, double stddev = 1);  // N(mean, stddev²)
TENON_API Tensor& constant_(Tensor& tensor, Scalar value);
TENON_API Tensor& zeros_(Tensor& tensor);
TENON_API Tensor& ones_(Tensor& tensor);
TENON_API Tensor& eye_(Tensor& tensor);  // two dimensions
// U[−b, b), b = gain·√(3/fan). Source: He et al., 2015.
TENON_API Tensor& kaiming_uniform_(Tensor& tensor, const KaimingOptions& options = {});
// N(0, gain²/fan).
TENON_API Tensor& kaiming_normal_(Tensor& tensor, const KaimingOptions& options = {});
// U[−b, b), b = gain·√(6/(fan_in + fan_out)). Source: Glorot and Bengio, 2010.
TENON_API Tensor& xavier_uniform_(Tensor& tensor, double gain = 1);
// N(0, gain²·2/(fan_in + fan_out)).
TENON_API Tensor& xavier_normal_(Tensor& tensor, double gain = 1);
// PyTorch's initial values of linear and convolution layers: kaiming_uniform_ with slope √5, which
// is U[−b, b) with b = 1/√fan_in; the bias, where it is defined, from the same interval.
TENON_API void layer_uniform_(Tensor& weight, Tensor& bias);

}  // namespace tenon::nn::init
