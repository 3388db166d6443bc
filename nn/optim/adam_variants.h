// Adam's relatives: infinity norm, Nesterov momentum, rectified start.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct AdamaxOptions {
  double lr = 2e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // λ, added to the gradient
  bool maximize = false;    // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// m ← β₁·m + (1 − β₁)·g,   u ← max(β₂·u, |g| + ε)
// p ← p − lr / (1 − β₁ᵗ) · m / u        (t counts steps from 1)
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: torch.optim.Adamax; Kingma and Ba, 2015.
class TENON_API Adamax : public GroupedOptimizer<AdamaxOptions> {
 public:
  explicit Adamax(const std::vector<Tensor>& parameters, const AdamaxOptions& options = {});
  explicit Adamax(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const AdamaxOptions& options) override;
  void check_options(const AdamaxOptions& options) const override;
};

struct NAdamOptions {
  double lr = 2e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;              // λ, added to the gradient
  double momentum_decay = 4e-3;         // ψ
  bool decoupled_weight_decay = false;  // of the parameter itself, as AdamW
  bool maximize = false;                // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// μₜ = β₁·(1 − 0.96^(t·ψ) / 2)
// m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
// d ← μₜ₊₁ / (1 − Πμᵢ, i ≤ t + 1) · m + (1 − μₜ) / (1 − Πμᵢ, i ≤ t) · g
// p ← p − lr·d / (√(v / (1 − β₂ᵗ)) + ε)
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: torch.optim.NAdam; Dozat, 2016.
class TENON_API NAdam : public GroupedOptimizer<NAdamOptions> {
 public:
  explicit NAdam(const std::vector<Tensor>& parameters, const NAdamOptions& options = {});
  explicit NAdam(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const NAdamOptions& options) override;
  void check_options(const NAdamOptions& options) const override;
};

struct RAdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;              // λ, added to the gradient
  bool decoupled_weight_decay = false;  // of the parameter itself, as AdamW
  bool maximize = false;                // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
// ρ∞ = 2 / (1 − β₂) − 1,   ρₜ = ρ∞ − 2·t·β₂ᵗ / (1 − β₂ᵗ)
// r = √((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ))
// p ← p − lr / (1 − β₁ᵗ) · m · (ρₜ > 5 ? r·√(1 − β₂ᵗ) / (√v + ε) : 1)
// Errors: InvalidArgument on negative options and on betas outside [0, 1).
// Source: torch.optim.RAdam; Liu et al., 2020.
class TENON_API RAdam : public GroupedOptimizer<RAdamOptions> {
 public:
  explicit RAdam(const std::vector<Tensor>& parameters, const RAdamOptions& options = {});
  explicit RAdam(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const RAdamOptions& options) override;
  void check_options(const RAdamOptions& options) const override;
};

}  // namespace tenon::optim
