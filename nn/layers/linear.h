// Affine map.
#pragma once

#include <tenon/nn/module.h>

namespace tenon::nn {

struct LinearOptions {
  bool bias = true;
  TensorOptions tensor = {};  // dtype and device of the parameters
};

// y = x·Wᵀ + b
// Shapes: input (*, in), output (*, out), weight (out, in), bias (out).
// Initial values: weight and bias from U[−1/√in, 1/√in).
// Errors: InvalidArgument on negative sizes.
class TENON_API Linear : public Cloneable<Linear> {
 public:
  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  [[nodiscard]] std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without bias

 private:
  int64_t in_features_, out_features_;
};

}  // namespace tenon::nn
