// Parameters are plain tensors that want a gradient.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon::nn {

// A leaf that shares memory with `data` and requires a gradient.
// Errors: Autograd on dtypes without gradient.
[[nodiscard]] TENON_API Tensor parameter(const Tensor& data);

// Puts other values, and with them another device, dtype or shape, into the tensor that all handles
// of `tensor` point to: optimizers made before a Module::to() keep working. Not recorded; drops the
// gradient and its hooks. Errors: Autograd unless `tensor` is a leaf.
TENON_API void set_data(Tensor& tensor, const Tensor& data);

}  // namespace tenon::nn
