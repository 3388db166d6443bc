// The peer's side: the rows of ours.cpp on libtorch. Threads and tuning come by the environment.
#include <torch/torch.h>

#include "bench.h"

namespace {

using torch::Tensor;
using torch::indexing::Slice;
using Shape = std::vector<int64_t>;

Tensor data(const Shape& sizes, double scale, double step) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return torch::tensor(peers::wave(count, scale, step)).view(sizes);
}

template <class F>
peers::Row forward(F body) {
  return peers::make_row([body]() mutable { peers::keep(body()); },
                         body().sum().template item<double>());
}

template <class Net>
void set_parameters(Net& net) {
  const torch::NoGradGuard guard;
  double step = 0.7;
  for (Tensor& p : net.parameters()) {
    const double fan = p.dim() > 1 ? static_cast<double>(p.numel() / p.size(0)) : 100;
    p.copy_(data(p.sizes().vec(), 1 / std::sqrt(fan), step += 0.11));
  }
}

struct Mlp : torch::nn::Module {
  torch::nn::Linear a{8, 16}, b{16, 16}, c{16, 4};
  Mlp() {
    register_module("a", a);
    register_module("b", b);
    register_module("c", c);
  }
  Tensor forward(const Tensor& x) { return c(torch::relu(b(torch::relu(a(x))))); }
};

struct LeNet : torch::nn::Module {
  torch::nn::Conv2d conv1{torch::nn::Conv2dOptions(1, 6, 5).padding(2)}, conv2{6, 16, 5};
  torch::nn::Linear fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  LeNet() {
    conv2 = torch::nn::Conv2d(torch::nn::Conv2dOptions(6, 16, 5));
    register_module("conv1", conv1);
    register_module("conv2", conv2);
    register_module("fc1", fc1);
    register_module("fc2", fc2);
    register_module("fc3", fc3);
  }
  Tensor forward(const Tensor& image) {
    Tensor x = torch::max_pool2d(torch::relu(conv1(image)), 2);
    x = torch::max_pool2d(torch::relu(conv2(x)), 2);
    return fc3(torch::relu(fc2(torch::relu(fc1(x.flatten(1))))));
  }
};

// A step of SGD; the check is the loss at the fifth.
template <class Net>
peers::Row train(const Tensor& x, const Tensor& target, const torch::optim::SGDOptions& options) {
  auto net = std::make_shared<Net>();
  set_parameters(*net);
  auto sgd = std::make_shared<torch::optim::SGD>(net->parameters(), options);
  const auto step = [net, sgd, x, target] {
    const Tensor loss = torch::nn::functional::cross_entropy(net->forward(x), target);
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
  return torch::tensor(labels);
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
         return forward(
             [a = data(small, 1, .3), b = data(small, 1, .5), out = torch::empty(small)]() mutable {
               return torch::add_out(out, a, b);
             });
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
         return train<Mlp>(data({16, 8}, 1, .37), classes(16, 4), torch::optim::SGDOptions(0.01));
       }},
      {"lenet_step",
       [] {
         return train<LeNet>(data({64, 1, 28, 28}, 1, .37), classes(64, 10),
                             torch::optim::SGDOptions(0.01).momentum(0.9));
       }},
      {"add_1e6",
       [=] { return forward([a = data(large, 1, .3), b = data(large, 1, .5)] { return a + b; }); }},
      {"relu_1e6", [=] { return forward([a = data(large, 1, .3)] { return a.relu(); }); }},
      {"exp_1e6", [=] { return forward([a = data(large, 3, .3)] { return a.exp(); }); }},
      {"tanh_1e6", [=] { return forward([a = data(large, 3, .3)] { return a.tanh(); }); }},
  };
}

}  // namespace

int main() { return peers::serve(make_rows()); }
