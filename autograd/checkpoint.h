// Memory for time: a function whose saved tensors are thrown away and computed again in backward().
#pragma once

#include <functional>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

using CheckpointFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// function(inputs), recorded as usual; but of what its calls save only the inputs are kept. The
// first of its nodes that runs calls the function again, with the default generator as it was, so
// that dropout draws the same numbers. Passes of any kind see the whole graph: grad(),
// create_graph, tensors that the function captures. Checkpoints may be nested.
// Errors: Autograd in a pass when inputs were changed in place, or when the second call saves other
// tensors than the first.
// Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
[[nodiscard]] TENON_API std::vector<Tensor> checkpoint(const CheckpointFunction& function,
                                                       const std::vector<Tensor>& inputs);
[[nodiscard]] TENON_API Tensor checkpoint(const std::function<Tensor(const Tensor&)>& function,
                                          const Tensor& input);

}  // namespace tenon::autograd
