#include "golden/models.h"

#include <map>

#include <tenon/autograd/grad_mode.h>
#include <tenon/tenon.h>

#include "golden/formula.h"
#include "golden/models_internal.h"

namespace tenon::golden {

std::function<Tensor(int64_t)> reals(std::string name, const Shape& sizes) {
  return [name = std::move(name), sizes](int64_t k) {
    return tensor_of(seed_of(join_text(name, "/", k)), sizes, kFloat32, -1, 1);
  };
}
std::function<Tensor(int64_t)> classes(std::string name, const Shape& sizes, int64_t limit) {
  return [name = std::move(name), sizes, limit](int64_t k) {
    return tensor_of(seed_of(join_text(name, "/", k)), sizes, kInt64, 0,
                     static_cast<double>(limit));
  };
}

Tensor entropy(const Tensor& output, const Tensor& target) { return cross_entropy(output, target); }

namespace {

constexpr int64_t kBatches = 2;

Tensor squares(const Tensor& output, const Tensor& target) { return mse_loss(output, target); }

// Matrices in ±2^−k with 4^k >= fan-in, gains around 1, biases around 0.
std::pair<double, double> bounds(const std::string& name, const Shape& sizes) {
  if (sizes.rank() == 1) {
    const bool gain = name.ends_with("weight");
    return gain ? std::pair(0.5, 1.5) : std::pair(-0.125, 0.125);
  }
  const auto fan_in = static_cast<double>(sizes.slice(1, sizes.rank()).numel());
  double bound = 1;
  while (bound * bound * fan_in > 1) bound /= 2;
  return {-bound, bound};
}

void fill(const nn::Module& module) {
  const NoGradGuard no_grad;
  for (auto& [name, parameter] : module.named_parameters()) {
    const auto [lo, hi] = bounds(name, parameter.sizes());
    Tensor target = parameter;
    target.copy_(tensor_of(seed_of(name), parameter.sizes(), kFloat32, lo, hi));
  }
}

Task mlp() {
  return {std::make_shared<nn::Sequential>(nn::Sequential{
              nn::Linear(8, 16), nn::Tanh(), nn::Linear(16, 12), nn::ReLU(), nn::Linear(12, 4)}),
          reals("images", {8, 8}), classes("labels", {8}, 4), &entropy};
}

Task lenet() {
  return {
      std::make_shared<nn::Sequential>(nn::Sequential{
          nn::Conv2d(1, 4, 3, {.padding = 1}), nn::ReLU(), nn::MaxPool2d(2), nn::Conv2d(4, 8, 3),
          nn::ReLU(), nn::Flatten(), nn::Linear(32, 16), nn::Tanh(), nn::Linear(16, 4)}),
      reals("images", {4, 1, 8, 8}), classes("labels", {4}, 4), &entropy};
}

struct Regression : nn::Cloneable<Regression> {
  nn::Linear in{6, 10}, out{10, 2};
  Regression() {
    register_module("0", &Regression::in);
    register_module("2", &Regression::out);
  }
  Tensor forward(const Tensor& x) override { return out(sigmoid(in(x))); }
};

Task regression() {
  return {std::make_shared<Regression>(), reals("images", {8, 6}), reals("targets", {8, 2}),
          &squares};
}

// A recurrent layer, its last output to a linear one.
template <class Layer>
struct Recurrent : nn::Cloneable<Recurrent<Layer>> {
  Layer rnn;
  nn::Linear out;
  Recurrent(const nn::RecurrentOptions& options)
      : rnn(4, 6, options), out(options.bidirectional ? 12 : 6, 3) {
    this->register_module("rnn", &Recurrent::rnn);
    this->register_module("out", &Recurrent::out);
  }
  Tensor forward(const Tensor& x) override { return out(rnn(x).first.select(1, -1)); }
};

template <class Layer>
Task recurrent(const nn::RecurrentOptions& options = {.batch_first = true}) {
  return {std::make_shared<Recurrent<Layer>>(options), reals("images", {4, 5, 4}),
          classes("labels", {4}, 3), &entropy};
}

Task deep_lstm() {
  return recurrent<nn::LSTM>({.num_layers = 2, .batch_first = true, .bidirectional = true});
}

}  // namespace

Tensor Task::loss(int64_t step) const {
  const int64_t batch = step % kBatches;
  return loss_of((*module)(inputs(batch)), targets(batch));
}

Task make_task(const std::string& model) {
  static const auto& makers =
      *new std::map<std::string, Task (*)()>{{"mlp", &mlp},
                                             {"regression", &regression},
                                             {"lenet", &lenet},
                                             {"resnet", &resnet},
                                             {"transformer", &transformer},
                                             {"encoder", &encoder},
                                             {"lstm", [] { return recurrent<nn::LSTM>(); }},
                                             {"gru", [] { return recurrent<nn::GRU>(); }},
                                             {"rnn", [] { return recurrent<nn::RNN>(); }},
                                             {"deep_lstm", &deep_lstm}};
  Task task = makers.at(model)();
  fill(*task.module);
  return task;
}

}  // namespace tenon::golden
