#include "golden/optimizers.h"

#include <map>
#include <stdexcept>

#include <tenon/nn/optim/adagrad.h>
#include <tenon/nn/optim/adam.h>
#include <tenon/nn/optim/adam_variants.h>
#include <tenon/nn/optim/rmsprop.h>
#include <tenon/nn/optim/sgd.h>

namespace tenon::golden {

namespace {

// Options have PyTorch's names, so one list serves all optimizers.
template <class Options>
Options read(const Json& given) {
  Options o;
  size_t taken = 0;
  const auto take = [&](const char* name, auto& member) {
    if (!given.contains(name)) return;
    given.at(name).get_to(member);
    ++taken;
  };
  take("lr", o.lr);
  take("weight_decay", o.weight_decay);
  take("maximize", o.maximize);
  if constexpr (requires { o.eps; }) take("eps", o.eps);
  if constexpr (requires { o.momentum; }) take("momentum", o.momentum);
  if constexpr (requires { o.dampening; }) take("dampening", o.dampening);
  if constexpr (requires { o.nesterov; }) take("nesterov", o.nesterov);
  if constexpr (requires { o.betas; }) take("betas", o.betas);
  if constexpr (requires { o.amsgrad; }) take("amsgrad", o.amsgrad);
  if constexpr (requires { o.alpha; }) take("alpha", o.alpha);
  if constexpr (requires { o.centered; }) take("centered", o.centered);
  if constexpr (requires { o.lr_decay; }) take("lr_decay", o.lr_decay);
  if constexpr (requires { o.initial_accumulator_value; })
    take("initial_accumulator_value", o.initial_accumulator_value);
  if constexpr (requires { o.rho; }) take("rho", o.rho);
  if constexpr (requires { o.decoupled_weight_decay; })
    take("decoupled_weight_decay", o.decoupled_weight_decay);
  if (taken != given.size()) throw std::out_of_range("unknown option in " + given.dump());
  return o;
}

template <class Optimizer, class Options>
std::unique_ptr<optim::Optimizer> make(const std::vector<Tensor>& parameters, const Json& options) {
  return std::make_unique<Optimizer>(parameters, read<Options>(options));
}

}  // namespace

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const Json& options,
                                                 const std::vector<Tensor>& parameters) {
  using namespace optim;
  using Make = std::unique_ptr<Optimizer> (*)(const std::vector<Tensor>&, const Json&);
  static const auto& makers = *new std::map<std::string, Make>{
      {"SGD", &make<SGD, SGDOptions>},
      {"Adam", &make<Adam, AdamOptions>},
      {"AdamW", &make<AdamW, AdamWOptions>},
      {"RMSprop", &make<RMSprop, RMSpropOptions>},
      {"Adagrad", &make<Adagrad, AdagradOptions>},
      {"Adadelta", &make<Adadelta, AdadeltaOptions>},
      {"Adamax", &make<Adamax, AdamaxOptions>},
      {"NAdam", &make<NAdam, NAdamOptions>},
      {"RAdam", &make<RAdam, RAdamOptions>},
  };
  return makers.at(name)(parameters, options);
}

}  // namespace tenon::golden
