// Initial values of parameters, in place and unrecorded. Draws come from the default generator, by
// element: the same seed gives the same bits on every device.
// Fans are PyTorch's: size(1) and size(0) of the tensor, each times the size of the kernel.
// Errors: InvalidArgument for shapes of less than two dimensions where a fan is needed.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon::nn::init {

enum class FanMode : uint8_t { kFanIn, kFanOut };
// kLinear stands for convolutions too.
enum class Nonlinearity : uint8_t { kLinear, kSigmoid, kTanh, kReLU, kLeakyReLU, kSELU };

struct Fans {
  int64_t in = 0, out = 0;
};
[[nodiscard]] TENON_API Fans fans(const Tensor& tensor);
// What keeps the variance through the nonlinearity; `slope` is leaky ReLU's.
[[nodiscard]] TENON_API double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01);

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
// The identity of a convolution with weight (out, in/groups, …), as far as the channels reach: 1 in
// the kernel's middle. Errors: InvalidArgument unless it has 3 to 5 dimensions and groups divide
// out.
TENON_API Tensor& dirac_(Tensor& tensor, int64_t groups = 1);
// N(mean, stddev²) of which only [low, high] is left. Drawn through the inverse distribution
// function, which the host computes.
TENON_API Tensor& trunc_normal_(Tensor& tensor, double mean = 0, double stddev = 1, double low = -2,
                                double high = 2);
// gain times a matrix, size(0) by the rest, with orthonormal rows or columns, whichever are fewer.
// The host orthogonalises normal draws. Source: Saxe et al., 2014.
TENON_API Tensor& orthogonal_(Tensor& tensor, double gain = 1);
// N(0, stddev²) with the share `sparsity` of every column 0. Two dimensions. The zeros are chosen
// on the host. Errors: InvalidArgument unless sparsity is in [0, 1]. Source: Martens, 2010.
TENON_API Tensor& sparse_(Tensor& tensor, double sparsity, double stddev = 0.01);
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
