// Our side of the comparison, written as a user would; peer_torch.cpp is the same line by line.
#include <tenon/tenon.h>

#include <array>

#include "bench.h"

using namespace tenon;

namespace {

Tensor data(const Shape& sizes, double scale, double step) {
  const std::vector<float> values = peers::wave(sizes.numel(), scale, step);
  return tensor(std::span<const float>(values), sizes);
}

template <class F>
peers::Row forward(F body) {
  return peers::make_row([body]() mutable { peers::keep(body()); },
                         body().sum().template item<double>());
}

template <class Net>
void set_parameters(Net& net) {
  const NoGradGuard guard;
  double step = 0.7;
  for (Tensor& p : net.parameters()) {
    const double fan = p.dim() > 1 ? static_cast<double>(p.numel() / p.size(0)) : 100;
    p.copy_(data(p.sizes(), 1 / std::sqrt(fan), step += 0.11));
  }
}

struct Mlp : nn::Cloneable<Mlp> {
  nn::Linear a{8, 16}, b{16, 16}, c{16, 4};
  Mlp() {
    register_module("a", &Mlp::a);
    register_module("b", &Mlp::b);
    register_module("c", &Mlp::c);
  }
  Tensor forward(const Tensor& x) override { return c(relu(b(relu(a(x))))); }
};

struct LeNet : nn::Cloneable<LeNet> {
  nn::Conv2d conv1{1, 6, 5, {.padding = 2}}, conv2{6, 16, 5};
  nn::Linear fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  LeNet() {
    register_module("conv1", &LeNet::conv1);
    register_module("conv2", &LeNet::conv2);
    register_module("fc1", &LeNet::fc1);
    register_module("fc2", &LeNet::fc2);
    register_module("fc3", &LeNet::fc3);
  }
  Tensor forward(const Tensor& image) override {
    Tensor x = max_pool2d(relu(conv1(image)), {.kernel = {2, 2}});
    x = max_pool2d(relu(conv2(x)), {.kernel = {2, 2}});
    return fc3(relu(fc2(relu(fc1(x.flatten(1))))));
  }
};

// A step of SGD; the check is the loss at the fifth.
template <class Net>
peers::Row train(const Tensor& x, const Tensor& target, const optim::SGDOptions& options) {
  auto net = std::make_shared<Net>();
  set_parameters(*net);
  auto sgd = std::make_shared<optim::SGD>(net->parameters(), options);
  const auto step = [net, sgd, x, target] {
    const Tensor loss = cross_entropy((*net)(x), target);
    sgd->zero_grad();
    loss.backward();
    sgd->step();
    return loss;
  };
  for (int i = 0; i < 4; ++i) step();
  const double check = step().template item<double>();
  return peers::make_row([step] { peers::keep(step()); }, check);
}

Tensor classes(int64_t n, int64_t count) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < n; ++i) labels.push_back(i * 7 % count);
  return tensor(labels);
}

peers::Rows make_rows() {
  const Shape small{16}, matrix{4, 4}, large{1'000'000};
  return {
      {"add",
       [=] { return forward([a = data(small, 1, .3), b = data(small, 1, .5)] { return a + b; }); }},
      {"add_grad",
       [=] {
         Tensor a = data(small, 1, .3);
         a.requires_grad_();
         return forward([a, b = data(small, 1, .5)] { return a + b; });
       }},
      {"add_out",
       [=] {
         return forward([a = data(small, 1, .3), b = data(small, 1, .5),
                         out = empty(small)]() mutable { return add_out(out, a, b); });
       }},
      {"mul_scalar_",
       [=] { return forward([a = data(small, 1, .3)]() mutable { return a.mul_(1.0); }); }},
      {"add_scalar", [=] { return forward([a = data(small, 1, .3)] { return a + 1.5; }); }},
      {"view", [=] { return forward([a = data(small, 1, .3)] {
                       return a.view({4, 4});
                     }); }},
      {"select", [=] { return forward([a = data(matrix, 1, .3)] { return a.select(0, 1); }); }},
      {"column",
       [=] { return forward([a = data(matrix, 1, .3)] {
               return a.index({Slice(), 1});
             }); }},
      {"sum", [=] { return forward([a = data(small, 1, .3)] { return a.sum(); }); }},
      {"mul_sum_backward",
       [=] {
         Tensor g = data(small, 1, .3);
         g.requires_grad_();
         const Tensor b = data(small, 1, .5);
         return peers::make_row([g, b] { (g * b).sum().backward(); }, (g * b).sum().item<double>());
       }},
      {"mlp_step",
       [] {
         return train<Mlp>(data({16, 8}, 1, .37), classes(16, 4), {.lr = 0.01});
       }},
      {"lenet_step",
       [] {
         return train<LeNet>(data({64, 1, 28, 28}, 1, .37), classes(64, 10),
                             {.lr = 0.01, .momentum = 0.9});
       }},
      {"add_1e6",
       [=] { return forward([a = data(large, 1, .3), b = data(large, 1, .5)] { return a + b; }); }},
      {"relu_1e6", [=] { return forward([a = data(large, 1, .3)] { return a.relu(); }); }},
      {"exp_1e6", [=] { return forward([a = data(large, 3, .3)] { return a.exp(); }); }},
      {"tanh_1e6", [=] { return forward([a = data(large, 3, .3)] { return a.tanh(); }); }},
      // The probe: multiply-adds in registers, which say how fast this core is right now.
      {"probe",
       [] {
         return peers::make_row(
             [a = std::array<float, 64>{}]() mutable {
               for (int i = 0; i < 256; ++i) {
                 for (float& x : a) x = x * 0.999f + 0.001f;
               }
               peers::keep(a);
             },
             0);
       }},
  };
}

}  // namespace

int main() { return peers::serve(make_rows()); }
