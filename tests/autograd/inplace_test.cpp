// In-place calls: history, views of a common base, versions of saved tensors.
#include <tenon/autograd/graph.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(InPlace, GivesTheTensorANewHistory) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  Tensor y = x * 3;
  y.add_(1).mul_(2);
  EXPECT_EQ(y.grad_fn()->name(), "MulBackward0");
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(6));
}

TEST(InPlace, AConstantJoinsTheGraph) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  Tensor y = zeros({2});
  y.add_(x);
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(y.is_leaf());
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(1));
}

TEST(InPlace, KeepsTheOldValueWhereTheRuleNeedsIt) {
  const Tensor x = tensor({2., 3.}).requires_grad_(), z = tensor({5., 7.}).requires_grad_();
  Tensor y = x * 1;
  y.mul_(z);
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(5, 7));
  EXPECT_THAT(values(z.grad()), ElementsAre(2, 3));
}

TEST(InPlace, ReluUsesItsResult) {
  const Tensor x = tensor({-1., 2.}).requires_grad_();
  Tensor y = x * 1;
  relu_(y);
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 1));
}

TEST(InPlace, ComparisonsCutTheHistory) {
  Tensor x = tensor({1., 2.}).requires_grad_();
  Tensor y = x * 2;
  y.gt_(3);
  EXPECT_THAT(values(y), ElementsAre(0, 1));
  (x + y).sum().backward();
  EXPECT_THAT(values(x.grad()), Each(1));
  EXPECT_THROW(x.gt_(1), Error);
}

TEST(InPlace, ZeroAndFillCutTheHistory) {
  const Tensor x = tensor({1., 2.}).requires_grad_(), value = tensor({4.}).requires_grad_();
  Tensor y = x * 2;
  y.zero_();
  y.add_(1);
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(0));
  Tensor z = x * 2;
  z.fill_(value.select(0, 0));
  z.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(0));
  EXPECT_THAT(values(value.grad()), ElementsAre(2));
}

TEST(Version, AnEditThatNobodySavedIsFine) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor y = x * 2;
  const Tensor z = y + 1;
  y.add_(1);
  z.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(2));
}

TEST(Version, AnEditThroughAViewIsCaught) {
  const Tensor x = ones({2, 2}).requires_grad_();
  const Tensor y = x * 1;
  const Tensor z = square(y);
  y.select(0, 1).add_(1);
  EXPECT_THAT(message_of([&] { z.sum().backward(); }), HasSubstr("is at version 1"));
}

TEST(Version, AnEditOfAnOperandIsCaughtUnlessItsGradientIsNotWanted) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor factor = ones({2});
  const Tensor y = x * factor;
  factor.add_(1);
  EXPECT_THROW(y.sum().backward(), Error);
  Tensor constant = ones({2});
  Tensor z = constant * x;  // needs constant
  Tensor w = constant + x;  // does not
  constant.add_(1);
  EXPECT_THROW(z.sum().backward(), Error);
  EXPECT_NO_THROW(w.sum().backward());
}

TEST(View, SeesWritesToItsBase) {
  const Tensor x = ones({2, 2}).requires_grad_();
  Tensor w = x * 1;
  const Tensor row = w.select(0, 0);
  EXPECT_EQ(row.grad_fn()->name(), "SelectBackward0");
  w.mul_(2);
  EXPECT_EQ(row.grad_fn()->name(), "AsStridedBackward0");
  row.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(2, 2, 0, 0));
}

TEST(View, JoinsTheGraphWithItsBase) {
  const Tensor x = full({2, 2}, 3.0).requires_grad_();
  Tensor w = ones({2, 2});
  const Tensor column = w.select(1, 1);
  EXPECT_FALSE(column.requires_grad());
  w.mul_(x);
  EXPECT_TRUE(column.requires_grad());
  column.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 1, 0, 1));
}

TEST(View, WritesThroughItMakeAConstantBaseJoin) {
  const Tensor x = tensor({3., 4.}).requires_grad_();
  Tensor w = ones({2, 2});
  w.select(0, 1).mul_(x);
  EXPECT_TRUE(w.requires_grad());
  EXPECT_EQ(w.grad_fn()->name(), "CopySlices");
  (w * w).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6, 8));
}

TEST(View, OfAViewWritesToTheCommonBase) {
  const Tensor x = ones({2, 3}).requires_grad_();
  const Tensor w = x * 1;
  w.select(0, 1).narrow(0, 1, 2).mul_(5);
  const Tensor other = w.select(1, 2);
  w.select(0, 0).add_(w.select(0, 1).detach());
  other.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 0, 1, 0, 0, 5));
}

TEST(View, OfATransposedBase) {
  const Tensor x = ones({2, 3}).requires_grad_();
  Tensor w = x.t() * 1;  // keeps the layout of x.t()
  w.select(0, 1).mul_(4);
  w.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 4, 1, 1, 4, 1));
}

TEST(View, MadeWithoutRecordingIsAConstant) {
  const Tensor x = ones({2, 2}).requires_grad_();
  Tensor row;
  {
    const NoGradGuard guard;
    row = x.select(0, 0);
  }
  EXPECT_FALSE(row.requires_grad());
  EXPECT_FALSE((row * 2).requires_grad());
  row.add_(1);
  EXPECT_THAT(values(x), ElementsAre(2, 2, 1, 1));
}

TEST(View, IndexPutIsDifferentiable) {
  const Tensor x = zeros({3}).requires_grad_(), value = tensor({2., 3.}).requires_grad_();
  Tensor y = x * 1;
  y.index_put_({Slice(1, 3)}, value);
  (y * tensor({1., 10., 100.})).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 0, 0));
  EXPECT_THAT(values(value.grad()), ElementsAre(10, 100));
}

TEST(View, TransposedInPlaceKeepsItsHistory) {
  const Tensor x = tensor({{1., 2., 3.}, {4., 5., 6.}}).requires_grad_();
  Tensor y = x * 1;
  y.t_();
  EXPECT_EQ(y.sizes(), (Shape{3, 2}));
  (y * tensor({{1., 2.}, {3., 4.}, {5., 6.}})).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(View, OtherGeometryInPlaceKeepsTheHistory) {
  const Tensor x = tensor({{1., 2., 3.}, {4., 5., 6.}}).requires_grad_();
  Tensor y = x * 1;
  squeeze_(unsqueeze_(transpose_(unsqueeze_(y, 0), 0, 2), 1), 1);
  EXPECT_EQ(y.sizes(), (Shape{3, 2, 1}));
  squeeze_(y);
  (y * tensor({{1., 2.}, {3., 4.}, {5., 6.}})).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(View, AnOutThatTakesTheMemoryOfTheResultIsNoViewAnyMore) {
  const Tensor w = ones({4}).requires_grad_();
  Tensor base = zeros({4});
  Tensor sum = base.slice(0, 0, 0), mean = base.slice(0, 0, 0);
  add_out(sum, ones({2}), 1);
  mean_out(mean, ones({2, 3}), {1});
  base.add_(w);
  sum.mul_(3);
  mean.mul_(3);
  EXPECT_FALSE(sum.requires_grad() || mean.requires_grad());
  base.sum().backward();
  EXPECT_THAT(values(w.grad()), Each(1));
}

TEST(InPlace, AWriteThatFailedIsNoticedByBackward) {
  const Tensor x = ones({3}).requires_grad_();
  const Tensor y = exp(x);
  // An asynchronous device notices the index when it is waited for.
  const auto write = [&] {
    y.detach().index_put_({tensor({int64_t{0}, int64_t{9}})}, 100);
    synchronize(default_device());
  };
  EXPECT_THROW(write(), Error);
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              HasSubstr("modified by an inplace operation"));
}

TEST(View, OtherGeometryInPlaceIsRefusedOnLeaves) {
  Tensor leaf = zeros({1, 2}).requires_grad_();
  const auto refused = testing::HasSubstr("a leaf Variable that requires grad");
  EXPECT_THAT(message_of([&] { transpose_(leaf, 0, 1); }), refused);
  EXPECT_THAT(message_of([&] { squeeze_(leaf); }), refused);
  EXPECT_THAT(message_of([&] { squeeze_(leaf, 0); }), refused);
  EXPECT_THAT(message_of([&] { unsqueeze_(leaf, 0); }), refused);
  EXPECT_EQ(leaf.sizes(), (Shape{1, 2}));
}

TEST(View, OtherGeometryOfALeafIsAllowedWithoutRecording) {
  Tensor leaf = tensor({{1., 2., 3.}, {4., 5., 6.}}).requires_grad_();
  const Tensor before = (leaf * 2).sum();
  {
    const NoGradGuard off;
    leaf.t_();
  }
  EXPECT_EQ(leaf.sizes(), (Shape{3, 2}));
  EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad());
  EXPECT_THAT(message_of([&] { before.backward(); }), HasSubstr("gradient"));
  EXPECT_FALSE(leaf.grad().defined());
  (leaf * tensor({{1., 2.}, {3., 4.}, {5., 6.}})).sum().backward();
  EXPECT_THAT(values(leaf.grad()), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(View, OverlappingElementsShareTheGradient) {
  const Tensor x = tensor({1., 2., 3., 4.}).requires_grad_();
  const Tensor windows = x.as_strided({3, 2}, {1, 1}, 0);
  windows.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 2, 2, 1));
}

TEST(View, AnEditedExpandedInputSplitsTheGradient) {
  const Tensor x = tensor({2.}).requires_grad_();
  const Tensor seen = x.expand({3}).as_strided({2}, {0}, 0);
  seen.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(2));
}

TEST(Mode, NoGradAndBackAgain) {
  const Tensor x = ones({2}).requires_grad_();
  {
    const NoGradGuard off;
    EXPECT_FALSE(GradMode::is_enabled());
    EXPECT_FALSE((x * 2).requires_grad());
    const EnableGradGuard on;
    EXPECT_TRUE((x * 2).requires_grad());
  }
  EXPECT_TRUE(GradMode::is_enabled());
}

TEST(Mode, DetachSharesMemoryNotHistory) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  Tensor constant = y.detach();
  EXPECT_FALSE(constant.requires_grad());
  EXPECT_TRUE(constant.is_leaf());
  constant.add_(1);
  EXPECT_THAT(values(y), Each(3));
  EXPECT_FALSE(constant.grad_fn());
}

TEST(Mode, InferenceCanNotBeLeftInside) {
  const Tensor x = ones({2}).requires_grad_();
  {
    const InferenceMode inference;
    EXPECT_TRUE(InferenceMode::is_enabled());
    {
      const EnableGradGuard on;
      const AutoGradMode again(true);
      GradMode::set_enabled(true);
      EXPECT_FALSE((x * 2).requires_grad());
    }
    EXPECT_FALSE(GradMode::is_enabled());
  }
  EXPECT_FALSE(InferenceMode::is_enabled());
  EXPECT_TRUE((x * 2).requires_grad());
  const AutoGradMode off(false);
  EXPECT_FALSE((x * 2).requires_grad());
}

TEST(Mode, DetachInPlaceTakesAResultOutOfTheGraph) {
  Tensor x = ones({2}).requires_grad_();
  Tensor y = x * 2;
  const Tensor z = y * 3, view = y[0];
  Tensor row = y.view({2, 1});
  y.retain_grad();
  EXPECT_TRUE(autograd::detach_(y).is_same(y));
  EXPECT_TRUE(y.is_leaf() && !y.requires_grad());
  EXPECT_TRUE(view.requires_grad()) << "what was made before keeps its history";
  (z.sum() + view).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(8, 6));
  EXPECT_FALSE(y.grad().defined());
  EXPECT_THAT(message_of([&] { autograd::detach_(row); }),
              HasSubstr("can't detach views in-place"));
  EXPECT_FALSE(autograd::detach_(x).requires_grad());
  EXPECT_TRUE(y.requires_grad_().is_leaf());
}

TEST(Mode, LeavesAreWhatNobodyComputed) {
  Tensor x = ones({2});
  EXPECT_TRUE(x.is_leaf() && !x.requires_grad());
  EXPECT_TRUE((x * 2).is_leaf()) << "constants are leaves";
  x.requires_grad_();
  EXPECT_TRUE(x.is_leaf());
  const Tensor y = x * 2, moved = x.to(kFloat64);
  EXPECT_FALSE(y.is_leaf() || moved.is_leaf());
  EXPECT_TRUE(y.detach().is_leaf());
  EXPECT_FALSE(y.gt(1).requires_grad()) << "not differentiable";
  EXPECT_FALSE(argmax(y).requires_grad());
  const NoGradGuard guard;
  EXPECT_TRUE((x * 2).is_leaf() && !(x * 2).requires_grad());
}

TEST(Mode, OnlyLeavesChangeTheirFlag) {
  Tensor x = ones({2}).requires_grad_();
  Tensor y = x * 2;
  EXPECT_NO_THROW(y.requires_grad_());
  EXPECT_THAT(message_of([&] { y.requires_grad_(false); }),
              HasSubstr("you can only change requires_grad flags of leaf variables"));
  const Tensor before = x * 3;
  before.backward(ones({2}));
  const Tensor again = x * 3;
  x.requires_grad_(false);
  EXPECT_FALSE((x * 2).requires_grad());
  again.backward(ones({2}));
  EXPECT_THAT(values(x.grad()), Each(3)) << "graphs made before reach it no longer";
}

}  // namespace
}  // namespace tenon
