// Derivatives against central differences. Shipped with the library, so that anybody's rule and
// custom function can be checked.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon::autograd {

using CheckedFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

struct GradcheckOptions {
  double epsilon = 1e-6;  // half the distance of the two points
  double atol = 1e-5;     // |analytical - numerical| <= atol + rtol * |numerical|
  double rtol = 1e-3;
  double nondet_tol = 0;    // between two calls, and between two backward passes
  int64_t full_limit = 64;  // the whole Jacobian up to so many inputs and outputs, else …
  int64_t projections = 3;  // … so many random directions on both sides
  uint64_t seed = 1;
};

// Compares d(outputs)/d(inputs) of `function` with central differences, at `inputs` as they are;
// the elements of those that require a gradient are moved in place and put back. Also: that two
// calls and two passes give the same, every output alone (the gradients of the others undefined),
// and gradients of other layouts, with strides of 0 too.
// Inputs: float64 where they require a gradient, without repeated (stride 0) elements; keep points
// away from kinks.
// Errors: Autograd at the first difference, naming output, input, elements and both values.
// Returns true.
TENON_API bool gradcheck(const CheckedFunction& function, const std::vector<Tensor>& inputs,
                         const GradcheckOptions& options = {});
TENON_API bool gradcheck(const std::function<Tensor(const Tensor&)>& function, const Tensor& input,
                         const GradcheckOptions& options = {});

// gradcheck of the gradients themselves, as functions of inputs and of random output gradients.
TENON_API bool gradgradcheck(const CheckedFunction& function, const std::vector<Tensor>& inputs,
                             const GradcheckOptions& options = {});
TENON_API bool gradgradcheck(const std::function<Tensor(const Tensor&)>& function,
                             const Tensor& input, const GradcheckOptions& options = {});

}  // namespace tenon::autograd
