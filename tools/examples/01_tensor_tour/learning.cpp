// S40 to S47: modules, the training loop, and the corners of in-place calls.
#include <cmath>
#include <functional>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

struct Net : nn::Cloneable<Net> {
  nn::Linear hidden{4, 8}, out{8, 2};
  Net() {
    register_module("hidden", &Net::hidden);
    register_module("out", &Net::out);
  }
  Tensor forward(const Tensor& x) override { return out(relu(hidden(x))); }
};

// Sixteenths: sums of few of them are exact in any order.
void set_exactly(const Tensor& tensor, int first) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < tensor.numel(); ++i)
    numbers.push_back(static_cast<float>((i * 5 + first) % 17 - 8) / 16);
  tensor.data().view({-1}).copy_(tenon::tensor(numbers));
}

void modules() {
  statement(40, "nn is built on autograd: a Module has layers, and forward() gives its output.");
  Net net;
  for (const Tensor& parameter : net.parameters()) set_exactly(parameter, 3);
  const NamedTensors named = net.named_parameters();
  expect(named.size() == 4 && named[0].first == "hidden.weight", "parameters have names");
  const Tensor x = empty({3, 4});
  set_exactly(x, 5);
  show("net(x)", net(x).detach());
  const auto copy = net.clone();
  expect(same(net(x), (*copy)(x)), "a clone computes the same");
  copy->load_state_dict(net.state_dict());
  net.eval();
  expect(!net.hidden.is_training(), "eval() reaches all");
}

// The whole loop. The loss before the first and after the last step.
std::pair<float, float> train(Net& net, double sign) {
  const Tensor x = rand({16, 4});
  const Tensor labels = x.select(1, 0).gt(x.select(1, 1)).to(kInt64);
  float first = 0;
  for (int step = 0; step < 8; ++step) {
    const Tensor loss = cross_entropy(net(x), labels);  // process, compare
    if (step == 0) first = loss.item<float>();
    net.zero_grad();
    loss.backward();  // propagate back
    const NoGradGuard guard;
    for (Tensor& w : net.parameters()) w.add_(w.grad(), sign * 0.2);  // update
  }
  return {first, cross_entropy(net(x), labels).item<float>()};
}

void training() {
  statement(41, "Define a network, iterate, process, compute a loss, go back, update.");
  Net net;
  const auto other = net.clone();
  const auto [first, last] = train(net, -1);
  say("the loss went from " + std::to_string(first) + " to " + std::to_string(last));
  expect(last < first, "the network learns");

  statement(42, "A loss says how far an output is from the target, as a mean.");
  const Tensor loss = mse_loss(tensor({1., 3.}), tensor({0., 0.}));
  show("mse_loss({1, 3}, {0, 0})", loss);
  expect(is(loss, {5}), "(1 + 9) / 2");

  statement(43, "weight = weight - rate * gradient; with + the loss grows.");
  const auto [before, after] = train(*other, +1);
  expect(after > before, "plus climbs");
}

Tensor slope_at(const Tensor& at, const std::function<Tensor(const Tensor&)>& f) {
  const Tensor x = at.clone().requires_grad_();
  f(x).sum().backward();
  return x.grad();
}

void corners() {
  statement(44,
            "A leaf that requires a gradient is not edited in place, except without recording.");
  Tensor w = ones({2}).requires_grad_();
  expect_refusal("a leaf Variable that requires grad is being used in an in-place operation",
                 [&] { w.sub_(1); });
  {
    const NoGradGuard guard;
    expect(is(w.sub_(-1), {2, 2}), "w -= …");
  }

  statement(45, "In-place edits of saved tensors are noticed; those of views reach their base.");
  Tensor y = w.exp();
  const Tensor z = y * y;
  y.add_(1);
  expect_refusal("is at version 1; expected version 0", [&] { z.sum().backward(); });
  const Tensor x = zeros({2, 2}).requires_grad_();
  Tensor v = x * 1;
  v.index_put_({Slice(), 1}, 5);
  v.index({Slice(), 0}).mul_(3);
  v.sum().backward();
  show("x.grad()", x.grad());
  expect(is(x.grad(), {3, 0, 3, 0}), "3 where v was scaled, 0 where it was overwritten");

  statement(46, "Where there is no derivative, every device gives the same one.");
  const Tensor zero = zeros({1}), ties = ones({2, 2});
  expect(is(slope_at(zero, [](const Tensor& t) { return t.relu(); }), {0}), "relu'(0) = 0");
  expect(is(slope_at(zero, [](const Tensor& t) { return t.abs(); }), {0}), "abs'(0) = 0");
  expect(std::isinf(slope_at(zero, [](const Tensor& t) { return t.sqrt(); }).item<float>()),
         "sqrt'(0) = inf");
  expect(all_are(slope_at(ties, [](const Tensor& t) { return t.max(); }), 0.25f), "ties share");
  expect(is(slope_at(ties, [](const Tensor& t) { return max(t, 1).first; }), {1, 0, 1, 0}),
         "max(dim) picks the first");
}

void everywhere() {
  statement(47, "All of this holds on every device; here the last check is against the host.");
  const auto run = [](const TensorOptions& options) {
    const Tensor x = ones({2, 2}, options).requires_grad_();
    ((x + 2) * (x + 2) * 3).mean().backward();
    return x.grad();
  };
  const Tensor here = run(default_device()), there = run(Device());
  show("x.grad()", here);
  expect(same(here, there) && all_are(here, 4.5f), "x.grad is exactly 4.5");
}

}  // namespace

void learning() {
  modules();
  training();
  corners();
  everywhere();
}

}  // namespace tour
