// Adaptive learning rates from the sum or the mean of all squared gradients.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;                   // η
  double weight_decay = 0;               // λ
  double initial_accumulator_value = 0;  // of the sum
  double eps = 1e-10;
  bool maximize = false;  // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// s ← s + g²
// p ← p − lr / (1 + (t − 1)·η) · g / (√s + ε)        (t counts steps from 1)
// Errors: InvalidArgument on negative options.
// Source: torch.optim.Adagrad; Duchi et al., 2011.
class TENON_API Adagrad : public GroupedOptimizer<AdagradOptions> {
 public:
  explicit Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options = {});
  explicit Adagrad(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const AdagradOptions& options) override;
  void check_options(const AdagradOptions& options) const override;
};

struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;  // decay of both means
  double eps = 1e-6;
  double weight_decay = 0;  // λ
  bool maximize = false;    // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// v ← ρ·v + (1 − ρ)·g²
// d ← √(u + ε) / √(v + ε) · g
// u ← ρ·u + (1 − ρ)·d²
// p ← p − lr·d
// Errors: InvalidArgument on negative options and ρ > 1.
// Source: torch.optim.Adadelta; Zeiler, 2012.
class TENON_API Adadelta : public GroupedOptimizer<AdadeltaOptions> {
 public:
  explicit Adadelta(const std::vector<Tensor>& parameters, const AdadeltaOptions& options = {});
  explicit Adadelta(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const AdadeltaOptions& options) override;
  void check_options(const AdadeltaOptions& options) const override;
};

}  // namespace tenon::optim
