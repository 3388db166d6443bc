// Optimizers and schedulers from PyTorch's names and options.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tenon/nn/optim/optimizer.h>

#include "golden/table.h"

namespace tenon::golden {

// Errors: std::out_of_range for an unknown name or option.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
    const std::string& name, const Json& options, const std::vector<Tensor>& parameters);

// One step of a schedule; takes the loss.
using Schedule = std::function<void(double loss)>;
// Errors: std::out_of_range for an unknown name or a missing option.
[[nodiscard]] Schedule make_schedule(const std::string& name, const Json& options,
                                     optim::Optimizer& optimizer);

}  // namespace tenon::golden
