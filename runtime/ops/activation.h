// Functions between layers. f_ writes into self. Each record in activation.cpp carries formula,
// dtypes and errors.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

// How gelu computes the normal distribution: exactly, or by tanh.
enum class Gelu : uint8_t { kNone, kTanh };

TENON_API Tensor relu(const Tensor& self);  // max(x, 0), NaN stays
TENON_API Tensor& relu_(Tensor& self);
TENON_API Tensor& relu_out(Tensor& out, const Tensor& self);
TENON_API Tensor silu(const Tensor& self);  // x · sigmoid(x)
TENON_API Tensor& silu_(Tensor& self);
TENON_API Tensor gelu(const Tensor& self, Gelu approximate = Gelu::kNone);     // x · Φ(x)
TENON_API Tensor leaky_relu(const Tensor& self, double negative_slope = 0.01);  // x > 0 ? x : slope·x
TENON_API Tensor& leaky_relu_(Tensor& self, double negative_slope = 0.01);
TENON_API Tensor prelu(const Tensor& self, const Tensor& weight);  // x > 0 ? x : weight·x, by channel
TENON_API Tensor elu(const Tensor& self, double alpha = 1);        // x > 0 ? x : alpha·(e^x − 1)
TENON_API Tensor& elu_(Tensor& self, double alpha = 1);
TENON_API Tensor celu(const Tensor& self, double alpha = 1);  // x > 0 ? x : alpha·(e^(x/alpha) − 1)
TENON_API Tensor& celu_(Tensor& self, double alpha = 1);
TENON_API Tensor selu(const Tensor& self);  // elu with the constants that keep mean 0 and variance 1
TENON_API Tensor& selu_(Tensor& self);
TENON_API Tensor softplus(const Tensor& self, double beta = 1, double threshold = 20);  // ln(1 + e^(beta·x))/beta
TENON_API Tensor hardtanh(const Tensor& self, double min_val = -1, double max_val = 1);  // min(max(x, lo), hi)
TENON_API Tensor& hardtanh_(Tensor& self, double min_val = -1, double max_val = 1);
TENON_API Tensor relu6(const Tensor& self);  // min(max(x, 0), 6)
TENON_API Tensor& relu6_(Tensor& self);
TENON_API Tensor hardsigmoid(const Tensor& self);  // min(max(x + 3, 0), 6)/6
TENON_API Tensor& hardsigmoid_(Tensor& self);
TENON_API Tensor hardswish(const Tensor& self);  // x · hardsigmoid(x)
TENON_API Tensor& hardswish_(Tensor& self);
TENON_API Tensor log_sigmoid(const Tensor& self);  // ln(sigmoid(x))
TENON_API Tensor mish(const Tensor& self);         // x · tanh(ln(1 + e^x))
TENON_API Tensor& mish_(Tensor& self);
TENON_API Tensor softsign(const Tensor& self);    // x/(1 + |x|)
TENON_API Tensor tanhshrink(const Tensor& self);  // x − tanh(x)
TENON_API Tensor threshold(const Tensor& self, double threshold, double value);  // x > threshold ? x : value
TENON_API Tensor& threshold_(Tensor& self, double threshold, double value);
TENON_API Tensor glu(const Tensor& self, int64_t dim = -1);  // a · sigmoid(b), halves along dim

}  // namespace tenon
