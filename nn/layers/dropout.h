// Dropout layers.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

// Training: y = x·m / (1 − p), each m drawn as 0 with probability p, else 1. Evaluation: y = x.
// Shapes: output as input. Draws from the default generator.
// Errors: InvalidArgument unless 0 <= p <= 1.
// Source: Srivastava et al., 2014.
class TENON_API Dropout : public Cloneable<Dropout> {
 public:
  explicit Dropout(double probability = 0.5);
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

 private:
  double probability_;
};

}  // namespace tenon::nn
