// Functions that passes call: on tensors, on leaves after accumulation, on nodes.
#include <stdexcept>

#include <tenon/autograd/graph.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::register_post_accumulate_grad_hook;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Hook, SeesAndReplacesTheGradient) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = x * 2;
  double seen = 0;
  y.register_hook([&](const Tensor& g) -> Tensor {
    seen = g.item<double>();
    return g * 10;
  });
  (y * 3).backward();
  EXPECT_EQ(seen, 3);
  EXPECT_THAT(values(x.grad()), ElementsAre(60));
}

TEST(Hook, OnALeafRunsBeforeAccumulation) {
  const Tensor x = tensor({1.}).requires_grad_();
  const uint64_t id = x.register_hook([](const Tensor& g) { return g * 2; });
  (x * 3).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
  x.remove_hook(id);
  (x * 3).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(9));
}

TEST(Hook, RunInOrderAndBeforeRetainGrad) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = x * 1;
  y.retain_grad();
  y.register_hook([](const Tensor& g) { return g + 1; });
  y.register_hook([](const Tensor& g) { return g * 5; });
  y.backward();
  EXPECT_THAT(values(y.grad()), ElementsAre(10));
}

TEST(Hook, RetainedGradientsFollowInPlaceCalls) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  Tensor y = x * 1;
  y.retain_grad();
  y.mul_(3);
  y.sum().backward();
  EXPECT_THAT(values(y.grad()), Each(1));
  EXPECT_THAT(values(x.grad()), Each(3));
}

TEST(Hook, ThatThrowsStopsThePassAndNothingElse) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = x * 2;
  const uint64_t id =
      y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); });
  const Tensor z = y * 3;
  EXPECT_THROW(z.backward({}, true), std::runtime_error);
  EXPECT_TRUE(GradMode::is_enabled());
  EXPECT_FALSE(x.grad().defined());
  y.remove_hook(id);
  z.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
}

TEST(Hook, MayRunAnotherPass) {
  const Tensor x = tensor({2.}).requires_grad_(), w = tensor({3.}).requires_grad_();
  const Tensor y = x * 2;
  y.register_hook([&](const Tensor& g) -> Tensor {
    const EnableGradGuard on;
    (w * w).backward();
    return g;
  });
  (y * y).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(16));
  EXPECT_THAT(values(w.grad()), ElementsAre(6));
}

TEST(Hook, NeedsATensorOfTheGraph) {
  EXPECT_THROW(ones({1}).register_hook([](const Tensor& g) { return g; }), Error);
}

TEST(Hook, RemovesItselfWhileItRuns) {
  const Tensor x = tensor({1.}).requires_grad_();
  uint64_t id = 0;
  int calls = 0;
  id = x.register_hook([&](const Tensor&) -> Tensor {
    ++calls;
    x.remove_hook(id);
    return {};
  });
  (x * 2).backward();
  (x * 2).backward();
  EXPECT_EQ(calls, 1);
}

TEST(Hook, ReplacementsMustFit) {
  const Tensor x = ones({2, 3}).requires_grad_();
  x.register_hook([](const Tensor&) { return ones({4}); });
  EXPECT_THAT(message_of([&] { (x * 2).sum().backward(); }),
              HasSubstr("returned an invalid gradient at index 0 - got (4)"));
}

// ---- after accumulation ----

TEST(AccumulatedHook, RunsWhenTheGradientIsThere) {
  const Tensor x = tensor({1.}).requires_grad_();
  std::vector<double> seen;
  const uint64_t id = register_post_accumulate_grad_hook(
      x, [&](const Tensor& leaf) { seen.push_back(leaf.grad().item<double>()); });
  x.register_hook([](const Tensor& g) { return g * 10; });
  (x * 2 + x * 3).backward();
  (x * 2).backward();
  (void)autograd::grad({x * 2}, {x});
  x.remove_hook(id);
  (x * 2).backward();
  EXPECT_THAT(seen, ElementsAre(50, 70)) << "once per pass, and not for grad()";
}

TEST(AccumulatedHook, MayUpdateTheLeafAndDropItsGradient) {
  const Tensor w = tensor({2.}).requires_grad_();
  register_post_accumulate_grad_hook(w, [](const Tensor& leaf) {
    EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad());
    leaf.data().sub_(leaf.grad() * 0.25);
    leaf.set_grad({});
  });
  (w * w).backward();
  EXPECT_THAT(values(w), ElementsAre(1));
  EXPECT_FALSE(w.grad().defined());
  (w * w).backward();
  EXPECT_THAT(values(w), ElementsAre(0.5));
}

TEST(AccumulatedHook, RunInOrderWhileTheLeafLives) {
  std::vector<int> order;
  Tensor y;
  {
    const Tensor x = ones({1}).requires_grad_();
    register_post_accumulate_grad_hook(x, [&](const Tensor&) { order.push_back(1); });
    register_post_accumulate_grad_hook(x, [&](const Tensor&) { order.push_back(2); });
    y = x * 2;
    y.backward({}, true);
  }
  y.backward();
  EXPECT_THAT(order, ElementsAre(1, 2)) << "the leaf is gone";
  EXPECT_THAT(message_of([&] { register_post_accumulate_grad_hook(y, {}); }),
              HasSubstr("cannot be registered on non-leaf tensors"));
  EXPECT_THAT(message_of([&] { register_post_accumulate_grad_hook(ones({1}), {}); }),
              HasSubstr("cannot be registered on non-leaf tensors"));
}

// ---- on nodes ----

using Gradients = std::vector<Tensor>;

TEST(NodeHook, SeesWhatComesInAndGoesOut) {
  const Tensor x = tensor({2.}).requires_grad_(), w = tensor({5.}).requires_grad_();
  const Tensor y = x * w;
  std::vector<double> seen;
  y.grad_fn()->register_prehook([&](const Gradients& outputs) -> Gradients {
    seen.push_back(outputs[0].item<double>());
    return {};
  });
  y.grad_fn()->register_hook([&](const Gradients& inputs, const Gradients& outputs) -> Gradients {
    for (const Gradients& gradients : {inputs, outputs})
      for (const Tensor& gradient : gradients) seen.push_back(gradient.item<double>());
    return {};
  });
  (y * 3).backward();
  EXPECT_THAT(seen, ElementsAre(3, 15, 6, 3));
}

TEST(NodeHook, ReplacesGradientsAndIsRemoved) {
  const Tensor x = tensor({2.}).requires_grad_();
  const Tensor y = x * 5;
  autograd::Node& node = *y.grad_fn();
  const uint64_t before =
      node.register_prehook([](const Gradients& g) { return Gradients{g[0] * 10}; });
  const uint64_t after = node.register_hook([](const Gradients& g, const Gradients&) {
    return Gradients{g[0] + 1, Tensor()};
  });
  y.backward({}, true);
  EXPECT_THAT(values(x.grad()), ElementsAre(51));
  node.remove_hook(before);
  node.remove_hook(after);
  x.set_grad({});
  y.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(5));
}

TEST(NodeHook, MustReturnAsManyAsItGot) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 5;
  y.grad_fn()->register_hook([](const Gradients& g, const Gradients&) { return Gradients{g[0]}; });
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              HasSubstr("a hook returned an incorrect number of gradients (expected 2 or none"));
}

TEST(NodeHook, OfALeafRunsAroundAccumulation) {
  const Tensor x = tensor({1.}).requires_grad_();
  autograd::Node& leaf = *(x * 2).grad_fn()->edges()[0].node;
  double inside = -1;
  leaf.register_prehook([](const Gradients& g) { return Gradients{g[0] * 2}; });
  leaf.register_hook([&](const Gradients& inputs, const Gradients&) -> Gradients {
    EXPECT_THAT(inputs, IsEmpty());
    inside = x.grad().item<double>();
    return {};
  });
  (x * 2).backward();
  EXPECT_EQ(inside, 4);
}

}  // namespace
}  // namespace tenon
