#include <tenon/nn/optim/adam.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>

#include <cmath>

namespace tenon::optim {

namespace {

void check_options(const AdamOptions& options) {
  check(options.lr >= 0 && options.eps >= 0 && options.weight_decay >= 0,
        ErrorCode::kInvalidArgument, "Adam",
        "learning rate, epsilon and weight decay must be >= 0, got ", options.lr, ", ", options.eps,
        " and ", options.weight_decay);
  const auto is_beta = [](double beta) { return beta >= 0 && beta < 1; };
  check(is_beta(options.betas.first) && is_beta(options.betas.second), ErrorCode::kInvalidArgument,
        "Adam", "betas must be in [0, 1), got ", options.betas.first, " and ",
        options.betas.second);
}

}  // namespace

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options)
    : Adam(std::vector<ParameterGroup<AdamOptions>>{{parameters, options}}) {}

Adam::Adam(const std::vector<ParameterGroup<AdamOptions>>& groups)
    : GroupedOptimizer({"exp_avg", "exp_avg_sq"}) {
  for (const auto& group : groups) {
    check_options(group.options);
    add_group(group, "Adam");
  }
}

void Adam::update(State& state, const AdamOptions& options) {
  Tensor gradient = state.parameter.grad();
  if (!gradient.defined()) return;
  const NoGradGuard no_grad;
  Tensor& mean = state.buffers[0];
  Tensor& mean_square = state.buffers[1];
  if (!mean.defined()) mean = zeros_like(state.parameter.detach());
  if (!mean_square.defined()) mean_square = zeros_like(mean);

  if (options.maximize) gradient = neg(gradient);
  if (options.weight_decay != 0) gradient = gradient.add(state.parameter, options.weight_decay);
  mean.mul_(options.betas.first).add_(gradient, 1 - options.betas.first);
  mean_square.mul_(options.betas.second).addcmul_(gradient, gradient, 1 - options.betas.second);

  const auto steps = static_cast<double>(++state.steps);
  const double correction1 = 1 - std::pow(options.betas.first, steps);
  const double correction2 = 1 - std::pow(options.betas.second, steps);
  Tensor scale = sqrt(mean_square).div_(std::sqrt(correction2)).add_(options.eps);
  state.parameter.addcdiv_(mean, scale, -options.lr / correction1);
}

}  // namespace tenon::optim
