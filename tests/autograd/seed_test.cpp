// The autograd statements of the project's seed, in its order.
#include <limits>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::Variable;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// x = ones(2, 2); y = x + 2; z = y * y * 3; out = mean(z).
struct Example {
  Variable x = ones({2, 2}).requires_grad_();
  Variable y = x + 2;
  Variable z = y * y * 3;
  Variable out = z.mean();
};

TEST(Seed, TheExampleOfTheTutorial) {
  Example e;
  EXPECT_THAT(values(e.y), Each(3));
  EXPECT_THAT(values(e.z), Each(27));
  EXPECT_EQ(e.out.item<double>(), 27);
  EXPECT_EQ(e.out.dim(), 0);
  e.out.backward();
  EXPECT_THAT(values(e.x.grad()), Each(4.5));
}

TEST(Seed, EachIterationMayDiffer) {
  for (const double start : {0.5, 30.0, 2000.0}) {
    const Tensor x = tensor({start}).requires_grad_();
    Tensor y = x * 2;
    double factor = 2;
    while (y.abs().item<double>() < 1000) {
      y = y * 2;
      factor *= 2;
    }
    y.sum().backward();
    EXPECT_THAT(values(x.grad()), ElementsAre(factor));
  }
}

TEST(Seed, BackwardAccumulates) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = x * x * 1.5;
  y.backward({}, true);
  EXPECT_THAT(values(x.grad()), ElementsAre(3));
  y.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
}

TEST(Seed, ASecondBackwardNeedsRetainGraph) {
  const Tensor x = tensor({2.}).requires_grad_();
  const Tensor y = x * x;
  y.backward();
  EXPECT_THAT(message_of([&] { y.backward(); }),
              HasSubstr("Trying to backward through the graph a second time"));
}

TEST(Seed, WritesThroughDataAndDetachAreCaught) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = exp(x);
  const Tensor z = y * y;
  z.backward({}, true);
  EXPECT_NEAR(values(x.grad())[0], 14.78, 0.01);
  y.data().add_(1);
  EXPECT_THAT(message_of([&] { z.backward({}, true); }),
              HasSubstr("modified by an inplace operation"));
  const Tensor w = exp(x);
  const Tensor v = w * w;
  w.detach().add_(1);
  EXPECT_THAT(message_of([&] { v.backward(); }), HasSubstr("modified by an inplace operation"));
}

TEST(Seed, GradIsUndefinedUntilBackwardAndLooksLikeItsLeaf) {
  const Tensor x = ones({2, 3}).requires_grad_();
  EXPECT_FALSE(x.grad().defined());
  const Tensor y = x * 2;
  y.backward(full({2, 3}, 1.0, kFloat64));
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_EQ(x.grad().sizes(), x.sizes());
  EXPECT_EQ(x.grad().device(), x.device());
  EXPECT_FALSE(y.grad().defined());
}

TEST(Seed, ResultsKeepTheirGradientWhenAsked) {
  Example e;
  e.y.retain_grad();
  e.out.backward();
  EXPECT_THAT(values(e.y.grad()), Each(4.5));
  EXPECT_FALSE(e.z.grad().defined());
}

TEST(Seed, GradFnTellsTheHistory) {
  Example e;
  EXPECT_EQ(e.x.grad_fn(), nullptr);
  ASSERT_NE(e.y.grad_fn(), nullptr);
  EXPECT_EQ(e.y.grad_fn()->name(), "AddBackward0");
  EXPECT_EQ(e.z.grad_fn()->name(), "MulBackward0");
  const autograd::Edge& edge = e.y.grad_fn()->edges()[0];
  EXPECT_EQ(edge.node->name(), "AccumulateGrad");
  EXPECT_EQ(log_softmax(e.x, 1).grad_fn()->name(), "LogSoftmaxBackward0");
  EXPECT_FALSE(e.y.grad_fn()->edges()[1].node) << "a number adds no edge";
}

TEST(Seed, OneElementNeedsNoGradient) {
  const Tensor x = ones({1, 1}).requires_grad_();
  (x * 3).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(3));
}

TEST(Seed, GradientsMustHaveTheSizesOfTheOutput) {
  Example e;
  EXPECT_THAT(message_of([&] { e.z.backward(); }),
              HasSubstr("grad can be implicitly created only for scalar outputs"));
  for (const Shape& sizes : {Shape{2, 2}, Shape{3}})
    EXPECT_THAT(message_of([&] { e.out.backward(ones(sizes)); }), HasSubstr("Mismatch in shape"));
  EXPECT_THAT(message_of([&] { e.z.backward(ones({5, 2, 2})); }), HasSubstr("Mismatch in shape"));
  EXPECT_FALSE(e.x.grad().defined());
}

TEST(Seed, AGradientOfOneElementFitsAnyOutputOfOne) {
  Example e;
  e.out.backward(tensor({1.0}));
  EXPECT_THAT(values(e.x.grad()), Each(4.5));
  Example twice;
  twice.out.backward(tensor({2.0}));
  EXPECT_THAT(values(twice.x.grad()), Each(9));
}

TEST(Seed, OnlyFloatsRequireGradients) {
  Tensor x = ones({2}, kInt64);
  EXPECT_THAT(message_of([&] { x.requires_grad_(); }),
              HasSubstr("Only Tensors of floating point and complex dtype can require gradients"));
}

TEST(Seed, NumbersDoNotPromote) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_EQ((x + 2).dtype(), kFloat32);
  EXPECT_EQ((x * 2.5).dtype(), kFloat32);
}

TEST(Seed, ContributionsOfOneTensorUsedTwiceAreSummed) {
  const Tensor x = tensor({3.0}).requires_grad_();
  (x * x).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
}

TEST(Seed, GradHasNoHistoryUnlessAsked) {
  const Tensor x = tensor({3.0}).requires_grad_();
  (x * x * x).backward();
  EXPECT_FALSE(x.grad().requires_grad());
  x.set_grad({});
  (x * x * x).backward({}, false, true);
  EXPECT_THAT(values(x.grad()), ElementsAre(27));
  ASSERT_TRUE(x.grad().requires_grad());
  const Tensor first = x.grad();
  EXPECT_THAT(values(autograd::grad({first}, {x})[0]), ElementsAre(18));
}

TEST(Seed, UpdatesGoDownTheGradient) {
  const auto loss_after = [](double sign) {
    Tensor w = tensor({2.0}).requires_grad_();
    Tensor loss;
    for (int step = 0; step < 10; ++step) {
      loss = (w * 3 - 1) * (w * 3 - 1);
      w.set_grad({});
      loss.backward();
      const NoGradGuard guard;
      w.add_(w.grad(), sign * 0.01);
    }
    return loss.item<double>();
  };
  EXPECT_LT(loss_after(-1), 25 * 0.5);
  EXPECT_GT(loss_after(+1), 25 * 2.0);
}

TEST(Seed, ALeafIsNotEditedInPlace) {
  Tensor x = ones({2}).requires_grad_();
  EXPECT_THAT(
      message_of([&] { x.add_(1); }),
      HasSubstr("a leaf Variable that requires grad is being used in an in-place operation"));
  EXPECT_THAT(
      message_of([&] { x.select(0, 0).add_(1); }),
      HasSubstr("a view of a leaf Variable that requires grad is being used in an in-place"));
  EXPECT_THAT(values(x), Each(1)) << "nothing was written";
  EXPECT_THAT(message_of([&] { x.t_(); }), HasSubstr("a leaf Variable that requires grad"));
  const NoGradGuard guard;
  x.add_(1);
  EXPECT_THAT(values(x), Each(2));
}

TEST(Seed, OutArgumentsAreNotDifferentiated) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor out = empty({2});
  EXPECT_THAT(message_of([&] { add_out(out, x, 1); }),
              HasSubstr("arguments don't support automatic differentiation"));
  const NoGradGuard guard;
  add_out(out, x, 1);
  EXPECT_THAT(values(out), Each(2));
}

TEST(Seed, EditsOfViewsReachTheirBase) {
  const Tensor x = zeros({2, 2}).requires_grad_();
  const Tensor w = x * 1;
  w.index({Slice(), 1}).fill_(5);
  w.index({Slice(), 0}).mul_(3);
  w.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(3, 0, 3, 0));
}

TEST(Seed, Subgradients) {
  const auto slope_at_zero = [](Tensor (*f)(const Tensor&)) {
    const Tensor x = tensor({0.0}).requires_grad_();
    f(x).backward();
    return values(x.grad())[0];
  };
  EXPECT_EQ(slope_at_zero(&relu), 0);
  EXPECT_EQ(slope_at_zero(&abs), 0);
  EXPECT_EQ(slope_at_zero(&sqrt), std::numeric_limits<double>::infinity());
}

TEST(Seed, TiesShareTheGradientOfAnExtreme) {
  const Tensor x = ones({4}).requires_grad_();
  x.max().backward();
  EXPECT_THAT(values(x.grad()), Each(0.25));
  x.set_grad({});
  amin(x, {0}).backward();
  EXPECT_THAT(values(x.grad()), Each(0.25));
  x.set_grad({});
  max(x, 0).first.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 0, 0, 0));
}

TEST(Seed, PrintsTheHistory) {
  const Tensor x = ones({1}).requires_grad_();
  EXPECT_THAT(x.str(), HasSubstr("requires_grad=True"));
  EXPECT_THAT((x + 1).str(), HasSubstr("grad_fn=<AddBackward0>"));
}

}  // namespace
}  // namespace tenon
