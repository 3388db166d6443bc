// The hottest paths, each `kCalls` times between two marks that callgrind understands; `run` reads
// its counts. Without valgrind the marks do nothing.
#include <tenon/tenon.h>
#include <valgrind/callgrind.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace tenon;

namespace {

constexpr int kCalls = 200;
constexpr int kWarmUp = 20;  // plans, free lists and bins are filled before anything is counted

std::string wanted;  // a part of a row's name

template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

Tensor wave(const Shape& sizes, double scale, double step) {
  std::vector<float> values(static_cast<size_t>(sizes.numel()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(step * static_cast<double>(i + 1)));
  return tensor(std::span<const float>(values), sizes);
}

// `body` is inlined into the loop: what is counted is the calls in it.
template <class F>
void count(const char* name, F body) {
  if (std::string(name).find(wanted) == std::string::npos) return;
  for (int i = 0; i < kWarmUp; ++i) body();
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  for (int i = 0; i < kCalls; ++i) body();
  CALLGRIND_DUMP_STATS_AT(name);
  CALLGRIND_STOP_INSTRUMENTATION;
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

void count_train_step() {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 16; ++i) labels.push_back(i * 7 % 4);
  const Tensor x = wave({16, 8}, 1, .37), target = tensor(labels);
  Mlp net;
  optim::SGD sgd(net.parameters(), {.lr = 0.01});
  count("mlp_step", [&] {
    const Tensor loss = cross_entropy(net(x), target);
    sgd.zero_grad();
    loss.backward();
    sgd.step();
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) wanted = argv[1];
  const Shape small{16};
  const Tensor a = wave(small, 1, .3), b = wave(small, 1, .5), matrix = wave({4, 4}, 1, .3);
  const Tensor left = wave({8, 8}, 1, .3), right = wave({8, 8}, 1, .5), one = wave({1}, 1, .3);
  Tensor leaf = wave(small, 1, .3), out = empty(small), scaled = wave(small, 1, .3);
  leaf.requires_grad_();
  count("add", [&] { keep(a + b); });
  count("add_grad", [&] { keep(leaf + b); });
  count("add_out", [&] { keep(add_out(out, a, b)); });
  count("add_scalar", [&] { keep(a + 1.5); });
  count("mul_scalar_", [&] { keep(scaled.mul_(1.0)); });
  count("view", [&] { keep(a.view({4, 4})); });
  count("select", [&] { keep(matrix.select(0, 1)); });
  count("column", [&] { keep(matrix.index({Slice(), 1})); });
  count("sum", [&] { keep(a.sum()); });
  count("item", [&] { keep(one.item<float>()); });
  count("mm_8x8", [&] { keep(left.mm(right)); });
  count("mul_sum_backward", [&] { (leaf * b).sum().backward(); });
  count_train_step();
  std::cout << kCalls << std::endl;
  return 0;
}
