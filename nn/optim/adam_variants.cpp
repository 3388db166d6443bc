#include <tenon/nn/optim/adam_variants.h>

#include <tenon/nn/optim/step_internal.h>

#include <cmath>

namespace tenon::optim {

namespace {

Step::Value decayed(const Step& s, size_t g, size_t p, size_t decay) {
  return s.flag(0) ? s.tensor(g) + s.scalar(decay) * s.tensor(p) : s.tensor(g);
}

// Operands: the mean that is written, g, p. Scalars: β, 1 − β, λ. Attribute: λ ≠ 0.
template <bool kSquare>
uint32_t emit_mean(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value g = decayed(s, 1, 2, 2), part = s.scalar(1) * g;
  return (s.scalar(0) * s.tensor(0) + (kSquare ? part * g : part)).number;
}

constinit const Op kMean{
    step_spec("adam_variant_mean", "m = β₁·m + (1 − β₁)·g", &emit_mean<false>)};
constinit const Op kSquares{
    step_spec("adam_variant_squares", "v = β₂·v + (1 − β₂)·g²", &emit_mean<true>)};

// ---- Adamax ----

// Operands: u, g, p. Scalars: β₂, ε, λ.
uint32_t emit_norm(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value size = Step::abs(decayed(s, 1, 2, 2)) + s.scalar(1);
  return Step::max(s.scalar(0) * s.tensor(0), size).number;
}

// Operands: p, m, u. Scalars: lr / (1 − β₁ᵗ).
uint32_t emit_adamax(ProgramBuilder& program) {
  const Step s(program);
  return (s.tensor(0) - s.scalar(0) * s.tensor(1) / s.tensor(2)).number;
}

constinit const Op kNorm{step_spec("adamax_norm", "u = max(β₂·u, |g| + ε)", &emit_norm)};
constinit const Op kAdamax{step_spec("adamax_update", "p = p − lr·m/u", &emit_adamax)};

// ---- NAdam ----

// Operands: p, m, v, g. Scalars: factor of g, of m, ε, all times √(1 − β₂ᵗ); λ.
uint32_t emit_nadam(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value g = decayed(s, 3, 0, 3);
  const Step::Value direction = s.scalar(0) * g + s.scalar(1) * s.tensor(1);
  return (s.tensor(0) - direction / (Step::sqrt(s.tensor(2)) + s.scalar(2))).number;
}

constinit const Op kNAdam{step_spec("nadam_update", "p = p − (a·g + b·m)/(√v + ε)", &emit_nadam)};

// ---- RAdam ----

// Operands: p, m, v. Scalars: lr times all factors, ε, 1 − lr·λ. Attribute: rectified.
uint32_t emit_radam(ProgramBuilder& program) {
  const Step s(program);
  Step::Value direction = s.scalar(0) * s.tensor(1);
  if (s.flag(0)) direction = direction / (Step::sqrt(s.tensor(2)) + s.scalar(1));
  return (s.tensor(0) * s.scalar(2) - direction).number;
}

constinit const Op kRAdam{step_spec("radam_update", "p = p − lr·r·m/(√v + ε)", &emit_radam)};

int64_t is_not_zero(double value) { return value != 0 ? 1 : 0; }

}  // namespace

Adamax::Adamax(const std::vector<Tensor>& parameters, const AdamaxOptions& options)
    : Adamax(Groups{{parameters, options}}) {}

Adamax::Adamax(const Groups& groups) : GroupedOptimizer("Adamax", {"exp_avg", "exp_inf"}) {
  for (const auto& group : groups) add_param_group(group);
}

void Adamax::check_options(const AdamaxOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check_betas(options.betas);
}

void Adamax::update(State& state, const Tensor& gradient, const AdamaxOptions& options) {
  Tensor& p = state.parameter;
  const auto [beta1, beta2] = options.betas;
  const double decay = options.weight_decay;
  const int64_t decays = is_not_zero(decay);
  run_step(kMean, buffer(state, 0), {gradient, p}, {beta1, 1 - beta1, decay}, {decays});
  run_step(kNorm, buffer(state, 1), {gradient, p}, {beta2, options.eps, decay}, {decays});
  const double correction = 1 - std::pow(beta1, static_cast<double>(++state.steps));
  run_step(kAdamax, p, {state.buffers[0], state.buffers[1]}, {options.lr / correction});
}

NAdam::NAdam(const std::vector<Tensor>& parameters, const NAdamOptions& options)
    : NAdam(Groups{{parameters, options}}) {}

NAdam::NAdam(const Groups& groups)
    : GroupedOptimizer("NAdam", {"exp_avg", "exp_avg_sq"}, "mu_product") {
  for (const auto& group : groups) add_param_group(group);
}

void NAdam::check_options(const NAdamOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check_not_negative("the momentum decay", options.momentum_decay);
  check_betas(options.betas);
}

void NAdam::update(State& state, const Tensor& gradient, const NAdamOptions& options) {
  Tensor& p = state.parameter;
  const auto [beta1, beta2] = options.betas;
  const double coupled = options.decoupled_weight_decay ? 0 : options.weight_decay;
  const int64_t decays = is_not_zero(coupled);
  run_step(kMean, buffer(state, 0), {gradient, p}, {beta1, 1 - beta1, coupled}, {decays});
  run_step(kSquares, buffer(state, 1), {gradient, p}, {beta2, 1 - beta2, coupled}, {decays});
  double& product = state.number;
  if (state.steps == 0) product = 1;
  const auto t = static_cast<double>(++state.steps);
  const auto momentum_at = [&, first = beta1](double step) {
    return first * (1 - 0.5 * std::pow(0.96, step * options.momentum_decay));
  };
  const double now = momentum_at(t), next = momentum_at(t + 1);
  product *= now;
  if (options.decoupled_weight_decay) p.mul_(1 - options.lr * options.weight_decay);
  const double scale = std::sqrt(1 - std::pow(beta2, t));
  run_step(kNAdam, p, {state.buffers[0], state.buffers[1], gradient},
           {scale * options.lr * (1 - now) / (1 - product),
            scale * options.lr * next / (1 - product * next), scale * options.eps, coupled},
           {decays});
}

RAdam::RAdam(const std::vector<Tensor>& parameters, const RAdamOptions& options)
    : RAdam(Groups{{parameters, options}}) {}

RAdam::RAdam(const Groups& groups) : GroupedOptimizer("RAdam", {"exp_avg", "exp_avg_sq"}) {
  for (const auto& group : groups) add_param_group(group);
}

void RAdam::check_options(const RAdamOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check_betas(options.betas);
}

void RAdam::update(State& state, const Tensor& gradient, const RAdamOptions& options) {
  Tensor& p = state.parameter;
  const auto [beta1, beta2] = options.betas;
  const double coupled = options.decoupled_weight_decay ? 0 : options.weight_decay;
  const double shrink = options.decoupled_weight_decay ? 1 - options.lr * options.weight_decay : 1;
  const int64_t decays = is_not_zero(coupled);
  run_step(kMean, buffer(state, 0), {gradient, p}, {beta1, 1 - beta1, coupled}, {decays});
  run_step(kSquares, buffer(state, 1), {gradient, p}, {beta2, 1 - beta2, coupled}, {decays});
  const auto t = static_cast<double>(++state.steps);
  const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
  const double limit = 2 / (1 - beta2) - 1;
  const double rho = limit - 2 * t * std::pow(beta2, t) / correction2;
  const bool rectified = rho > 5;
  const double rectification = rectified
                                   ? std::sqrt((rho - 4) * (rho - 2) * limit /
                                               ((limit - 4) * (limit - 2) * rho) * correction2)
                                   : 1;
  run_step(kRAdam, p, {state.buffers[0], state.buffers[1]},
           {options.lr / correction1 * rectification, options.eps, shrink}, {rectified ? 1 : 0});
}

}  // namespace tenon::optim
