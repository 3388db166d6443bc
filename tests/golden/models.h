// The models that are trained, as tools/goldens/models.py has them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <tenon/nn/module.h>

namespace tenon::golden {

// A module, and the loss of a batch.
struct Task {
  std::shared_ptr<nn::Module> module;
  std::function<Tensor(int64_t batch)> inputs, targets;
  Tensor (*loss_of)(const Tensor& output, const Tensor& target);

  // Batches take turns.
  [[nodiscard]] Tensor loss(int64_t step) const;
};

// Its parameters hold sequences of the formula, by their names. Errors: std::out_of_range for a
// model of another name.
[[nodiscard]] Task make_task(const std::string& model);

}  // namespace tenon::golden
