// Adaptive moment estimation.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};  // decay of the means of g and of g²
  double eps = 1e-8;
  double weight_decay = 0;  // λ, added to the gradient
  bool maximize = false;    // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
// p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)        (t counts steps from 1)
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: torch.optim.Adam; Kingma and Ba, 2015.
class TENON_API Adam : public GroupedOptimizer<AdamOptions> {
 public:
  explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
  explicit Adam(const std::vector<ParameterGroup<AdamOptions>>& groups);

 protected:
  void update(State& state, const AdamOptions& options) override;
};

}  // namespace tenon::optim
