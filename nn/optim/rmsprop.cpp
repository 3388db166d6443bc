#include <tenon/nn/optim/rmsprop.h>

#include <tenon/nn/optim/step_internal.h>

namespace tenon::optim {

namespace {

// Operands: the mean that is written, g, p. Scalars: α, 1 − α, λ. Attribute: λ ≠ 0.
template <bool kSquare>
uint32_t emit_mean(ProgramBuilder& program) {
  const Step s(program);
  Step::Value g = s.tensor(1);
  if (s.flag(0)) g = g + s.scalar(2) * s.tensor(2);
  const Step::Value part = s.scalar(1) * g;
  return (s.scalar(0) * s.tensor(0) + (kSquare ? part * g : part)).number;
}

// g / (√(v − a²) + ε). Operands from `first` on: g, p, v, a. Scalars from 1 on: ε, λ.
// Attributes: λ ≠ 0, centered.
Step::Value direction(const Step& s, size_t p, size_t g, size_t v, size_t a) {
  Step::Value gradient = s.tensor(g);
  if (s.flag(0)) gradient = gradient + s.scalar(2) * s.tensor(p);
  Step::Value square = s.tensor(v);
  if (s.flag(1)) square = square - s.tensor(a) * s.tensor(a);
  return gradient / (Step::sqrt(square) + s.scalar(1));
}

// Operands: p, g, v, a. Scalars: lr, ε, λ.
uint32_t emit_plain(ProgramBuilder& program) {
  const Step s(program);
  return (s.tensor(0) - s.scalar(0) * direction(s, 0, 1, 2, 3)).number;
}

// Operands: b, p, g, v, a. Scalars: μ, ε, λ.
uint32_t emit_momentum(ProgramBuilder& program) {
  const Step s(program);
  return (s.scalar(0) * s.tensor(0) + direction(s, 1, 2, 3, 4)).number;
}

constinit const Op kMean{step_spec("rmsprop_mean", "a = α·a + (1 − α)·g", &emit_mean<false>)};
constinit const Op kSquares{step_spec("rmsprop_squares", "v = α·v + (1 − α)·g²", &emit_mean<true>)};
constinit const Op kPlain{step_spec("rmsprop_update", "p = p − lr·g/(√v + ε)", &emit_plain)};
constinit const Op kMomentum{step_spec("rmsprop_momentum", "b = μ·b + g/(√v + ε)", &emit_momentum)};

enum Buffer : size_t { kSquareAverage, kMomentumBuffer, kGradientAverage };

}  // namespace

RMSprop::RMSprop(const std::vector<Tensor>& parameters, const RMSpropOptions& options)
    : RMSprop(Groups{{parameters, options}}) {}

RMSprop::RMSprop(const Groups& groups)
    : GroupedOptimizer("RMSprop", {"square_avg", "momentum_buffer", "grad_avg"}) {
  for (const auto& group : groups) add_param_group(group);
}

void RMSprop::check_options(const RMSpropOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("epsilon", options.eps);
  check_not_negative("the momentum", options.momentum);
  check_not_negative("the weight decay", options.weight_decay);
  check_not_negative("alpha", options.alpha);
}

void RMSprop::update(State& state, const Tensor& gradient, const RMSpropOptions& options) {
  ++state.steps;
  Tensor& p = state.parameter;
  const double decay = options.weight_decay;
  const int64_t decays = decay != 0 ? 1 : 0, centered = options.centered ? 1 : 0;
  const std::initializer_list<Scalar> weights = {options.alpha, 1 - options.alpha, decay};
  Tensor& square = buffer(state, kSquareAverage);
  run_step(kSquares, square, {gradient, p}, weights, {decays});
  if (options.centered)
    run_step(kMean, buffer(state, kGradientAverage), {gradient, p}, weights, {decays});
  // Without centering the program does not read it.
  const Tensor& mean = options.centered ? buffer(state, kGradientAverage) : square;
  if (options.momentum == 0)
    return run_step(kPlain, p, {gradient, square, mean}, {options.lr, options.eps, decay},
                    {decays, centered});
  Tensor& momentum = buffer(state, kMomentumBuffer);
  run_step(kMomentum, momentum, {p, gradient, square, mean}, {options.momentum, options.eps, decay},
           {decays, centered});
  p.sub_(momentum, options.lr);
}

}  // namespace tenon::optim
