// Loss modules against torch 2.15, with the same numbers as inputs.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_contains;
using test::names;
using test::pattern;
using test::values;

double value(const Tensor& loss) { return loss.item<double>(); }

Tensor sign_of(const Tensor& x) { return sign(x); }

struct Loss3x4 : ::testing::Test {
  Tensor x = pattern({3, 4}), y = pattern({3, 4}, 0.6);
  Tensor log_x = log_softmax(x, 1), shares = softmax(y, 1);
  Tensor targets = y.gt(0).to(kFloat32);
  Tensor weight = tensor({0.5, 1.0, 2.0, 3.0}).to(kFloat32);
  Tensor classes = tensor<int64_t>({1, 3, 0});
};

constexpr double kTolerance = 2e-6;

TEST_F(Loss3x4, ElementByElement) {
  EXPECT_NEAR(value(L1Loss()(x, y)), 0.384543300, kTolerance);
  EXPECT_NEAR(value(SmoothL1Loss(Reduction::kMean, 0.5)(x, y)), 0.174852323, kTolerance);
  EXPECT_NEAR(value(HuberLoss(Reduction::kMean, 0.3)(x, y)), 0.073859325, kTolerance);
  EXPECT_NEAR(value(SoftMarginLoss()(x, sign_of(y))), 0.516717854, kTolerance);
  EXPECT_NEAR(value(HingeEmbeddingLoss(0.5)(x, sign_of(y))), 0.668543739, kTolerance);
  EXPECT_EQ(L1Loss(Reduction::kNone)(x, y).sizes(), Shape({3, 4}));
}

TEST_F(Loss3x4, Divergence) {
  EXPECT_NEAR(value(KLDivLoss(Reduction::kBatchMean)(log_x, shares)), 0.013255616, kTolerance);
  EXPECT_NEAR(value(KLDivLoss(Reduction::kSum, LogTarget::kYes)(log_x, log_softmax(y, 1))),
              0.039766848, kTolerance);
}

TEST_F(Loss3x4, BinaryCrossEntropy) {
  const Tensor shares_of_one = sigmoid(x);
  EXPECT_NEAR(value(BCELoss()(shares_of_one, targets)), 0.516717854, kTolerance);
  EXPECT_NEAR(
      value(BCELoss({.weight = weight, .reduction = Reduction::kSum})(shares_of_one, targets)),
      9.954780509, 1e-5);
  EXPECT_NEAR(value(BCEWithLogitsLoss()(x, targets)), 0.516717854, kTolerance);
  EXPECT_NEAR(value(BCEWithLogitsLoss({.pos_weight = weight})(x, targets)), 0.597134256,
              kTolerance);
}

TEST_F(Loss3x4, Classes) {
  CrossEntropyLoss smooth({.weight = weight, .label_smoothing = 0.2});
  EXPECT_NEAR(value(smooth(x, classes)), 1.586627555, kTolerance);
  EXPECT_NEAR(
      value(CrossEntropyLoss({.ignore_index = 3, .reduction = Reduction::kSum})(x, classes)),
      2.501649238, 1e-5);
  EXPECT_NEAR(value(CrossEntropyLoss()(x, shares)), 1.367566030, kTolerance);
  EXPECT_NEAR(value(NLLLoss({.weight = weight, .ignore_index = 0})(log_x, classes)), 1.664281705,
              kTolerance);
  EXPECT_EQ(names(smooth.state_dict()), std::vector<std::string>{"weight"});
  smooth.to(kFloat64);
  EXPECT_EQ(smooth.weight.dtype(), kFloat64);
  error_of(ErrorCode::kInvalidArgument, [] { CrossEntropyLoss({.label_smoothing = 2}); });
}

TEST_F(Loss3x4, OfThree) {
  const Tensor z = pattern({3, 4}, 1.2), sides = tensor({1.0, -1.0, 1.0}).to(kFloat32);
  EXPECT_NEAR(value(TripletMarginLoss()(x, y, z)), 0.380847266, kTolerance);
  EXPECT_NEAR(value(CosineEmbeddingLoss(0.1)(x, y, sides)), 0.344662409, kTolerance);
  EXPECT_NEAR(value(MarginRankingLoss(0.2)(x.select(1, 0), y.select(1, 0), sides)), 0.362463446,
              kTolerance);
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             (void)TripletMarginLoss()(x, y, pattern({3, 5}));
                           }),
                  "in TripletMarginLoss");
}

TEST_F(Loss3x4, GradientsAndErrors) {
  const Tensor input = x.clone().requires_grad_();
  CrossEntropyLoss()(input, classes).backward();
  EXPECT_NEAR(input.grad().sum().item<double>(), 0, 1e-6);
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             (void)L1Loss()(x, ones({2, 2}));
                           }),
                  "in L1Loss");
  error_of(ErrorCode::kDType, [&] { (void)MSELoss()(zeros({2}, kInt64), zeros({2}, kInt64)); });
}

}  // namespace
}  // namespace tenon::nn
