// Memory for time: a function whose inner results are thrown away and computed again in backward().
#pragma once

#include <functional>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

using CheckpointFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// function(inputs), of which only the inputs are kept. backward() calls the function again, with
// the default generator as it was, so that dropout draws the same numbers.
// Errors: Autograd in a pass of grad() or with create_graph, which can't see into the second call.
// Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
[[nodiscard]] TENON_API std::vector<Tensor> checkpoint(const CheckpointFunction& function,
                                                       const std::vector<Tensor>& inputs);
[[nodiscard]] TENON_API Tensor checkpoint(const std::function<Tensor(const Tensor&)>& function,
                                          const Tensor& input);

}  // namespace tenon::autograd
