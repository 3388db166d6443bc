// Where derivatives have a choice: ties, norms and deviations of 0, saturated and ignored losses.
#include <cmath>
#include <limits>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;

// The gradient of the sum of f(x).
template <class F>
std::vector<double> gradient_of(const std::vector<double>& x, const Shape& sizes, F&& f) {
  const Tensor input = leaf_of(x, sizes);
  f(input).sum().backward();
  return values(input.grad());
}

template <class F>
std::vector<double> gradient_of(const std::vector<double>& x, F&& f) {
  return gradient_of(x, {static_cast<int64_t>(x.size())}, f);
}

TEST(Reductions, MeanIsOneNode) {
  const Tensor y = leaf({2, 3}).mean();
  EXPECT_EQ(y.grad_fn()->name(), "MeanBackward0");
  EXPECT_EQ(leaf({2, 3}).to(kBFloat16).mean({1}).grad_fn()->name(), "MeanBackward0");
}

TEST(Reductions, ExtremesOfAllShareAndThoseOfADimensionPickTheFirst) {
  const std::vector<double> ties = {2, 1, 2, 1};
  EXPECT_THAT(gradient_of(ties, [](const Tensor& x) { return max(x); }),
              ElementsAre(0.5, 0, 0.5, 0));
  EXPECT_THAT(gradient_of(ties, [](const Tensor& x) { return amin(x, {0}); }),
              ElementsAre(0, 0.5, 0, 0.5));
  EXPECT_THAT(gradient_of(ties, [](const Tensor& x) { return max(x, 0).first; }),
              ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(gradient_of(ties,
                          [](const Tensor& x) {
                            const auto [least, greatest] = aminmax(x);
                            return least + greatest;
                          }),
              Each(0.5));
}

TEST(Reductions, NormsOfZeroHaveNoSlope) {
  for (const double ord : {2.0, 3.0, 1.0, 1.5, 0.0})
    EXPECT_THAT(gradient_of({0, 0}, [&](const Tensor& x) { return norm(x, ord); }), Each(0.0))
        << ord;
  EXPECT_THAT(gradient_of({0, 1}, [](const Tensor& x) { return norm(x, 0.5); }), ElementsAre(0, 1));
  EXPECT_THAT(gradient_of({2, -2, 1}, [](const Tensor& x) { return norm(x, INFINITY); }),
              ElementsAre(0.5, -0.5, 0));
}

TEST(Reductions, DeviationOfEqualValuesHasNoSlope) {
  EXPECT_THAT(gradient_of({2, 2}, [](const Tensor& x) { return tenon::std(x); }), Each(0.0));
  EXPECT_THAT(gradient_of({2}, [](const Tensor& x) { return var(x); }), Each(testing::IsNan()));
}

TEST(Reductions, NanCountsNothing) {
  EXPECT_THAT(gradient_of({1, NAN, 3}, [](const Tensor& x) { return nanmean(x); }),
              ElementsAre(0.5, 0, 0.5));
}

TEST(Losses, SaturatedProbabilitiesKeepAFiniteSlope) {
  const Tensor target = tensor({1., 0., 0.}, kFloat64);
  const std::vector<double> slope = gradient_of({0, 1, 0}, [&](const Tensor& x) {
    return binary_cross_entropy(x, target, {}, Reduction::kSum);
  });
  EXPECT_NEAR(slope[0], -1e12, 1e9);
  EXPECT_NEAR(slope[1], 1e12, 1e9);
  EXPECT_EQ(slope[2], 0);
}

TEST(Losses, IgnoredTargetsGetNoGradient) {
  const Tensor target = tensor({int64_t{1}, int64_t{-100}});
  const std::vector<double> slope =
      gradient_of({-1, -2, -3, -4}, {2, 2}, [&](const Tensor& x) { return nll_loss(x, target); });
  EXPECT_THAT(slope, ElementsAre(0, -1, 0, 0));
  const Tensor none = tensor({int64_t{-100}, int64_t{-100}});
  EXPECT_TRUE(std::isnan(nll_loss(leaf({2, 2}), none).item<double>()));
}

TEST(Products, SelfOfNoWeightIsNotRead) {
  const Tensor self = leaf_of({NAN, NAN, NAN, NAN}, {2, 2}), a = leaf({2, 3}), b = leaf({3, 2});
  const Tensor result = addmm(self, a, b, 0);
  EXPECT_THAT(values(result), ElementsAre(testing::Not(testing::IsNan()), testing::_, testing::_,
                                          testing::Not(testing::IsNan())));
  result.sum().backward();
  EXPECT_FALSE(self.grad().defined());
  EXPECT_TRUE(a.grad().defined());
}

TEST(Out, RefusesWhatTheGraphCannotFollow) {
  Tensor out = zeros({}, kFloat64);
  const Tensor x = leaf({3});
  EXPECT_THAT(message_of([&] { sum_out(out, x); }), testing::HasSubstr("out=... arguments"));
  const NoGradGuard guard;
  EXPECT_EQ(sum_out(out, x).item<double>(), x.sum().item<double>());
}

TEST(Out, ChecksSizesAndDTypeAndFillsAnEmptyOne) {
  const Tensor x = ones({2, 3});
  Tensor wrong = zeros({3}), whole = zeros({2}, kInt64), fresh = zeros({0});
  EXPECT_THAT(message_of([&] { mean_out(wrong, x, {1}); }), testing::HasSubstr("(2), got (3)"));
  EXPECT_THAT(
      message_of([&] { mean_out(whole, x, {1}); }),
      testing::HasSubstr("result type Float can't be cast to the desired output type Long"));
  Tensor overlapping = zeros({1}).expand({2});
  EXPECT_THAT(message_of([&] { mean_out(overlapping, x, {1}); }),
              testing::HasSubstr("more than one element"));
  const Tensor same = fresh;
  mean_out(fresh, x, {1});
  EXPECT_THAT(values(same), ElementsAre(1, 1));
}

TEST(Out, MayBeAnOperand) {
  Tensor x = tensor({1., 2., 3., 4.}, kFloat64).view({2, 2});
  mm_out(x, x, x);
  EXPECT_THAT(values(x), ElementsAre(7, 10, 15, 22));
}

}  // namespace
}  // namespace tenon
