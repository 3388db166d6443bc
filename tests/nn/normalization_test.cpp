// Normalisation layers and embeddings against torch 2.15, with the same numbers as weights.
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
using Names = std::vector<std::string>;

constexpr double kTolerance = 5e-5;  // sums of f32 sines, divided by their deviation

TEST(BatchNorm2d, NormalisesChannelsAndTracksThem) {
  BatchNorm2d layer(3);
  fill_pattern(layer);
  const Tensor x = pattern({2, 3, 2, 2});
  const Tensor y = layer(x);
  expect_close(values(y), {0.5438903,   0.7529968,   0.9338018,  1.061834,  0.8586003,  0.820345,
                           0.6382643,   0.3370019,   0.06507606, -0.202567, -0.4517682, -0.6487993,
                           -0.01304656, -0.03161374, 0.02771085, 0.1568979, -0.6350306, -0.2347771,
                           0.1644568,   0.5086366,   0.5875071,  0.6586337, 0.6316426,  0.5101871},
               kTolerance);
  expect_close(values(layer.running_mean), {-0.0198582, 0.0497074, 0.0288723}, kTolerance);
  expect_close(values(layer.running_var), {0.9605008, 0.9224487, 0.9524512}, kTolerance);
  expect_close(gradient_sums(layer, {y}), {13.39566, 5.231176}, kTolerance);
  (void)layer(x * 2);
  layer.eval();
  expect_close(values(layer(x)),
               {0.4520934,  0.5967331,  0.7217965, 0.8103568,  0.742259,   0.7245821,
                0.6404467,  0.5012402,  0.189957,  0.01442514, -0.1490117, -0.2782332,
                0.06685826, 0.05401528, 0.0950503, 0.1844094,  0.05208605, 0.2370341,
                0.421511,   0.5805487,  0.5325897, 0.5792375,  0.5615356,  0.4818799},
               kTolerance);
  EXPECT_EQ(layer.num_batches_tracked.item<int64_t>(), 2);
}

TEST(BatchNorm, NamesTextAndErrors) {
  BatchNorm1d layer(3);
  EXPECT_EQ(names(layer.state_dict()),
            (Names{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}));
  EXPECT_EQ(layer.num_batches_tracked.dtype(), kInt64);
  EXPECT_EQ(layer.describe(),
            "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=true, track_running_stats=true)");
  BatchNorm2d plain(3, {.affine = false, .track_running_stats = false});
  EXPECT_TRUE(plain.state_dict().empty());
  const Tensor x = pattern({2, 3, 2, 2});
  const auto training = values(plain(x));
  plain.eval();
  EXPECT_EQ(values(plain(x)), training);
  expect_contains(error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(x); }),
                  "expected an input of 2 or 3 dimensions with 3 channels, got (2, 3, 2, 2)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)plain(ones({2, 4, 2, 2})); });
  error_of(ErrorCode::kInvalidArgument, [] { BatchNorm2d(0); });
  EXPECT_EQ(BatchNorm3d(2)(ones({1, 2, 2, 2, 2})).sizes(), Shape({1, 2, 2, 2, 2}));
}

TEST(BatchNorm1d, WithoutMomentumItTakesTheMeanOfAllBatches) {
  BatchNorm1d layer(3, {.momentum = std::nullopt, .affine = false});
  (void)layer(pattern({4, 3}));
  (void)layer(pattern({4, 3}, 2));
  expect_close(values(layer.running_mean), {0.09367301, 0.02172396, -0.05316533}, kTolerance);
  expect_close(values(layer.running_var), {0.5053185, 0.4598346, 0.4727337}, kTolerance);
}

TEST(BatchNorm, CloneAndConversionKeepTheBuffers) {
  BatchNorm1d layer(2);
  (void)layer(pattern({4, 2}));
  const auto copy = layer.clone();
  EXPECT_EQ(values(copy->running_mean), values(layer.running_mean));
  (void)(*copy)(pattern({4, 2}, 2));
  EXPECT_NE(values(copy->running_mean), values(layer.running_mean));
  EXPECT_EQ(layer.num_batches_tracked.item<int64_t>(), 1);
  layer.to(kFloat16);
  EXPECT_EQ(layer.running_var.dtype(), kFloat16);
  EXPECT_EQ(layer.num_batches_tracked.dtype(), kInt64);
}

TEST(LayerNorm, NormalisesTheLastDimensions) {
  LayerNorm layer(Shape{2, 3});
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 2, 3}));
  expect_close(values(y),
               {-0.7939279, -0.6053084, -0.3293406, -0.1698783, -0.2042841, -0.3437822, 0.5586832,
                0.2420766, -0.2043774, -0.6046341, -0.7877851, -0.6722495},
               kTolerance);
  expect_close(gradient_sums(layer, {y}), {5.483513, 3.02546}, kTolerance);
  EXPECT_EQ(names(layer.named_parameters()), (Names{"weight", "bias"}));
  EXPECT_EQ(names(LayerNorm(4, {.bias = false}).named_parameters()), Names{"weight"});
  EXPECT_TRUE(LayerNorm(4, {.elementwise_affine = false}).parameters().empty());
  EXPECT_EQ(layer.describe(), "LayerNorm((2, 3), eps=1e-05, elementwise_affine=true)");
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             (void)layer(ones({2, 3, 2}));
                           }),
                  "in LayerNorm((2, 3)");
  error_of(ErrorCode::kInvalidArgument, [] { LayerNorm(Shape{}); });
}

TEST(RMSNorm, DividesByTheRootMeanSquare) {
  RMSNorm layer(3, {.eps = 1e-5});
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 3}));
  expect_close(values(y), {0, 0.4010646, 0.7522819, 0.3959098, 0.5126109, 0.4977326}, kTolerance);
  expect_close(gradient_sums(layer, {y}), {4.687912}, kTolerance);
  EXPECT_EQ(RMSNorm(3).describe(), "RMSNorm((3), eps=none, elementwise_affine=true)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(ones({2, 4})); });
  error_of(ErrorCode::kInvalidArgument, [] { RMSNorm(0); });
}

TEST(GroupNorm, NormalisesGroupsOfChannels) {
  GroupNorm layer(2, 4);
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 4, 3}));
  expect_close(values(y),
               {-0.4475773,  -0.02646422, 0.3376531,  0.4794766,  0.6153356,  0.5684062,
                0.6611684,   0.4223996,   0.1214883,  -0.3575117, -0.6187785, -0.8253493,
                -0.06085229, -0.09797311, 0.02063278, 0.1108128,  0.5335291,  1.020978,
                -0.9962991,  -0.277216,   0.2295201,  0.2137113,  0.1391154,  -0.1965545},
               kTolerance);
  expect_close(gradient_sums(layer, {y}), {8.644847, 6.533224}, kTolerance);
  EXPECT_EQ(layer.describe(), "GroupNorm(2, 4, eps=1e-05, affine=true)");
  error_of(ErrorCode::kInvalidArgument, [] { GroupNorm(3, 4); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(ones({2, 3, 3})); });
}

TEST(InstanceNorm, NormalisesEachChannelOfEachEntry) {
  InstanceNorm2d layer(2, {.affine = true});
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 2, 2, 2}));
  expect_close(
      values(y),
      {-0.1095659, 0.3415547, 0.7316182, 1.007831, 0.8926803, 0.8017487, 0.3689488, -0.3471421,
       1.081105, 0.6608068, 0.2694689, -0.03994277, 0.1093263, -0.0142648, 0.380625, 1.240549},
      kTolerance);
  expect_close(gradient_sums(layer, {y}), {4.157962, 0.8884936}, kTolerance);
  InstanceNorm1d tracked(2, {.track_running_stats = true});
  (void)tracked(pattern({2, 2, 3}));
  tracked.eval();
  expect_close(values(tracked(pattern({2, 2, 3}))),
               {-0.04431552, 0.3346632, 0.662349, 0.918217, 1.023534, 0.9871547, 0.7904978,
                0.5048913, 0.1449523, -0.2202861, -0.5803848, -0.8650971},
               kTolerance);
  EXPECT_EQ(tracked.describe(),
            "InstanceNorm1d(2, eps=1e-05, momentum=0.1, affine=false, track_running_stats=true)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(ones({2, 3, 2, 2})); });
}

// ---- Embedding ----

TEST(Embedding, TakesRows) {
  manual_seed(1);
  Embedding layer(5, 3, {.padding_idx = -1});
  const Tensor x = tensor<int64_t>({4, 1, 1, 0}).view({2, 2});
  const Tensor y = layer(x);
  EXPECT_EQ(y.sizes(), Shape({2, 2, 3}));
  EXPECT_EQ(values(y[0][0]), std::vector<double>(3, 0.0));
  EXPECT_EQ(values(y[1][1]), values(layer.weight[0]));
  y.sum().backward();
  EXPECT_EQ(values(layer.weight.grad()),
            (std::vector<double>{1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(layer.describe(), "Embedding(5, 3, padding_idx=4)");
  EXPECT_EQ(names(layer.named_parameters()), Names{"weight"});
}

TEST(Embedding, FromATableAndErrors) {
  const Tensor table = pattern({4, 2});
  Embedding frozen = Embedding::from_pretrained(table);
  EXPECT_FALSE(frozen.weight.requires_grad());
  EXPECT_EQ(values(frozen(tensor<int64_t>({3}))), values(table[3]));
  EXPECT_TRUE(
      Embedding::from_pretrained(table, Embedding::Pretrained::kTrained).weight.requires_grad());
  error_of(ErrorCode::kInvalidArgument, [] { Embedding(0, 3); });
  expect_contains(
      error_of(ErrorCode::kInvalidArgument, [] { Embedding(4, 3, {.padding_idx = 4}); }),
      "[-4, 4), got 4");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)Embedding::from_pretrained(table[0]); });
  error_of(ErrorCode::kDType, [&] { (void)frozen(ones({2})); });
}

}  // namespace
}  // namespace tenon::nn
