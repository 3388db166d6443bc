#include <tenon/nn/optim/lion.h>

#include <tenon/nn/optim/step_internal.h>

namespace tenon::optim {

namespace {

// Operands: p, m, g. Scalars: lr, β₁, 1 − β₁, 1 − lr·λ.
uint32_t emit_update(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value mixed = s.scalar(1) * s.tensor(1) + s.scalar(2) * s.tensor(2);
  return (s.tensor(0) * s.scalar(3) - s.scalar(0) * Step::sign(mixed)).number;
}

// Operands: m, g. Scalars: β₂, 1 − β₂.
uint32_t emit_mean(ProgramBuilder& program) {
  const Step s(program);
  return (s.scalar(0) * s.tensor(0) + s.scalar(1) * s.tensor(1)).number;
}

constinit const Op kUpdate{
    step_spec("lion_update", "p = (1 − lr·λ)·p − lr·sign(β₁·m + (1 − β₁)·g)", &emit_update)};
constinit const Op kMean{step_spec("lion_mean", "m = β₂·m + (1 − β₂)·g", &emit_mean)};

}  // namespace

Lion::Lion(const std::vector<Tensor>& parameters, const LionOptions& options)
    : Lion(Groups{{parameters, options}}) {}

Lion::Lion(const Groups& groups) : GroupedOptimizer("Lion", {"exp_avg"}) {
  for (const auto& group : groups) add_param_group(group);
}

void Lion::check_options(const LionOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("the weight decay", options.weight_decay);
  check_betas(options.betas);
}

void Lion::update(State& state, const Tensor& gradient, const LionOptions& options) {
  ++state.steps;
  const auto [beta1, beta2] = options.betas;
  Tensor& mean = buffer(state, 0);
  run_step(kUpdate, state.parameter, {mean, gradient},
           {options.lr, beta1, 1 - beta1, 1 - options.lr * options.weight_decay});
  run_step(kMean, mean, {gradient}, {beta2, 1 - beta2});
}

}  // namespace tenon::optim
