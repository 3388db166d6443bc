// Evolved sign momentum.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct LionOptions {
  double lr = 1e-4;
  std::pair<double, double> betas = {0.9, 0.99};  // of the direction and of the mean
  double weight_decay = 0;                        // λ, of the parameter itself
  bool maximize = false;                          // climbs instead
};

// p ← p − lr·λ·p − lr·sign(β₁·m + (1 − β₁)·g)
// m ← β₂·m + (1 − β₂)·g
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: Chen et al., 2023, and its reference code.
class TENON_API Lion : public GroupedOptimizer<LionOptions> {
 public:
  explicit Lion(const std::vector<Tensor>& parameters, const LionOptions& options = {});
  explicit Lion(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const LionOptions& options) override;
  void check_options(const LionOptions& options) const override;
};

}  // namespace tenon::optim
