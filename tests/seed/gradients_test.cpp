// S33 to S39 of the notes that Tenon grew from: the tutorial's example, line by line.
#include <cmath>

#include "autograd/helpers.h"
#include "seed/example.h"

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Seed, S33_OnlyFloatsRequireGradients) {
  Tensor x = ones({2, 2});
  EXPECT_TRUE(x.requires_grad_().is_same(x));
  EXPECT_TRUE(x.requires_grad() && x.is_leaf());
  for (const DType dtype : {kInt64, kInt8, kUInt8, kBool}) {
    Tensor whole = ones({2}, dtype);
    EXPECT_THAT(
        message_of([&] { whole.requires_grad_(); }),
        HasSubstr("Only Tensors of floating point and complex dtype can require gradients"));
    EXPECT_FALSE(whole.requires_grad());
  }
}

TEST(Seed, S34_NumbersNeitherPromoteNorAddAnEdge) {
  const seed::Example e;
  EXPECT_THAT(values(e.y), Each(3));
  EXPECT_FALSE(e.y.grad_fn()->edges()[1].node);
  EXPECT_EQ((e.x * 2.5).dtype(), kFloat32);
  EXPECT_EQ((ones({2}, kFloat16).requires_grad_() + 2.5).dtype(), kFloat16);
}

TEST(Seed, S35_ContributionsOfATensorUsedTwiceAreSummed) {
  const seed::Example e;
  EXPECT_THAT(values(e.z), Each(27));
  const Tensor x = tensor({3.0}).requires_grad_();
  (x * x).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
}

TEST(Seed, S36_TheMeanHasNoDimension) {
  const seed::Example e;
  EXPECT_EQ(e.out.dim(), 0);
  EXPECT_EQ(e.out.item<double>(), 27);
  EXPECT_TRUE(std::isnan(empty({0}).mean().item<double>()));
  EXPECT_THAT(message_of([] { (void)ones({2}, kInt64).mean(); }), HasSubstr("mean"));
}

TEST(Seed, S37_TheGradientIsFourAndAHalf) {
  const seed::Example e;
  e.out.backward();
  EXPECT_THAT(values(e.x.grad()), Each(4.5));
  EXPECT_EQ(e.x.grad().sizes(), (Shape{2, 2}));
}

TEST(Seed, S38_AGradientOfOneElementFitsAnyOutputOfOne) {
  for (const Tensor& one : {tensor({1.0}), tensor({{1.0}}), full({}, 1.0)}) {
    const seed::Example e;
    e.out.backward(one);
    EXPECT_THAT(values(e.x.grad()), Each(4.5));
  }
  const seed::Example twice;
  twice.out.backward(tensor({2.0}));
  EXPECT_THAT(values(twice.x.grad()), Each(9));
}

TEST(Seed, S39_GradHasNoGraphUnlessAsked) {
  const Tensor x = tensor({3.0}).requires_grad_();
  (x * x * x).backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(27));
  EXPECT_FALSE(x.grad().requires_grad());
  x.set_grad({});
  (x * x * x).backward({}, false, true);
  EXPECT_THAT(values(x.grad()), ElementsAre(27));
  ASSERT_TRUE(x.grad().requires_grad());
  EXPECT_THAT(values(autograd::grad({x.grad()}, {x})[0]), ElementsAre(18));
}

}  // namespace
}  // namespace tenon
