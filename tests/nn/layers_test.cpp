// Each layer: shape, values against plain loops, names of its parameters, text.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::Array;
using test::error_of;
using test::expect_close;
using test::expect_contains;
using test::names;
using test::values;
using Names = std::vector<std::string>;

TEST(Linear, ComputesAffineMap) {
  manual_seed(1);
  Linear layer(3, 2);
  const Tensor x = randn({4, 3});
  const Tensor y = layer(x);
  EXPECT_EQ(y.sizes(), Shape({4, 2}));
  const Array in(x), weight(layer.weight), bias(layer.bias);
  std::vector<double> expected;
  for (int64_t n = 0; n < 4; ++n)
    for (int64_t o = 0; o < 2; ++o) {
      double sum = bias.at({o});
      for (int64_t i = 0; i < 3; ++i) sum += in.at({n, i}) * weight.at({o, i});
      expected.push_back(sum);
    }
  expect_close(values(y), expected);
}

TEST(Linear, NamesShapesAndBatchDimensions) {
  Linear layer(3, 2);
  EXPECT_EQ(names(layer.named_parameters()), (Names{"weight", "bias"}));
  EXPECT_EQ(layer.weight.sizes(), Shape({2, 3}));
  EXPECT_EQ(layer(ones({5, 7, 3})).sizes(), Shape({5, 7, 2}));
  EXPECT_EQ(layer.describe(), "Linear(in_features=3, out_features=2, bias=true)");
  Linear plain(3, 2, {.bias = false});
  EXPECT_EQ(names(plain.named_parameters()), Names{"weight"});
  EXPECT_EQ(plain(zeros({1, 3})).sum().item<double>(), 0);
}

TEST(Linear, InitialValuesFillTheIntervalOfPyTorch) {
  manual_seed(2);
  Linear layer(100, 50);
  const double bound = 0.1;
  for (const Tensor& tensor : layer.parameters()) {
    double greatest = 0;
    for (const double value : values(tensor)) greatest = std::max(greatest, std::abs(value));
    EXPECT_LE(greatest, bound);
    EXPECT_GT(greatest, 0.9 * bound);
  }
}

TEST(Linear, WrongShapesNameTheLayer) {
  Linear layer(3, 2);
  const std::string text = error_of(ErrorCode::kInvalidArgument, [&] {
    (void)layer(ones({4, 5}));
  });
  expect_contains(text, "in Linear(in_features=3, out_features=2, bias=true)");
  error_of(ErrorCode::kInvalidArgument, [] { Linear(-1, 2); });
}

// Plain loops over an image layer's definition.
std::vector<double> naive_conv2d(const Conv2d& layer, const Tensor& input, Pair stride,
                                 Pair padding, Pair dilation, int64_t groups, const Shape& output) {
  const Array x(input), w(layer.weight), b(layer.bias);
  const int64_t in_group = w.sizes[1], out_group = w.sizes[0] / groups;
  std::vector<double> result;
  for (int64_t n = 0; n < output[0]; ++n)
    for (int64_t o = 0; o < output[1]; ++o)
      for (int64_t i = 0; i < output[2]; ++i)
        for (int64_t j = 0; j < output[3]; ++j) {
          double sum = b.at({o});
          for (int64_t c = 0; c < in_group; ++c)
            for (int64_t p = 0; p < w.sizes[2]; ++p)
              for (int64_t q = 0; q < w.sizes[3]; ++q)
                sum += w.at({o, c, p, q}) *
                       x.at({n, o / out_group * in_group + c,
                             i * stride.height - padding.height + p * dilation.height,
                             j * stride.width - padding.width + q * dilation.width});
          result.push_back(sum);
        }
  return result;
}

TEST(Conv2d, ComputesCrossCorrelation) {
  manual_seed(3);
  Conv2d layer(2, 3, 3);
  const Tensor x = randn({2, 2, 6, 5});
  const Tensor y = layer(x);
  EXPECT_EQ(y.sizes(), Shape({2, 3, 4, 3}));
  expect_close(values(y), naive_conv2d(layer, x, 1, 0, 1, 1, y.sizes()));
}

TEST(Conv2d, HonoursStridePaddingDilationAndGroups) {
  manual_seed(4);
  const Pair stride{2, 1}, padding{1, 2}, dilation{1, 2};
  Conv2d layer(4, 6, {3, 2},
               {.stride = stride, .padding = padding, .dilation = dilation, .groups = 2});
  const Tensor x = randn({2, 4, 7, 6});
  const Tensor y = layer(x);
  EXPECT_EQ(y.sizes(), Shape({2, 6, 4, 8}));
  EXPECT_EQ(layer.weight.sizes(), Shape({6, 2, 3, 2}));
  expect_close(values(y), naive_conv2d(layer, x, stride, padding, dilation, 2, y.sizes()));
}

TEST(Conv2d, NamesTextAndErrors) {
  Conv2d layer(1, 6, 5, {.padding = 2});
  EXPECT_EQ(names(layer.named_parameters()), (Names{"weight", "bias"}));
  EXPECT_EQ(layer.describe(), "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))");
  error_of(ErrorCode::kInvalidArgument, [] { Conv2d(3, 4, 1, {.groups = 2}); });
  error_of(ErrorCode::kInvalidArgument, [] { Conv2d(3, 4, 0); });
  const std::string text = error_of(ErrorCode::kInvalidArgument, [&] {
    (void)layer(ones({1, 3, 8, 8}));
  });
  expect_contains(text, "in Conv2d(1, 6");
}

TEST(MaxPool2d, TakesTheGreatestOfEachWindow) {
  manual_seed(5);
  MaxPool2d layer({2, 3}, {.stride = Pair{2, 1}});
  const Tensor x = randn({2, 2, 4, 5});
  const Tensor y = layer(x);
  ASSERT_EQ(y.sizes(), Shape({2, 2, 2, 3}));
  const Array in(x);
  std::vector<double> expected;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 2; ++c)
      for (int64_t i = 0; i < 2; ++i)
        for (int64_t j = 0; j < 3; ++j) {
          double greatest = -INFINITY;
          for (int64_t p = 0; p < 2; ++p)
            for (int64_t q = 0; q < 3; ++q)
              greatest = std::max(greatest, in.at({n, c, 2 * i + p, j + q}));
          expected.push_back(greatest);
        }
  expect_close(values(y), expected, 0);
  EXPECT_TRUE(layer.parameters().empty());
  EXPECT_EQ(MaxPool2d(2)(x).sizes(), Shape({2, 2, 2, 2}));
}

TEST(Activation, ReLUAndTanh) {
  const Tensor x = tensor({-2.0, -0.5, 0.0, 0.5, 2.0});
  expect_close(values(ReLU()(x)), {0, 0, 0, 0.5, 2}, 0);
  expect_close(values(Tanh()(x)),
               {std::tanh(-2.0), std::tanh(-0.5), 0, std::tanh(0.5), std::tanh(2.0)});
  EXPECT_EQ(ReLU().describe(), "ReLU");
}

TEST(Flatten, MergesDimensions) {
  const Tensor x = arange(24, kFloat32).view({2, 3, 4});
  EXPECT_EQ(Flatten()(x).sizes(), Shape({2, 12}));
  EXPECT_EQ(Flatten(0, 1)(x).sizes(), Shape({6, 4}));
  EXPECT_EQ(values(Flatten()(x)), values(x));
}

TEST(Flatten, UnflattenCutsAndIdentityKeeps) {
  const Tensor x = arange(24, kFloat32).view({2, 12});
  EXPECT_EQ(Unflatten(1, {3, 4})(x).sizes(), Shape({2, 3, 4}));
  EXPECT_EQ(Unflatten(-1, {-1, 6})(x).sizes(), Shape({2, 2, 6}));
  EXPECT_EQ(values(Flatten()(Unflatten(1, {3, 4})(x))), values(x));
  EXPECT_EQ(Unflatten(1, {3, 4}).describe(), "Unflatten(dim=1, sizes=(3, 4))");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)Unflatten(1, {5, 2})(x); });
  error_of(ErrorCode::kIndex, [&] { (void)Unflatten(2, {5, 2})(x); });
  EXPECT_TRUE(Identity()(x).is_same(x));
  EXPECT_EQ(Identity().describe(), "Identity");
}

TEST(PixelShuffle, MovesChannelsIntoThePlaneAndBack) {
  const Tensor x = arange(16, kFloat32).view({1, 4, 2, 2});
  const Tensor y = PixelShuffle(2)(x);
  EXPECT_EQ(y.sizes(), Shape({1, 1, 4, 4}));
  EXPECT_EQ(values(y[0][0][0]), (std::vector<double>{0, 4, 1, 5}));
  EXPECT_EQ(values(y[0][0][1]), (std::vector<double>{8, 12, 9, 13}));
  EXPECT_EQ(values(PixelUnshuffle(2)(y)), values(x));
  EXPECT_EQ(PixelShuffle(2).describe(), "PixelShuffle(upscale_factor=2)");
  EXPECT_EQ(PixelUnshuffle(3).describe(), "PixelUnshuffle(downscale_factor=3)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)PixelShuffle(3)(x); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)PixelUnshuffle(3)(x); });
}

TEST(Dropout, OfChannelsDropsThemWhole) {
  manual_seed(9);
  Dropout2d layer(0.4);
  const Tensor y = layer(ones({50, 20, 2, 3}));
  const auto sums = values(y.sum({2, 3}));
  int64_t dropped = 0;
  for (const double sum : sums) {
    if (sum == 0)
      ++dropped;
    else
      EXPECT_NEAR(sum, 6 / 0.6, 1e-4);
  }
  EXPECT_NEAR(static_cast<double>(dropped), 400, 5 * std::sqrt(1000 * 0.4 * 0.6));
  layer.eval();
  EXPECT_EQ(layer(y).sum().item<double>(), y.sum().item<double>());
  EXPECT_EQ(Dropout1d(0.2).describe(), "Dropout1d(p=0.2)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(ones({2, 3, 4})); });
  error_of(ErrorCode::kInvalidArgument, [] { Dropout3d(2); });
}

TEST(Dropout, DropsTheShareAndScalesTheRest) {
  manual_seed(6);
  Dropout layer(0.3);
  const int64_t count = 20'000;
  const auto y = values(layer(ones({count})));
  int64_t dropped = 0;
  for (const double value : y) {
    if (value == 0)
      ++dropped;
    else
      EXPECT_NEAR(value, 1 / 0.7, 1e-6);
  }
  // Five standard deviations of a binomial draw.
  EXPECT_NEAR(static_cast<double>(dropped), 0.3 * count, 5 * std::sqrt(0.3 * 0.7 * count));
}

TEST(Dropout, IsTheIdentityInEvaluationAndChecksItsProbability) {
  Dropout layer(0.9);
  layer.eval();
  EXPECT_EQ(values(layer(arange(8, kFloat32))), values(arange(8, kFloat32)));
  error_of(ErrorCode::kInvalidArgument, [] { Dropout(1.5); });
  error_of(ErrorCode::kInvalidArgument, [] { Dropout(NAN); });
}

TEST(Dropout, GradientPassesWhereTheValueDid) {
  manual_seed(7);
  Dropout layer(0.5);
  const Tensor x = ones({100}).requires_grad_();
  const Tensor y = layer(x);
  y.sum().backward();
  EXPECT_EQ(values(x.grad()), values(y.detach()));
}

TEST(Loss, CrossEntropyIsTheMeanOverTheBatch) {
  const Tensor logits = tensor({{1.0, 2.0, 3.0}, {0.0, -1.0, 5.0}});
  const Tensor target = tensor<int64_t>({2, 0});
  const double first = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0)) - 3;
  const double second = std::log(1 + std::exp(-1.0) + std::exp(5.0));
  expect_close(values(CrossEntropyLoss()(logits, target)), {(first + second) / 2});
  expect_close(values(CrossEntropyLoss(Reduction::kSum)(logits, target)), {first + second});
  expect_close(values(CrossEntropyLoss(Reduction::kNone)(logits, target)), {first, second});
}

TEST(Loss, MeanSquaredError) {
  const Tensor x = tensor({1.0, 2.0, 4.0}), target = tensor({1.0, 0.0, 1.0});
  expect_close(values(MSELoss()(x, target)), {13.0 / 3});
  expect_close(values(MSELoss(Reduction::kSum)(x, target)), {13});
  expect_close(values(MSELoss(Reduction::kNone)(x, target)), {0, 4, 9});
}

TEST(Loss, ErrorsNameTheLoss) {
  const std::string text = error_of(ErrorCode::kInvalidArgument, [] {
    (void)CrossEntropyLoss()(ones({2, 3}), zeros({3}, kInt64));
  });
  expect_contains(text, "in CrossEntropyLoss");
}

TEST(Sequential, RunsModulesInOrder) {
  manual_seed(8);
  Sequential net(Linear(4, 3), ReLU(), std::make_shared<Linear>(3, 2));
  EXPECT_EQ(names(net.named_parameters()), (Names{"0.weight", "0.bias", "2.weight", "2.bias"}));
  const Tensor x = randn({5, 4});
  const Tensor by_hand = net[2](relu(net.at<Linear>(0)(x)));
  EXPECT_EQ(values(net(x)), values(by_hand));
  EXPECT_EQ(net.size(), 3);
  net.push_back("last", Tanh());
  EXPECT_EQ(values(net(x)), values(tanh(by_hand)));
}

TEST(Sequential, PrintsAsATreeAndChecksIndices) {
  Sequential net(Linear(4, 3), Sequential(ReLU(), Flatten()));
  EXPECT_EQ(net.str(),
            "Sequential(\n"
            "  (0): Linear(in_features=4, out_features=3, bias=true)\n"
            "  (1): Sequential(\n"
            "    (0): ReLU\n"
            "    (1): Flatten(start_dim=1, end_dim=-1)\n"
            "  )\n"
            ")");
  error_of(ErrorCode::kIndex, [&] { (void)net[2]; });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)net.at<Linear>(1); });
  const std::string text = error_of(ErrorCode::kInvalidArgument, [&] { (void)net(ones({2, 7})); });
  expect_contains(text, "in Linear(in_features=4");
  expect_contains(text, "in Sequential");
}

}  // namespace
}  // namespace tenon::nn
