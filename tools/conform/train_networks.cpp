// Optimizer steps, draws, and small networks that must learn: every loss beside the oracle's, the
// last one low.
#include <memory>

#include "train_cases.h"

namespace tenon::conform {
namespace {

// ---- optimizers --------------------------------------------------------------------------------

using Make = std::function<std::unique_ptr<optim::Optimizer>(const std::vector<Tensor>&)>;

template <class Optimizer, class Options>
Make make(const Options& options) {
  return [=](const std::vector<Tensor>& parameters) {
    return std::make_unique<Optimizer>(parameters, options);
  };
}

struct Rule {
  const char* name;
  Make make;
};

std::vector<Rule> rules() {
  using namespace optim;
  return {
      {"sgd", make<SGD>(SGDOptions{.lr = 0.05})},
      {"sgd_momentum", make<SGD>(SGDOptions{.lr = 0.05, .momentum = 0.9})},
      {"sgd_dampening", make<SGD>(SGDOptions{.lr = 0.05, .momentum = 0.9, .dampening = 0.3})},
      {"sgd_nesterov", make<SGD>(SGDOptions{.lr = 0.05, .momentum = 0.9, .nesterov = true})},
      {"sgd_decay", make<SGD>(SGDOptions{.lr = 0.05, .weight_decay = 0.1})},
      {"adam", make<Adam>(AdamOptions{.lr = 0.02})},
      {"adam_decay", make<Adam>(AdamOptions{.lr = 0.02, .weight_decay = 0.1})},
      {"adam_amsgrad", make<Adam>(AdamOptions{.lr = 0.02, .amsgrad = true})},
      {"adamw", make<AdamW>(AdamWOptions{.lr = 0.02})},
      {"adamax", make<Adamax>(AdamaxOptions{.lr = 0.02})},
      {"nadam", make<NAdam>(NAdamOptions{.lr = 0.02})},
      {"radam", make<RAdam>(RAdamOptions{.lr = 0.02})},
      {"adagrad", make<Adagrad>(AdagradOptions{.lr = 0.05})},
      {"adadelta", make<Adadelta>(AdadeltaOptions{})},
      {"rmsprop", make<RMSprop>(RMSpropOptions{.lr = 0.01})},
      {"rmsprop_centered", make<RMSprop>(RMSpropOptions{.lr = 0.01, .centered = true})},
      {"lion", make<Lion>(LionOptions{.lr = 0.01})},
  };
}

// Twelve steps of a curved valley; parameters of several shapes.
Numbers descend(const Make& make_optimizer, int64_t steps) {
  std::vector<Tensor> parameters;
  for (const Shape& sizes : {Shape{3, 4}, Shape{7}, Shape{2, 3, 5}}) {
    parameters.push_back(reals("p" + sizes_name(sizes), sizes, 0.5, 1.5).requires_grad_());
  }
  const auto optimizer = make_optimizer(parameters);
  Numbers numbers;
  for (int64_t step = 0; step < steps; ++step) {
    Tensor loss;
    for (const Tensor& p : parameters) {
      const Tensor part =
          sum(add(square(square(p)), mul(p, reals("slope" + sizes_name(p.sizes()), p.sizes()))));
      loss = loss.defined() ? add(loss, part) : part;
    }
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    keep(numbers, "parameter " + std::to_string(i), parameters[i]);
  }
  return numbers;
}

// ---- draws -------------------------------------------------------------------------------------

struct Draw {
  const char* name;
  std::function<Tensor()> make;
};

std::vector<Draw> draws() {
  return {
      {"rand",
       [] {
         return rand({37, 5});
       }},
      {"randn",
       [] {
         return randn({37, 5});
       }},
      {"randint", [] { return randint(3, 90, {211}).to(kFloat32); }},
      {"randperm", [] { return randperm(300).to(kFloat32); }},
      {"bernoulli", [] { return bernoulli(reals("p", {200}, 0, 1)); }},
      {"dropout", [] { return dropout(ones({500}), 0.5, true); }},
      {"multinomial", [] { return multinomial(reals("w", {9}, 0.1, 1), 6).to(kFloat32); }},
  };
}

// ---- networks ----------------------------------------------------------------------------------

struct Task {
  const char* name;
  std::function<std::shared_ptr<nn::Module>()> make;
  std::function<Tensor()> inputs, targets;
  bool classifies;
  double share;  // of the first loss, which the last one must be below
};

struct LastOfLstm : nn::Cloneable<LastOfLstm> {
  nn::LSTM rnn{4, 8, {.batch_first = true}};
  nn::Linear out{8, 3};
  LastOfLstm() {
    register_module("rnn", &LastOfLstm::rnn);
    register_module("out", &LastOfLstm::out);
  }
  Tensor forward(const Tensor& x) override { return out(rnn(x).first.select(1, -1)); }
};

struct Attending : nn::Cloneable<Attending> {
  nn::TransformerEncoderLayer layer{
      8, 2, {.dim_feedforward = 16, .dropout = 0, .batch_first = true}};
  nn::Linear out{8, 3};
  Attending() {
    register_module("layer", &Attending::layer);
    register_module("out", &Attending::out);
  }
  Tensor forward(const Tensor& x) override { return out(layer(x).mean({1})); }
};

template <class... Layers>
std::shared_ptr<nn::Module> sequence(Layers... layers) {
  return std::make_shared<nn::Sequential>(std::move(layers)...);
}

std::vector<Task> tasks() {
  const auto numbers = [](const Shape& sizes) { return [=] { return reals("inputs", sizes); }; };
  const auto labels = [](int64_t n, int64_t count) {
    return [=] { return classes("labels", {n}, count); };
  };
  return {
      {"mlp",
       [] {
         return sequence(nn::Linear(6, 24), nn::Tanh(), nn::Linear(24, 16), nn::ReLU(),
                         nn::Linear(16, 3));
       },
       numbers({16, 6}), labels(16, 3), true, 0.5},
      {"regression", [] { return sequence(nn::Linear(5, 16), nn::Sigmoid(), nn::Linear(16, 2)); },
       numbers({12, 5}),
       [] {
         return reals("targets", {12, 2});
       },
       false, 0.5},
      {"lenet",
       [] {
         return sequence(nn::Conv2d(1, 4, 3, {.padding = 1}), nn::ReLU(), nn::MaxPool2d(2),
                         nn::Conv2d(4, 8, 3), nn::ReLU(), nn::Flatten(), nn::Linear(32, 16),
                         nn::Tanh(), nn::Linear(16, 4));
       },
       numbers({8, 1, 8, 8}), labels(8, 4), true, 0.5},
      {"batch_norm",
       [] {
         return sequence(nn::Conv2d(2, 6, 3, {.padding = 1}), nn::BatchNorm2d(6), nn::ReLU(),
                         nn::Flatten(), nn::Linear(6 * 25, 3));
       },
       numbers({10, 2, 5, 5}), labels(10, 3), true, 0.5},
      {"layer_norm",
       [] {
         return sequence(nn::Linear(6, 16), nn::LayerNorm({16}), nn::GELU(), nn::Linear(16, 3));
       },
       numbers({12, 6}), labels(12, 3), true, 0.5},
      // Slow by nature: SGD takes 14 % off in these steps, on any device.
      {"lstm", [] { return std::make_shared<LastOfLstm>(); }, numbers({8, 5, 4}), labels(8, 3),
       true, 0.9},
      {"transformer", [] { return std::make_shared<Attending>(); }, numbers({8, 5, 8}),
       labels(8, 3), true, 0.5},
  };
}

constexpr int64_t kSteps = 60;
constexpr int64_t kCompared = 10;  // small differences grow: only the first losses are compared

std::vector<float> train(const Task& task, const Make& make_optimizer, const Device& device) {
  const auto module = task.make();
  fill_and_send(*module, device);
  const auto optimizer = make_optimizer(module->parameters());
  const Tensor inputs = task.inputs(), targets = task.targets();
  std::vector<float> losses;
  for (int64_t step = 0; step < kSteps; ++step) {
    const Tensor output = (*module)(inputs);
    const Tensor loss =
        task.classifies ? cross_entropy(output, targets) : mse_loss(output, targets);
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
    losses.push_back(loss.item<float>());
  }
  return losses;
}

void check_network(Context& c, const Task& task, const Make& make_optimizer) {
  compare_devices(c, 1e-3, [&](const Device& device) -> Numbers {
    std::vector<float> losses = train(task, make_optimizer, device);
    const float last = losses.back();
    const float limit = static_cast<float>(task.share) * losses.front();
    require(last < limit, "the loss after " + std::to_string(kSteps) + " steps on " + device.str() +
                              " is " + std::to_string(last) + ", expected below " +
                              std::to_string(limit));
    losses.resize(kCompared);
    return {{"losses", losses}};
  });
}

// Saved on the device, read back, sent again: the same numbers.
void check_round_trip(Context& c, DType dtype) {
  compare_devices(c, 0, [&](const Device& device) -> Numbers {
    const Tensor sent = reals("trip", {5, 31}, 0, 100).to(dtype);
    const Tensor back = sent.cpu().to(device).t().contiguous().t();
    Numbers numbers;
    keep(numbers, "back", back.to(kFloat32));
    return numbers;
  });
}

}  // namespace

void add_optimizer_cases(Cases& cases) {
  for (const Rule& rule : rules()) {
    for (const int64_t steps : {1, 12}) {
      cases.push_back(
          {train_name("optimizer", rule.name, std::to_string(steps) + "_steps"), [=](Context& c) {
             compare_devices(c, 2e-4, [&](const Device&) { return descend(rule.make, steps); });
           }});
    }
  }
  for (const Draw& draw : draws()) {
    cases.push_back({train_name("draw", draw.name), [=](Context& c) {
                       compare_devices(c, 1e-4, [&](const Device&) {
                         Numbers numbers;
                         keep(numbers, "first", draw.make());
                         keep(numbers, "second", draw.make());
                         return numbers;
                       });
                     }});
  }
}

void add_network_cases(Cases& cases) {
  const Rule learners[] = {
      {"adam", make<optim::Adam>(optim::AdamOptions{.lr = 0.02})},
      {"sgd", make<optim::SGD>(optim::SGDOptions{.lr = 0.05, .momentum = 0.9})}};
  for (const Task& task : tasks()) {
    for (const Rule& rule : learners) {
      cases.push_back({train_name("network", task.name, rule.name),
                       [=](Context& c) { check_network(c, task, rule.make); }});
    }
  }
  for (const DType dtype : {kFloat32, kInt64, kInt32, kUInt8, kFloat16, kBFloat16}) {
    cases.push_back({train_name("round_trip", join_text(dtype)),
                     [=](Context& c) { check_round_trip(c, dtype); }});
  }
}

}  // namespace tenon::conform
