// Initial values: bounds, moments, shapes that they need.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_close;
using test::values;

TEST(Init, BoundsAndMoments) {
  manual_seed(9);
  Tensor w = empty({64, 32, 3, 3});
  const auto greatest = [&] { return w.abs().max().item<double>(); };
  const auto deviation = [&] { return std::sqrt((w * w).mean().item<double>()); };
  init::kaiming_uniform_(w, {.slope = std::sqrt(5.0)});
  EXPECT_LE(greatest(), 1 / std::sqrt(288.0) + 1e-9);
  init::kaiming_uniform_(w, {.nonlinearity = init::Nonlinearity::kReLU});
  EXPECT_NEAR(deviation(), std::sqrt(2.0 / 288), 0.03 * std::sqrt(2.0 / 288));
  init::xavier_uniform_(w);
  EXPECT_NEAR(greatest(), std::sqrt(6.0 / (288 + 576)), 1e-3);
  init::xavier_normal_(w, 2);
  EXPECT_NEAR(deviation(), 2 * std::sqrt(2.0 / 864), 0.03);
  init::constant_(w, 3);
  EXPECT_EQ(w.min().item<double>(), 3);
  Tensor square = empty({2, 2});
  EXPECT_EQ(values(init::eye_(square)), (std::vector<double>{1, 0, 0, 1}));
  Tensor vector = empty({3});
  error_of(ErrorCode::kInvalidArgument, [&] { init::xavier_uniform_(vector); });
}

TEST(Init, DrawsAreThoseOfTheHost) {
  manual_seed(10);
  const auto here = values(Linear(7, 5).weight);
  manual_seed(10);
  EXPECT_EQ(values(Linear(7, 5, {.tensor = Device("cpu")}).weight), here);
}

TEST(Init, GainsAreThoseOfPyTorch) {
  using init::calculate_gain;
  using init::Nonlinearity;
  expect_close({calculate_gain(Nonlinearity::kLinear), calculate_gain(Nonlinearity::kSigmoid),
                calculate_gain(Nonlinearity::kTanh), calculate_gain(Nonlinearity::kReLU),
                calculate_gain(Nonlinearity::kLeakyReLU, 0.2), calculate_gain(Nonlinearity::kSELU)},
               {1, 1, 5.0 / 3, std::sqrt(2.0), std::sqrt(2 / 1.04), 0.75});
}

TEST(Init, DiracKeepsChannels) {
  Tensor w = empty({4, 2, 3});
  init::dirac_(w, 2);
  // Two groups of two outputs, each of which passes its channel through.
  EXPECT_EQ(values(w), (std::vector<double>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
                                            0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}));
  manual_seed(1);
  Conv2d layer(3, 3, 3, {.padding = 1, .bias = false});
  init::dirac_(layer.weight);
  const Tensor x = randn({1, 3, 4, 4});
  expect_close(values(layer(x)), values(x));
  Tensor matrix = empty({2, 2});
  error_of(ErrorCode::kInvalidArgument, [&] { init::dirac_(matrix); });
  error_of(ErrorCode::kInvalidArgument, [&] { init::dirac_(w, 3); });
}

TEST(Init, TruncNormalStaysInside) {
  manual_seed(2);
  Tensor w = empty({40'000});
  init::trunc_normal_(w, 1, 2, -1, 2);
  EXPECT_GE(w.min().item<double>(), -1);
  EXPECT_LE(w.max().item<double>(), 2);
  // The exact mean is 0.5867, the deviation 0.8313.
  const double mean = w.mean().item<double>();
  EXPECT_NEAR(mean, 0.5867, 0.02);
  EXPECT_NEAR(std::sqrt(((w - mean) * (w - mean)).mean().item<double>()), 0.8313, 0.02);
  error_of(ErrorCode::kInvalidArgument, [&] { init::trunc_normal_(w, 0, 1, 2, -2); });
}

TEST(Init, OrthogonalRowsOrColumns) {
  manual_seed(3);
  const auto identity = [](int64_t n, double scale) { return values(eye(n) * scale); };
  Tensor wide = empty({3, 2, 4}), tall = empty({8, 3});
  init::orthogonal_(wide, 2);
  const Tensor rows = wide.view({3, 8});
  expect_close(values(rows.mm(rows.t())), identity(3, 4));
  init::orthogonal_(tall);
  expect_close(values(tall.t().mm(tall)), identity(3, 1));
  Tensor vector = empty({3});
  error_of(ErrorCode::kInvalidArgument, [&] { init::orthogonal_(vector); });
}

TEST(Init, SparseColumns) {
  manual_seed(4);
  Tensor w = empty({10, 6});
  init::sparse_(w, 0.25);
  const Tensor zeros_by_column = w.eq(0).to(kInt64).sum({0});
  EXPECT_EQ(values(zeros_by_column), std::vector<double>(6, 3.0));
  EXPECT_LT(w.abs().max().item<double>(), 0.05);
  error_of(ErrorCode::kInvalidArgument, [&] { init::sparse_(w, 1.5); });
  Tensor vector = empty({3});
  error_of(ErrorCode::kInvalidArgument, [&] { init::sparse_(vector, 0.5); });
}

}  // namespace
}  // namespace tenon::nn
