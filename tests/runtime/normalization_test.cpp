// Running statistics: what the op tests can't see, because it is written in place.
#include <gmock/gmock.h>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using testing::FloatNear;
using testing::Pointwise;

// Channel 0 holds 1, 2, 3, 4, channel 1 only 5.
Tensor two_channels() {
  return tensor<float>({1, 5, 2, 5, 3, 5, 4, 5}).to(default_device()).view({4, 2});
}

void expect_near(const Tensor& got, const std::vector<float>& want) {
  EXPECT_THAT(got.to_vector<float>(), Pointwise(FloatNear(1e-5f), want));
}

TEST(BatchNorm, TrainingMovesRunningStatisticsWithUnbiasedVariance) {
  const Tensor mean = zeros({2}), var = ones({2});
  (void)batch_norm(two_channels(), mean, var, {}, {}, true, 0.1);
  expect_near(mean, {0.25f, 0.5f});
  expect_near(var, {0.9f + 0.1f * 5 / 3, 0.9f});
}

TEST(BatchNorm, EvaluationLeavesThemAlone) {
  const Tensor mean = full({2}, 1.0), var = full({2}, 4.0);
  const Tensor y = batch_norm(two_channels(), mean, var, {}, {}, false, 0.1, 0);
  expect_near(mean, {1, 1});
  expect_near(var, {4, 4});
  expect_near(y, {0, 2, 0.5f, 2, 1, 2, 1.5f, 2});
}

TEST(BatchNorm, AnEmptyBatchLeavesThemAlone) {
  const Tensor mean = zeros({2}), var = ones({2});
  (void)batch_norm(empty({0, 2, 3}), mean, var, {}, {}, true, 0.1);
  expect_near(mean, {0, 0});
  expect_near(var, {1, 1});
}

TEST(BatchNorm, HalfPrecisionInputKeepsStatisticsInFloat32) {
  const Tensor mean = zeros({2}), var = ones({2});
  const Tensor y = batch_norm(two_channels().to(kBFloat16), mean, var, {}, {}, true, 1);
  EXPECT_EQ(y.dtype(), kBFloat16);
  expect_near(mean, {2.5f, 5});
  expect_near(var, {5.f / 3, 0});
}

TEST(InstanceNorm, RunningStatisticsAreMeansOverTheBatch) {
  const Tensor mean = zeros({1}), var = ones({1});
  const Tensor x = tensor<float>({1, 3, 5, 5}).to(default_device()).view({2, 1, 2});
  (void)instance_norm(x, mean, var, {}, {}, true, 0.5);
  expect_near(mean, {1.75f});  // of 2 and 5
  expect_near(var, {1});       // of 2 and 0
}

}  // namespace
}  // namespace tenon
