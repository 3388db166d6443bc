// Joining, cutting, repeating and reordering elements.
#pragma once

#include <span>

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- joining ----
TENON_API Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);    // joins along dim
TENON_API Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);  // joins along a new dim

}  // namespace tenon
