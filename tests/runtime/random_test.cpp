// Draws as a user sees them: seeds, generators, ranges, statistics. Their bits are checked against
// Philox in tests/ops/random_samples.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using testing::Each;
using testing::Ge;
using testing::Lt;

std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }
double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}
double variance(const std::vector<double>& x) {
  const double middle = mean(x);
  double sum = 0;
  for (const double value : x) sum += (value - middle) * (value - middle);
  return sum / static_cast<double>(x.size());
}

TEST(Random, TheSameSeedGivesTheSameNumbers) {
  manual_seed(7);
  const auto first = values(rand({5})), second = values(rand({5}));
  EXPECT_NE(first, second);
  manual_seed(7);
  EXPECT_EQ(values(rand({5})), first);
  EXPECT_EQ(values(rand({5})), second);
  manual_seed(8);
  EXPECT_NE(values(rand({5})), first);
}

TEST(Random, AGeneratorIsAPositionOfItsOwn) {
  Generator a(3), b(3);
  const auto first = values(randn({4}, {}, &a));
  (void)rand({4});  // the default generator does not disturb it
  EXPECT_EQ(values(randn({4}, {}, &b)), first);
  EXPECT_EQ(a.offset(), 1u);
  b.set_offset(0);
  EXPECT_EQ(values(randn({4}, {}, &b)), first);
}

TEST(Random, NumbersDoNotDependOnTheShape) {
  Generator a(1), b(1);
  EXPECT_EQ(values(rand({6}, {}, &a)), values(rand({2, 3}, {}, &b)));
}

TEST(Random, UniformNeverReachesItsUpperBound) {
  for (const DType dtype : {kFloat32, kFloat16, kBFloat16}) {
    Tensor x = empty({20000}, dtype);
    x.uniform_(1, 2);
    EXPECT_THAT(values(x), Each(testing::AllOf(Ge(1), Lt(2)))) << name(dtype);
    EXPECT_THAT(values(rand({20000}, dtype)), Each(Lt(1))) << name(dtype);
  }
}

TEST(Random, UniformHasItsMoments) {
  manual_seed(1);
  const auto x = values(rand({100000}));
  EXPECT_NEAR(mean(x), 0.5, 0.005);
  EXPECT_NEAR(variance(x), 1.0 / 12, 0.002);
}

TEST(Random, NormalHasItsMoments) {
  manual_seed(2);
  Tensor t = empty({100000});
  t.normal_(3, 2);
  const auto x = values(t);
  EXPECT_NEAR(mean(x), 3, 0.03);
  EXPECT_NEAR(variance(x), 4, 0.08);
  const auto outside =
      std::count_if(x.begin(), x.end(), [](double v) { return std::fabs(v - 3) > 4; });
  EXPECT_NEAR(static_cast<double>(outside) / 1e5, 0.0455, 0.004);
}

TEST(Random, IntegersCoverTheirRangeEvenly) {
  manual_seed(3);
  std::vector<int> counts(7);
  for (const double value : values(randint(-3, 4, {70000})))
    ++counts[static_cast<size_t>(value + 3)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 450);
}

TEST(Random, WideIntegersStayInRange) {
  const auto x = randint(-(int64_t{1} << 61), int64_t{1} << 61, {1000}).to_vector<int64_t>();
  for (const int64_t value : x) {
    EXPECT_GE(value, -(int64_t{1} << 61));
    EXPECT_LT(value, int64_t{1} << 61);
  }
}

TEST(Random, APermutationHoldsEveryNumberOnce) {
  auto order = randperm(1000).to_vector<int64_t>();
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int64_t>(i));
}

TEST(Random, DropoutKeepsTheMean) {
  manual_seed(5);
  const auto x = values(dropout(ones({100000}), 0.2, true));
  EXPECT_NEAR(mean(x), 1, 0.01);
  EXPECT_NEAR(static_cast<double>(std::count(x.begin(), x.end(), 0.0)) / 1e5, 0.2, 0.006);
}

TEST(Random, DropoutIsTheIdentityOutsideOfTraining) {
  const Tensor x = ones({3});
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
}

TEST(Random, FillingALeafNeedsNoGrad) {
  Tensor x = zeros({3}).requires_grad_();
  EXPECT_THROW(x.uniform_(), Error);
  Tensor inner = x.detach();
  inner.uniform_();
  EXPECT_THAT(values(x), Each(Lt(1)));
}

}  // namespace
}  // namespace tenon
