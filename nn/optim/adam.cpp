#include <tenon/nn/optim/adam.h>

#include <tenon/nn/optim/step_internal.h>

#include <cmath>

namespace tenon::optim {

namespace {

// Operands: the mean that is written, g, p. Scalars: β, 1 − β, λ. Attribute: λ ≠ 0.
template <bool kSquare>
uint32_t emit_mean(ProgramBuilder& program) {
  const Step s(program);
  Step::Value g = s.tensor(1);
  if (s.flag(0)) g = g + s.scalar(2) * s.tensor(2);
  const Step::Value part = s.scalar(1) * g;
  return (s.scalar(0) * s.tensor(0) + (kSquare ? part * g : part)).number;
}

// u = max(u, v)
uint32_t emit_greatest(ProgramBuilder& program) {
  const Step s(program);
  return Step::max(s.tensor(0), s.tensor(1)).number;
}

// Operands: p, m, u. Scalars: lr/(1 − β₁ᵗ), √(1 − β₂ᵗ), ε, 1 − lr·λ. Attribute: λ ≠ 0.
uint32_t emit_update(ProgramBuilder& program) {
  const Step s(program);
  Step::Value p = s.tensor(0);
  if (s.flag(0)) p = p * s.scalar(3);
  const Step::Value scale = Step::sqrt(s.tensor(2)) / s.scalar(1) + s.scalar(2);
  return (p - s.scalar(0) * s.tensor(1) / scale).number;
}

constinit const Op kMean{step_spec("adam_mean", "m = β₁·m + (1 − β₁)·g", &emit_mean<false>)};
constinit const Op kSquares{step_spec("adam_squares", "v = β₂·v + (1 − β₂)·g²", &emit_mean<true>)};
constinit const Op kGreatest{step_spec("adam_greatest", "u = max(u, v)", &emit_greatest)};
constinit const Op kUpdate{step_spec(
    "adam_update", "p = (1 − lr·λ)·p − lr/(1 − β₁ᵗ)·m/(√u/√(1 − β₂ᵗ) + ε)", &emit_update)};

struct Numbers {
  double lr, beta1, beta2, eps, coupled_decay, shrink, correction1, correction2;
};

void compose_step(Tensor& p, Tensor& m, Tensor& v, Tensor* greatest, const Tensor& gradient,
                  const Numbers& n) {
  const int64_t decays = n.coupled_decay != 0 ? 1 : 0;
  run_step(kMean, m, {gradient, p}, {n.beta1, 1 - n.beta1, n.coupled_decay}, {decays});
  run_step(kSquares, v, {gradient, p}, {n.beta2, 1 - n.beta2, n.coupled_decay}, {decays});
  if (greatest != nullptr) run_step(kGreatest, *greatest, {v}, {});
  run_step(kUpdate, p, {m, greatest != nullptr ? *greatest : v},
           {n.lr / n.correction1, std::sqrt(n.correction2), n.eps, n.shrink},
           {n.shrink != 1 ? 1 : 0});
}

// Outputs p, m, v; input g; scalars lr, β₁, β₂, ε, λ, 1 − β₁ᵗ, 1 − β₂ᵗ.
void compose(OpCall& call) {
  const auto at = [&](size_t i) { return call.scalars[i].to_double(); };
  compose_step(call.outputs[0], call.outputs[1], call.outputs[2], nullptr, *call.inputs[0],
               {at(0), at(1), at(2), at(3), at(4), 1, at(5), at(6)});
}

constinit const Op kStep{Op::Spec{.name = "adam_step",
                                  .schema = "",
                                  .doc = "One step of Adam; see api/OPERATORS.md.",
                                  .flags = kNoGradient | kInPlaceForm,
                                  .decompose = &compose}};

// p: the parameter; buffers m, v, greatest v. Weight decay λ of the gradient, or p *= shrink.
void take_step(Tensor& p, Tensor& m, Tensor& v, Tensor* greatest, const Tensor& gradient,
               const Numbers& n) {
  if (greatest != nullptr) return compose_step(p, m, v, greatest, gradient, n);
  if (n.shrink != 1) p.mul_(n.shrink);
  run_plugin_step<3>(
      kStep, {p, m, v}, gradient, {},
      {n.lr, n.beta1, n.beta2, n.eps, n.coupled_decay, n.correction1, n.correction2});
}

template <class Options>
Numbers numbers_of(const Options& options, int64_t step) {
  const auto [beta1, beta2] = options.betas;
  const auto steps = static_cast<double>(step);
  return {.lr = options.lr,
          .beta1 = beta1,
          .beta2 = beta2,
          .eps = options.eps,
          .coupled_decay = 0,
          .shrink = 1,
          .correction1 = 1 - std::pow(beta1, steps),
          .correction2 = 1 - std::pow(beta2, steps)};
}

}  // namespace

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options)
    : Adam(Groups{{parameters, options}}) {}

Adam::Adam(const Groups& groups)
    : GroupedOptimizer("Adam", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}) {
  for (const auto& group : groups) add_param_group(group);
}

void Adam::check_options(const AdamOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check_betas(options.betas);
}

void Adam::update(State& state, const Tensor& gradient, const AdamOptions& options) {
  Numbers numbers = numbers_of(options, ++state.steps);
  numbers.coupled_decay = options.weight_decay;
  take_step(state.parameter, buffer(state, 0), buffer(state, 1),
            options.amsgrad ? &buffer(state, 2) : nullptr, gradient, numbers);
}

AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options)
    : AdamW(Groups{{parameters, options}}) {}

AdamW::AdamW(const Groups& groups)
    : GroupedOptimizer("AdamW", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}) {
  for (const auto& group : groups) add_param_group(group);
}

void AdamW::check_options(const AdamWOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the weight decay", options.weight_decay);
  check_betas(options.betas);
}

void AdamW::update(State& state, const Tensor& gradient, const AdamWOptions& options) {
  Numbers numbers = numbers_of(options, ++state.steps);
  numbers.shrink = 1 - options.lr * options.weight_decay;
  take_step(state.parameter, buffer(state, 0), buffer(state, 1),
            options.amsgrad ? &buffer(state, 2) : nullptr, gradient, numbers);
}

}  // namespace tenon::optim
