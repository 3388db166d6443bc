// A small problem for optimizers: f(p) = Σ cᵢ·pᵢ² / 2, so that gᵢ = cᵢ·pᵢ.
#pragma once

#include "nn/helpers.h"

namespace tenon::optim {

inline constexpr int kSteps = 5;
inline const std::vector<double> kCurvature = {1.0, 4.0, 0.5};
inline const std::vector<double> kStart = {1.0, -2.0, 3.0};

inline Tensor start() { return nn::parameter(tensor(kStart).to(kFloat32)); }

// The same steps with the optimizer of Tenon.
template <class O, class Options>
std::vector<double> run(const Options& options, int steps = kSteps) {
  Tensor p = start();
  O optimizer({p}, options);
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    (p * p * tensor(kCurvature).to(kFloat32) * 0.5).sum().backward();
    optimizer.step();
  }
  return test::values(p.detach());
}

}  // namespace tenon::optim
