// S33 to S39: the example of the tutorial.
#include <cmath>

#include <tenon/autograd/node.h>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

// out = mean(3 (x + 2)²)
Tensor out_of(const Tensor& x) {
  const Tensor y = x + 2;
  return (y * y * 3).mean();
}

void example() {
  statement(33, "x = ones({2, 2}).requires_grad_()");
  const Tensor x = ones({2, 2}).requires_grad_();
  show("x", x);
  Tensor integers = ones({2}, kInt64);
  expect_refusal("Only Tensors of floating point", [&] { integers.requires_grad_(); });

  statement(34, "y = x + 2");
  const Tensor y = x + 2;
  show("y", y);
  expect(all_are(y, 3) && y.grad_fn() != nullptr, "it was made by an op");
  expect(!y.grad_fn()->edges()[1].node, "a number adds no edge");
  expect((ones({2}, kFloat16) + 2.5).dtype() == kFloat16, "and does not promote");

  statement(35, "z = y * y * 3");
  const Tensor z = y * y * 3;
  show("z", z);
  expect(all_are(z, 27), "27");

  statement(36, "out = z.mean()");
  const Tensor out = z.mean();
  show("out", out);
  expect(out.dim() == 0 && out.item<float>() == 27, "27, without dimension");
  expect(std::isnan(empty({0}).mean().item<float>()), "the mean of nothing");
  expect_refusal("mean", [&] { (void)integers.mean(); });

  statement(37, "out.backward(); x.grad() is d(out)/dx = 6 (x + 2) / 4");
  out.backward();
  show("x.grad()", x.grad());
  expect(all_are(x.grad(), 4.5f), "4.5 everywhere, exactly");
}

void seeds_and_graphs() {
  statement(38, "out.backward() is out.backward(tensor({1.}))");
  for (const float seed : {1.f, 2.f}) {
    const Tensor x = ones({2, 2}).requires_grad_();
    out_of(x).backward(tensor({seed}));
    expect(all_are(x.grad(), 4.5f * seed), "4.5 times the seed");
  }

  statement(39, "Gradients have no graph, unless they are asked to.");
  const Tensor a = tensor({3.}).requires_grad_();
  (a * a * a).backward();
  expect(is(a.grad(), {27}) && !a.grad().requires_grad(), "3 a² = 27");
  const Tensor first = autograd::grad({a * a * a}, {a}, {}, {.create_graph = true})[0];
  const Tensor second = autograd::grad({first}, {a})[0];
  show("second derivative of a³ at 3", second);
  expect(first.requires_grad() && is(second, {18}), "6 a = 18");
}

}  // namespace

void gradients() {
  example();
  seeds_and_graphs();
}

}  // namespace tour
