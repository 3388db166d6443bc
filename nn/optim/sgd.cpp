#include <tenon/nn/optim/sgd.h>

#include <tenon/nn/optim/step_internal.h>

namespace tenon::optim {

namespace {

// Attributes of the programs.
enum Flag : size_t { kDecays = 0, kNesterov = 1, kFirst = 1 };

Step::Value decayed(const Step& s, size_t gradient, size_t parameter, size_t decay) {
  const Step::Value g = s.tensor(gradient);
  return s.flag(kDecays) ? g + s.scalar(decay) * s.tensor(parameter) : g;
}

// b = μ·b + (1 − τ)·(g + λ·p), at first g + λ·p
uint32_t emit_momentum(ProgramBuilder& program) {
  const Step s(program);
  const Step::Value g = decayed(s, 1, 2, 2);
  if (!s.flag(kFirst)) return (s.scalar(0) * s.tensor(0) + s.scalar(1) * g).number;
  return s.flag(kDecays) ? g.number : program.op(TN_PROGRAM_COPY, g.number);
}

// p = p − lr·b, or p − lr·(g + λ·p + μ·b)
uint32_t emit_with_momentum(ProgramBuilder& program) {
  const Step s(program);
  Step::Value direction = s.tensor(1);
  if (s.flag(kNesterov)) direction = decayed(s, 2, 0, 1) + s.scalar(2) * direction;
  return (s.tensor(0) - s.scalar(0) * direction).number;
}

// p = p − lr·(g + λ·p)
uint32_t emit_plain(ProgramBuilder& program) {
  const Step s(program);
  return (s.tensor(0) - s.scalar(0) * decayed(s, 1, 0, 1)).number;
}

constinit const Op kMomentum{step_spec("sgd_momentum", "b = μ·b + (1 − τ)·g", &emit_momentum)};
constinit const Op kWithMomentum{step_spec("sgd_update", "p = p − lr·b", &emit_with_momentum)};
constinit const Op kPlain{step_spec("sgd_plain", "p = p − lr·g", &emit_plain)};

// Outputs p and, with momentum, b; input g; attributes nesterov, first; scalars lr, μ, τ, λ.
void compose(OpCall& call) {
  const Tensor& gradient = *call.inputs[0];
  Tensor& parameter = call.outputs[0];
  const Scalar lr = call.scalars[0], momentum = call.scalars[1], decay = call.scalars[3];
  const int64_t decays = decay.to_double() != 0 ? 1 : 0;
  if (call.outputs.size() == 1)
    return run_step(kPlain, parameter, {gradient}, {lr, decay}, {decays});
  Tensor& buffer = call.outputs[1];
  run_step(kMomentum, buffer, {gradient, parameter},
           {momentum, 1 - call.scalars[2].to_double(), decay}, {decays, call.attributes[1]});
  run_step(kWithMomentum, parameter, {buffer, gradient}, {lr, decay, momentum},
           {decays, call.attributes[0]});
}

constinit const Op kStep{Op::Spec{.name = "sgd_step",
                                  .schema = "",
                                  .doc = "One step of SGD; see api/OPERATORS.md.",
                                  .flags = kNoGradient | kInPlaceForm,
                                  .decompose = &compose}};

}  // namespace

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options)
    : SGD(Groups{{parameters, options}}) {}

SGD::SGD(const Groups& groups) : GroupedOptimizer("SGD", {"momentum_buffer"}) {
  for (const auto& group : groups) add_param_group(group);
}

void SGD::check_options(const SGDOptions& options) const {
  check_not_negative("the learning rate", options.lr);
  check_not_negative("the momentum", options.momentum);
  check_not_negative("the weight decay", options.weight_decay);
  check(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
        ErrorCode::kInvalidArgument, name(),
        "nesterov needs a momentum and no dampening, got momentum ", options.momentum,
        " and dampening ", options.dampening);
}

void SGD::update(State& state, const Tensor& gradient, const SGDOptions& options) {
  const std::initializer_list<Scalar> scalars = {options.lr, options.momentum, options.dampening,
                                                 options.weight_decay};
  if (options.momentum == 0)
    return run_plugin_step<1>(kStep, {state.parameter}, gradient, {0, 0}, scalars);
  const bool first = !state.buffers[0].defined();
  run_plugin_step<2>(kStep, {state.parameter, buffer(state, 0)}, gradient,
                     {options.nesterov ? 1 : 0, first ? 1 : 0}, scalars);
}

}  // namespace tenon::optim
