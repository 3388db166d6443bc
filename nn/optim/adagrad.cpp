#include <tenon/nn/optim/adagrad.h>

#include <tenon/nn/optim/step_internal.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::optim {

namespace {

// g + λ·p; attribute 0: λ ≠ 0.
Step::Value decayed(const Step& s, size_t g, size_t p, size_t decay) {
  return s.flag(0) ? s.tensor(g) + s.scalar(decay) * s.tensor(p) : s.tensor(g);
}

// ---- Adagrad ----

// Operands: s, g, p. Scalars: λ.
uint32_t emit_sum(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value g = decayed(s, 1, 2, 0);
  return (s.tensor(0) + g * g).number;
}

// Operands: p, g, s. Scalars: lr, ε, λ.
uint32_t emit_adagrad(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value step = s.scalar(0) * decayed(s, 1, 0, 2);
  return (s.tensor(0) - step / (Step::sqrt(s.tensor(2)) + s.scalar(1))).number;
}

constinit const Op kSum{step_spec("adagrad_sum", "s = s + g²", &emit_sum)};
constinit const Op kAdagrad{step_spec("adagrad_update", "p = p − lr·g/(√s + ε)", &emit_adagrad)};

// ---- Adadelta ----

// Operands: the mean that is written, x, p. Scalars: ρ, 1 − ρ, λ.
uint32_t emit_squares(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value x = decayed(s, 1, 2, 2);
  return (s.scalar(0) * s.tensor(0) + s.scalar(1) * x * x).number;
}

// Operands: d (written, not read), g, p, u, v. Scalars: ε, λ.
uint32_t emit_delta(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value eps = s.scalar(0);
  return (Step::sqrt(s.tensor(3) + eps) / Step::sqrt(s.tensor(4) + eps) * decayed(s, 1, 2, 1))
      .number;
}

constinit const Op kSquares{step_spec("adadelta_squares", "v = ρ·v + (1 − ρ)·x²", &emit_squares)};
constinit const Op kDelta{step_spec("adadelta_delta", "d = √(u + ε)/√(v + ε)·g", &emit_delta)};

}  // namespace

Adagrad::Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options)
    : Adagrad(Groups{{parameters, options}}) {}

Adagrad::Adagrad(const Groups& groups) : GroupedOptimizer("Adagrad", {"sum"}) {
  for (const auto& group : groups) add_param_group(group);
}

void Adagrad::check_options(const AdagradOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("the decay of the learning rate", options.lr_decay);
  check_not_negative("the weight decay", options.weight_decay);
  check_not_negative("the initial accumulator value", options.initial_accumulator_value);
  check_not_negative("epsilon", options.eps);
}

void Adagrad::update(State& state, const Tensor& gradient, const AdagradOptions& options) {
  Tensor& sum = state.buffers[0];
  if (!sum.defined()) sum = full_like(state.parameter.detach(), options.initial_accumulator_value);
  const int64_t decays = options.weight_decay != 0 ? 1 : 0;
  run_step(kSum, sum, {gradient, state.parameter}, {options.weight_decay}, {decays});
  const double lr = options.lr / (1 + static_cast<double>(state.steps++) * options.lr_decay);
  run_step(kAdagrad, state.parameter, {gradient, sum}, {lr, options.eps, options.weight_decay},
           {decays});
}

Adadelta::Adadelta(const std::vector<Tensor>& parameters, const AdadeltaOptions& options)
    : Adadelta(Groups{{parameters, options}}) {}

Adadelta::Adadelta(const Groups& groups)
    : GroupedOptimizer("Adadelta", {"square_avg", "acc_delta"}) {
  for (const auto& group : groups) add_param_group(group);
}

void Adadelta::check_options(const AdadeltaOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check(options.rho >= 0 && options.rho <= 1, ErrorCode::kInvalidArgument, name(),
        "rho must be in [0, 1], got ", options.rho);
}

void Adadelta::update(State& state, const Tensor& gradient, const AdadeltaOptions& options) {
  ++state.steps;
  Tensor& p = state.parameter;
  Tensor& square = buffer(state, 0);
  Tensor& moved = buffer(state, 1);
  const double rho = options.rho, decay = options.weight_decay;
  const int64_t decays = decay != 0 ? 1 : 0;
  run_step(kSquares, square, {gradient, p}, {rho, 1 - rho, decay}, {decays});
  Tensor delta = empty_like(p.detach());
  run_step(kDelta, delta, {gradient, p, moved, square}, {options.eps, decay}, {decays});
  run_step(kSquares, moved, {delta, p}, {rho, 1 - rho, 0.0}, {0});
  p.sub_(delta, options.lr);
}

}  // namespace tenon::optim
