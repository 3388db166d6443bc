// Elementwise nonlinearities. Shapes: output as input.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// y = max(x, 0)
class TENON_API ReLU : public Cloneable<ReLU> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

// y = tanh x
class TENON_API Tanh : public Cloneable<Tanh> {
 public:
  [[nodiscard]] Tensor forward(const Tensor& input) override;
};

}  // namespace tenon::nn
