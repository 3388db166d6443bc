// Derivatives of functions, composed from grad(): Jacobians, Hessians and their products with
// vectors. Names and meanings are those of torch.autograd.functional.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

// Must use only ops that are recorded; inputs are handed to it as new leaves.
using TensorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

struct FunctionalOptions {
  bool create_graph = false;  // results have a history that leads to the inputs
  bool strict = false;        // an output that does not depend on an input is an error, not zero
};

// result[o][i] = d outputs[o] / d inputs[i], of sizes (outputs[o].sizes, inputs[i].sizes); one pass
// for each element of the outputs.
[[nodiscard]] TENON_API std::vector<std::vector<Tensor>> jacobian(
    const TensorFunction& function, const std::vector<Tensor>& inputs,
    const FunctionalOptions& options = {});
[[nodiscard]] TENON_API Tensor jacobian(const std::function<Tensor(const Tensor&)>& function,
                                        const Tensor& input, const FunctionalOptions& options = {});

// result[i][j] = d² output / d inputs[i] d inputs[j] of a function with one output of one element.
[[nodiscard]] TENON_API std::vector<std::vector<Tensor>> hessian(
    const TensorFunction& function, const std::vector<Tensor>& inputs,
    const FunctionalOptions& options = {});
[[nodiscard]] TENON_API Tensor hessian(const std::function<Tensor(const Tensor&)>& function,
                                       const Tensor& input, const FunctionalOptions& options = {});

// The outputs, and a product: vᵀ·J for each input (v like the outputs; none for one output of one
// element), and J·v for each output (v like the inputs; by differentiating vᵀ·J twice).
using OutputsAndProduct = std::pair<std::vector<Tensor>, std::vector<Tensor>>;
[[nodiscard]] TENON_API OutputsAndProduct vjp(const TensorFunction& function,
                                              const std::vector<Tensor>& inputs,
                                              const std::vector<Tensor>& v = {},
                                              const FunctionalOptions& options = {});
[[nodiscard]] TENON_API OutputsAndProduct jvp(const TensorFunction& function,
                                              const std::vector<Tensor>& inputs,
                                              const std::vector<Tensor>& v,
                                              const FunctionalOptions& options = {});

// vᵀ·H and H·v of a function with one output of one element; v like the inputs. Both are equal
// where second derivatives are continuous; vhp is cheaper.
[[nodiscard]] TENON_API OutputsAndProduct vhp(const TensorFunction& function,
                                              const std::vector<Tensor>& inputs,
                                              const std::vector<Tensor>& v,
                                              const FunctionalOptions& options = {});
[[nodiscard]] TENON_API OutputsAndProduct hvp(const TensorFunction& function,
                                              const std::vector<Tensor>& inputs,
                                              const std::vector<Tensor>& v,
                                              const FunctionalOptions& options = {});

// Errors of all: Autograd when v does not look like what it is multiplied with, when an output is
// not of one element where it must be, and with `strict`.

}  // namespace tenon::autograd
