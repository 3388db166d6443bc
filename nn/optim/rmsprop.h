// Root mean square propagation.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;  // decay of the mean of g²
  double eps = 1e-8;
  double weight_decay = 0;  // λ
  double momentum = 0;      // μ
  bool centered = false;    // divides by the deviation instead
  bool maximize = false;    // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// v ← α·v + (1 − α)·g²,   a ← α·a + (1 − α)·g (centered)
// d ← g / (√v + ε), or g / (√(v − a²) + ε) (centered)
// p ← p − lr·d, or b ← μ·b + d and p ← p − lr·b
// Errors: InvalidArgument on negative options.
// Source: torch.optim.RMSprop; Hinton's lecture 6e; Graves, 2013 (centered).
class TENON_API RMSprop : public GroupedOptimizer<RMSpropOptions> {
 public:
  explicit RMSprop(const std::vector<Tensor>& parameters, const RMSpropOptions& options = {});
  explicit RMSprop(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const RMSpropOptions& options) override;
  void check_options(const RMSpropOptions& options) const override;
};

}  // namespace tenon::optim
