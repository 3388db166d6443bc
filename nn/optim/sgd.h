// Stochastic gradient descent.
#pragma once

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;      // μ
  double dampening = 0;     // τ
  double weight_decay = 0;  // λ
  bool nesterov = false;
  bool maximize = false;  // climbs instead
};

// g ← ∇f (−∇f when maximizing) + λ·p
// b ← g at the first step, then μ·b + (1 − τ)·g        (momentum)
// g ← b, or g + μ·b (nesterov)
// p ← p − lr·g
// Errors: InvalidArgument on negative options, and on nesterov without momentum or with dampening.
// Source: torch.optim.SGD; Sutskever et al., 2013.
class TENON_API SGD : public GroupedOptimizer<SGDOptions> {
 public:
  explicit SGD(const std::vector<Tensor>& parameters, const SGDOptions& options = {});
  explicit SGD(const Groups& groups);

 protected:
  void update(State& state, const Tensor& gradient, const SGDOptions& options) override;
  void check_options(const SGDOptions& options) const override;
};

}  // namespace tenon::optim
