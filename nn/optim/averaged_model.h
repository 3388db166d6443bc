// Averages of a model's parameters over training.
#pragma once

#include <memory>
#include <optional>

#include <tenon/nn/module.h>

namespace tenon::optim {

struct AveragedModelOptions {
  std::optional<double> ema_decay = {};  // unset: all updates count the same (SWA)
};

// A copy of a module whose parameters are averaged: the first update takes them over, the next ones
// give  a ← a + (p − a) / (n + 1)  or, with a decay δ,  a ← δ·a + (1 − δ)·p. Buffers are taken over
// by every update. Named as PyTorch's: module.…, n_averaged.
// Errors: InvalidArgument unless 0 <= δ <= 1, and for a module of other parameters; Unsupported for
// modules that can't be cloned.
// Source: torch.optim.swa_utils.AveragedModel; Izmailov et al., 2018.
class TENON_API AveragedModel : public nn::Module {
 public:
  explicit AveragedModel(const nn::Module& model, const AveragedModelOptions& options = {});
  void update_parameters(const nn::Module& model);
  [[nodiscard]] Tensor forward(const Tensor& input) override { return (*module)(input); }

  std::shared_ptr<nn::Module> module;
  Tensor n_averaged;

 private:
  AveragedModelOptions options_;
};

}  // namespace tenon::optim
