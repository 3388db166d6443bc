#include <tenon/nn/layers/activation.h>

#include <tenon/runtime/ops/activation.h>
#include <tenon/runtime/ops/elementwise.h>

namespace tenon::nn {

Tensor ReLU::forward(const Tensor& input) { return relu(input); }

Tensor Tanh::forward(const Tensor& input) { return tanh(input); }

}  // namespace tenon::nn
