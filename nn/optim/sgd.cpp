#include <tenon/nn/optim/sgd.h>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>

namespace tenon::optim {

namespace {

void check_options(const SGDOptions& options) {
  check(options.lr >= 0 && options.momentum >= 0 && options.weight_decay >= 0,
        ErrorCode::kInvalidArgument, "SGD",
        "learning rate, momentum and weight decay must be >= 0, got ", options.lr, ", ",
        options.momentum, " and ", options.weight_decay);
  check(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
        ErrorCode::kInvalidArgument, "SGD",
        "nesterov needs a momentum and no dampening, got momentum ", options.momentum,
        " and dampening ", options.dampening);
}

}  // namespace

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options)
    : SGD(std::vector<ParameterGroup<SGDOptions>>{{parameters, options}}) {}

SGD::SGD(const std::vector<ParameterGroup<SGDOptions>>& groups)
    : GroupedOptimizer({"momentum_buffer"}) {
  for (const auto& group : groups) {
    check_options(group.options);
    add_group(group, "SGD");
  }
}

void SGD::update(State& state, const SGDOptions& options) {
  Tensor gradient = state.parameter.grad();
  if (!gradient.defined()) return;
  const NoGradGuard no_grad;
  if (options.maximize) gradient = neg(gradient);
  if (options.weight_decay != 0) gradient = gradient.add(state.parameter, options.weight_decay);
  if (options.momentum != 0) {
    Tensor& momentum = state.buffers[0];
    if (momentum.defined())
      momentum.mul_(options.momentum).add_(gradient, 1 - options.dampening);
    else
      momentum = gradient.detach().clone();
    gradient = options.nesterov ? gradient.add(momentum, options.momentum) : momentum;
  }
  state.parameter.add_(gradient, -options.lr);
}

}  // namespace tenon::optim
