// The example of the notes: x = ones(2, 2); y = x + 2; z = y * y * 3; out = mean(z).
#pragma once

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/ops.h>

namespace tenon::seed {

struct Example {
  explicit Example(const TensorOptions& options = {}) : x(ones({2, 2}, options).requires_grad_()) {}

  autograd::Variable x;
  autograd::Variable y = x + 2;
  autograd::Variable z = y * y * 3;
  autograd::Variable out = z.mean();
};

}  // namespace tenon::seed
