// Convolution, pooling and resampling layers against torch 2.15, with the same numbers.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_close;
using test::expect_contains;
using test::fill_pattern;
using test::gradient_sums;
using test::names;
using test::pattern;
using test::values;

constexpr double kTolerance = 2e-5;

TEST(Conv1d, StridesGroupsAndSame) {
  Conv1d layer(4, 2, 3, {.stride = 2, .padding = 1, .groups = 2});
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 4, 6}));
  EXPECT_EQ(y.sizes(), Shape({2, 2, 3}));
  expect_close(values(y),
               {0.1248632, 0.8039867, 0.6069727, -0.1579275, -0.9822556, -1.440184, -0.4671491,
                -1.295082, -1.560294, -0.6949261, -0.08625072, 0.7007022},
               kTolerance);
  expect_close(gradient_sums(layer, {y}), {27.42288, 2.468647}, kTolerance);
  EXPECT_EQ(layer.describe(), "Conv1d(4, 2, kernel_size=3, stride=2, padding=1, groups=2)");
  Conv1d same(2, 2, 3, {.dilation = 2, .auto_padding = AutoPadding::kSame});
  fill_pattern(same);
  expect_close(values(same(pattern({1, 2, 5}))),
               {0.3295635, 0.5158993, 0.9943186, 0.6148633, 0.5655614, -1.200043, -1.116041,
                -1.357753, -0.8959889, -0.6195997},
               kTolerance);
  EXPECT_EQ(same.describe(), "Conv1d(2, 2, kernel_size=3, stride=1, padding=same, dilation=2)");
  EXPECT_EQ(names(same.named_parameters()), (std::vector<std::string>{"weight", "bias"}));
  error_of(ErrorCode::kInvalidArgument, [] { Conv1d(3, 4, 1, {.groups = 2}); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)same(ones({1, 3, 5})); });
}

TEST(Conv2d, SamePaddingOfAnEvenKernel) {
  Conv2d layer(2, 2, {3, 2}, {.bias = false, .auto_padding = AutoPadding::kSame});
  fill_pattern(layer);
  expect_close(values(layer(pattern({1, 2, 3, 3}))),
               {1.835268, 2.392124, 1.366177, 2.80236, 2.718835, 1.16674, 2.144772, 1.584739,
                0.5259229, 0.4005081, 0.2005569, -0.2164381, -0.6851566, -1.382467, -1.020875,
                -1.889903, -1.671503, -0.8032654},
               kTolerance);
  EXPECT_EQ(layer.describe(),
            "Conv2d(2, 2, kernel_size=(3, 2), stride=(1, 1), padding=same, bias=false)");
}

TEST(ConvTranspose1d, UndoesTheChangeOfSize) {
  ConvTranspose1d layer(2, 3, 3, {.stride = 2, .padding = 1, .output_padding = 1});
  fill_pattern(layer);
  EXPECT_EQ(layer.weight.sizes(), Shape({2, 3, 3}));
  const Tensor y = layer(pattern({1, 2, 4}));
  EXPECT_EQ(y.sizes(), Shape({1, 3, 8}));
  expect_close(values(y), {-0.007279966, -0.2695959, 0.1871965, 0.1327972, 0.4227402, 0.5836202,
                           0.6674714,    0.6866304,  0.265351,  0.2372161, 0.3843199, 0.4866313,
                           0.5179,       0.7368102,  0.6480117, 0.5940323, 0.7233935, 0.9606884,
                           0.6347189,    0.780106,   0.517971,  0.5517728, 0.3889511, 0.321787},
               kTolerance);
  expect_close(gradient_sums(layer, {y}), {31.62748, 16.04929}, kTolerance);
  EXPECT_EQ(layer.describe(),
            "ConvTranspose1d(2, 3, kernel_size=3, stride=2, padding=1, output_padding=1)");
  error_of(ErrorCode::kInvalidArgument, [] { ConvTranspose1d(0, 3, 3); });
}

TEST(ConvTranspose2d, InGroups) {
  ConvTranspose2d layer(4, 2, 2, {.stride = 2, .groups = 2});
  fill_pattern(layer);
  const Tensor y = layer(pattern({1, 4, 2, 2}));
  expect_close(
      values(y),
      {0.6032405, 0.4404657, 0.7447546, 0.6126664, 0.2583166, 0.0814462, 0.4378975, 0.2441018,
       0.8257103, 0.7421864, 0.8351507, 0.8114955, 0.5984517, 0.4139601, 0.718249,  0.5680316,
       0.7162602, 0.5582512, 0.8625401, 0.7362277, 0.3818779, 0.2110116, 0.5674628, 0.379087,
       0.9492716, 0.8717517, 0.964716,  0.9464807, 0.7334368, 0.5530471, 0.857336,  0.7093473},
      kTolerance);
  expect_close(gradient_sums(layer, {y}), {9.751259, 0.3542024}, kTolerance);
  EXPECT_EQ(layer.describe(), "ConvTranspose2d(4, 2, kernel_size=(2, 2), stride=(2, 2), groups=2)");
  error_of(ErrorCode::kInvalidArgument, [] { ConvTranspose2d(3, 4, 2, {.groups = 2}); });
}

TEST(AvgPool, MeansOfWindows) {
  const Tensor x = pattern({1, 2, 5, 5});
  expect_close(values(AvgPool2d(2, {.stride = Pair(2), .padding = 1})(x)),
               {0, 0.2589758, 0.4728949, 0.1078598, -0.110797, -0.4736465, 0.05736706, 0.4018529,
                0.5894801, 0.04347237, -0.1823969, -0.4424182, -0.155066, 0.008062418, 0.4048019,
                -0.005126399, -0.3202412, -0.5718707},
               kTolerance);
  expect_close(values(AvgPool2d(2, {.padding = 1, .pad_count = PadCount::kExclude})(x)),
               {0, 0.5179517, 0.9457898, 0.2157195, -0.110797, -0.4736465, 0.1147341, 0.4018529,
                0.5894801, 0.1738895, -0.3647938, -0.8848364, -0.310132, 0.008062418, 0.4048019,
                -0.0102528, -0.3202412, -0.5718707},
               kTolerance);
  EXPECT_EQ(AvgPool2d(3, {.rounding = Rounding::kCeil})(x).sizes(), Shape({1, 2, 2, 2}));
  EXPECT_EQ(AvgPool2d(2).describe(),
            "AvgPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))");
  const Tensor line = x[0].select(1, 0).unsqueeze(0);
  EXPECT_EQ(AvgPool1d(3, {.stride = 2, .padding = 1})(line).sizes(), Shape({1, 2, 3}));
  error_of(ErrorCode::kInvalidArgument, [&] { (void)AvgPool2d(9)(x); });
}

TEST(AdaptivePool, SharesTheImage) {
  const Tensor x = pattern({1, 2, 5, 5});
  expect_close(values(AdaptiveAvgPool2d({2, 3})(x)),
               {0.1314922, 0.0748634, -0.0005010618, -0.07663544, 0.000973519, 0.07833884,
                -0.1409374, -0.09488, -0.02507751, 0.09729211, 0.02388206, -0.05550481},
               kTolerance);
  expect_close(values(AdaptiveMaxPool2d(1)(x)), {0.9964756, 0.9970241}, kTolerance);
  EXPECT_EQ(AdaptiveAvgPool1d(2)(x[0]).sizes(), Shape({2, 5, 2}));
  EXPECT_EQ(AdaptiveAvgPool2d(1).describe(), "AdaptiveAvgPool2d(output_size=(1, 1))");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)AdaptiveAvgPool2d({-2, 1})(x); });
}

TEST(MaxPool1d, TakesTheGreatest) {
  const Tensor x = tensor({1.0, 3.0, 2.0, 5.0, 4.0}).view({1, 1, 5});
  expect_close(values(MaxPool1d(2, {.stride = 1})(x)), {3, 3, 5, 5}, 0);
  expect_close(values(MaxPool1d(2)(x)), {3, 5}, 0);
  expect_close(values(MaxPool1d(2, {.rounding = Rounding::kCeil})(x)), {3, 5, 4}, 0);
  EXPECT_EQ(MaxPool1d(2).describe(), "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)MaxPool1d(7)(x); });
}

TEST(Upsample, BySizeAndByFactor) {
  const Tensor x = pattern({1, 2, 5, 5}).narrow(1, 0, 1);
  expect_close(values(Upsample({.scale_factor = {2}})(x.narrow(2, 0, 1).narrow(3, 0, 2))),
               {0, 0, 0.3616154, 0.3616154, 0, 0, 0.3616154, 0.3616154}, kTolerance);
  Upsample layer({.size = {2, 4}, .mode = InterpolateMode::kBilinear});
  expect_close(values(layer(x.narrow(2, 0, 2).narrow(3, 0, 2))),
               {0, 0.09040386, 0.2712116, 0.3616154, 0.9612752, 0.9200978, 0.8377429, 0.7965655},
               kTolerance);
  EXPECT_EQ(layer.describe(), "Upsample(size=(2, 4))");
  EXPECT_EQ(Upsample({.scale_factor = {2, 3}}).describe(), "Upsample(scale_factor=2, 3)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)Upsample({})(x); });
}

}  // namespace
}  // namespace tenon::nn
