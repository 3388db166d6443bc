// Adaptive moment estimation, with weight decay in the gradient (Adam) or apart from it (AdamW).
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};  // decay of the means of g and of g²
  double eps = 1e-8;
  double weight_decay = 0;  // λ, added to the gradient
  bool amsgrad = false;     // divides by the greatest v so far
  bool maximize = false;    // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²,   u ← v, or max(u, v) (amsgrad)
// p ← p − lr / (1 − β₁ᵗ) · m / (√u / √(1 − β₂ᵗ) + ε)        (t counts steps from 1)
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: torch.optim.Adam; Kingma and Ba, 2015; Reddi et al., 2018.
class TENON_API Adam : public GroupedOptimizer<AdamOptions> {
 public:
  explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
  explicit Adam(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const AdamOptions& options) override;
  void check_options(const AdamOptions& options) const override;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // λ, of the parameter itself
  bool amsgrad = false;
  bool maximize = false;
};

// p ← p − lr·λ·p, then Adam's step without weight decay.
// Errors: as Adam. Source: torch.optim.AdamW; Loshchilov and Hutter, 2019.
class TENON_API AdamW : public GroupedOptimizer<AdamWOptions> {
 public:
  explicit AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options = {});
  explicit AdamW(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const AdamWOptions& options) override;
  void check_options(const AdamWOptions& options) const override;
};

}  // namespace tenon::optim
