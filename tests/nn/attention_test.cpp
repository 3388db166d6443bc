// Attention and transformers against torch 2.15, with the same numbers as weights and inputs.
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

constexpr double kTolerance = 5e-5;  // f32 through a softmax and two normalisations

// True where a key comes later than the query.
Tensor causal_mask(int64_t size) { return arange(size).unsqueeze(0) > arange(size).unsqueeze(1); }

// Keys that are hidden: the last one of the first entry.
Tensor padding_mask() { return tensor({false, false, true, false, false, false}).view({2, 3}); }

TEST(MultiheadAttention, AttendsToItself) {
  MultiheadAttention layer(4, 2);
  fill_pattern(layer);
  const Tensor x = pattern({3, 2, 4});
  const auto [y, weights] = layer(x, x, x);
  expect_close(values(y), {-0.2441816,  -0.8509359, -0.6992673, -0.1174342, -0.4374729, -1.436002,
                           -0.6120738,  0.4834435,  -0.2460596, -0.6076775, -0.6532761, -0.3523524,
                           -0.04898059, 0.1745028,  -0.7085119, -1.144549,  -0.2484883, -0.763981,
                           -0.679192,   -0.2007485, -0.4253596, -1.450196,  -0.626761,  0.494974},
               kTolerance);
  expect_close(values(weights),
               {0.4359872, 0.2061837, 0.3578291, 0.2059746, 0.5238696, 0.2701558, 0.3393844,
                0.3112833, 0.3493323, 0.4408527, 0.03007049, 0.5290768, 0.0189445, 0.9661765,
                0.01487901, 0.4377531, 0.02325715, 0.5389897},
               kTolerance);
  expect_close(gradient_sums(layer, {y}), {9.029, 1.120037, 43.36941, 5.231176}, kTolerance);
  EXPECT_EQ(names(layer.named_parameters()),
            (Names{"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"}));
  // As a plain module, and without weights, by the fused attention.
  expect_close(values(layer(x)), values(y), kTolerance);
  // One sequence without a batch.
  const Tensor one = x.select(1, 0);
  const auto [single, single_weights] = layer(one, one, one);
  EXPECT_EQ(single_weights.sizes(), Shape({3, 3}));
  expect_close(values(single), values(y.select(1, 0)), kTolerance);
}

TEST(MultiheadAttention, CrossesSizesWithMasks) {
  MultiheadAttention layer(4, 2, {.kdim = 3, .vdim = 5, .batch_first = true});
  fill_pattern(layer);
  EXPECT_EQ(names(layer.named_parameters()),
            (Names{"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias",
                   "out_proj.weight", "out_proj.bias"}));
  const Tensor query = pattern({2, 2, 4}), key = pattern({2, 3, 3}, 0.2),
               value = pattern({2, 3, 5}, 0.3);
  const AttentionCall call{
      .key_padding_mask = padding_mask(),
      .attn_mask = tensor({false, true, false, false, false, false}).view({2, 3}),
      .average_attn_weights = false};
  const auto [y, weights] = layer(query, key, value, call);
  expect_close(values(y),
               {-0.05398594, -1.106988, -0.9358963, 0.09570703, 0.08734496, -0.8488447, -1.030415,
                -0.1795767, -0.1900139, -0.6182299, -0.7112353, -0.3523105, -0.1141607, -0.7968462,
                -0.8194794, -0.1933236},
               kTolerance);
  EXPECT_EQ(weights.sizes(), Shape({2, 2, 2, 3}));
  expect_close(values(weights), {1,         0, 0,         0.340813,  0.659187,  0,
                                 1,         0, 0,         0.5015438, 0.4984562, 0,
                                 0.5535214, 0, 0.4464786, 0.3602065, 0.4931841, 0.1466095,
                                 0.5903551, 0, 0.4096449, 0.4035371, 0.431184,  0.1652789},
               kTolerance);
  AttentionCall fused = call;
  fused.need_weights = false;
  const auto [same, none] = layer(query, key, value, fused);
  EXPECT_FALSE(none.defined());
  expect_close(values(same), values(y), kTolerance);
}

TEST(MultiheadAttention, FloatAndCausalMasks) {
  MultiheadAttention layer(4, 2);
  fill_pattern(layer);
  const Tensor x = pattern({3, 2, 4});
  expect_close(values(layer(x, x, x, {.attn_mask = pattern({4, 3, 3}, 0.7)}).first),
               {-0.1812668,  -0.854099,  -0.7627558, -0.1257842, -0.4311197, -1.440334,
                -0.6192125,  0.4864811,  -0.2488713, -0.6105198, -0.6509798, -0.3490936,
                -0.05158865, 0.1729196,  -0.706191,  -1.142545,  -0.3383928, -0.7660534,
                -0.5896632,  -0.1824407, -0.3922508, -1.450841,  -0.6599869, 0.4895944},
               kTolerance);
  const std::vector<double> causal = {-0.2281662, -1.138104,  -0.7673586,   0.1573856,  -0.3844041,
                                      -1.441821,  -0.6661978, 0.4794475,    -0.2711241, -0.5236706,
                                      -0.6129774, -0.4290514, -0.006978232, 0.1957289,  -0.7466651,
                                      -1.172694,  -0.2484883, -0.763981,    -0.679192,  -0.2007485,
                                      -0.4253596, -1.450196,  -0.626761,    0.494974};
  for (const bool weights : {true, false}) {
    const AttentionCall by_flag{.need_weights = weights, .is_causal = true};
    const AttentionCall by_mask{.need_weights = weights, .attn_mask = causal_mask(3)};
    expect_close(values(layer(x, x, x, by_flag).first), causal, kTolerance);
    expect_close(values(layer(x, x, x, by_mask).first), causal, kTolerance);
  }
}

TEST(MultiheadAttention, DropoutTextAndErrors) {
  manual_seed(2);
  MultiheadAttention layer(4, 2, {.dropout = 0.5});
  const Tensor x = pattern({3, 2, 4});
  EXPECT_NE(values(layer(x)), values(layer(x)));
  layer.eval();
  EXPECT_EQ(values(layer(x)), values(layer(x)));
  EXPECT_EQ(layer.describe(), "MultiheadAttention(embed_dim=4, num_heads=2, dropout=0.5)");
  EXPECT_EQ(layer.in_proj_bias.abs().max().item<double>(), 0);
  EXPECT_EQ(MultiheadAttention(4, 2, {.bias = false}).named_parameters().size(), 2u);
  const auto text = [&](const std::function<void()>& call) {
    return error_of(ErrorCode::kInvalidArgument, call);
  };
  expect_contains(text([] { MultiheadAttention(4, 3); }), "num_heads must divide");
  expect_contains(text([] { MultiheadAttention(4, 2, {.dropout = -1}); }), "dropout");
  expect_contains(text([&] { (void)layer(ones({3, 2, 5})); }), "expected features of 4");
  expect_contains(text([&] { (void)layer(x, x[0], x); }), "all have 2 or all 3");
  expect_contains(text([&] { (void)layer(x, x, x, {.attn_mask = causal_mask(2)}); }),
                  "attn_mask must have sizes (3, 3) or (4, 3, 3), got (2, 2)");
  expect_contains(text([&] { (void)layer(x, x, x, {.key_padding_mask = causal_mask(3)}); }),
                  "key_padding_mask must have sizes (2, 3)");
  error_of(ErrorCode::kDType, [&] { (void)layer(x, x, x, {.attn_mask = zeros({3, 3}, kInt64)}); });
}

// ---- transformers ----

TransformerOptions small(bool first = false) {
  TransformerOptions options;
  options.dim_feedforward = 3;
  options.dropout = 0;
  options.norm_first = first;
  return options;
}

TEST(TransformerEncoderLayer, NormalisesAfter) {
  TransformerEncoderLayer layer(4, 2, small());
  fill_pattern(layer);
  EXPECT_EQ(
      names(layer.named_parameters()),
      (Names{"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
             "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
             "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"}));
  const Tensor y = layer(pattern({3, 2, 4}));
  expect_close(values(y),
               {0.494979,    0.6893734,  -0.09487968, -0.8887291, 0.0328435,   0.8855601,
                0.01145818,  -0.7004862, -0.4083595,  0.08701447, 0.3725605,   0.08848868,
                -0.05305862, -0.4622255, 0.3378659,   0.2393,     0.5567625,   0.6449057,
                -0.1151105,  -0.8934007, 0.18364,     0.8682446,  -0.05601532, -0.7733114},
               kTolerance);
  expect_close(gradient_sums(layer, {y}),
               {4.412219, 1.023251, 5.125556, 0.9038091, 0.07952578, 0.0328692, 0.07748815,
                0.9256043, 1.675364, 0.9244762, 11.68635, 5.231176},
               10 * kTolerance);  // differences of like sums
}

TEST(TransformerEncoderLayer, NormalisesFirstWithGeluAndPadding) {
  TransformerOptions options = small(true);
  options.activation = TransformerActivation::kGELU;
  options.batch_first = true;
  TransformerEncoderLayer layer(4, 2, options);
  fill_pattern(layer);
  const Tensor y = layer(pattern({2, 3, 4}), {.src_key_padding_mask = padding_mask()});
  expect_close(values(y),
               {0.1124205,  -0.3981453,  -0.4713548, 0.1019434,  1.146516,   0.2472337,
                -0.3486429, -0.3078694,  0.3281699,  -0.8993301, -1.670288,  -1.630047,
                -0.8534631, -1.751836,   -2.023771,  -1.475291,  -0.2805347, -0.7673741,
                -0.7436243, -0.09203904, 1.020874,   0.2603386,  -0.168634,  -0.02864394},
               kTolerance);
}

TEST(TransformerEncoder, StacksIndependentCopies) {
  TransformerEncoderLayer layer(4, 2, small());
  fill_pattern(layer);
  TransformerEncoder stack(layer, 2, std::make_shared<LayerNorm>(4));
  const Names all = names(stack.named_parameters());
  EXPECT_EQ(all.front(), "layers.0.self_attn.in_proj_weight");
  EXPECT_EQ(all[12], "layers.1.self_attn.in_proj_weight");
  EXPECT_EQ(all.back(), "norm.bias");
  EXPECT_EQ(all.size(), 26u);
  EXPECT_FALSE(stack.parameters()[0].is_same(layer.parameters()[0]));
  const Tensor x = pattern({3, 2, 4});
  const std::vector<double> expected = {
      -0.6984318, -1.26111,   0.9538818,  1.00566,   0.2324003,   -1.695532, 0.7168271,  0.7463048,
      0.8338555,  1.086067,   -0.5844664, -1.335456, -0.02527877, 1.598044,  -0.4633515, -1.109414,
      -1.114627,  -0.8730922, 1.091834,   0.8958848, -0.2564272,  -1.523648, 1.008321,   0.7717541};
  expect_close(values(stack(x, {.is_causal = true})), expected, 4 * kTolerance);  // five norms
  expect_close(values(stack(x, {.mask = causal_mask(3)})), expected, 4 * kTolerance);
  EXPECT_NE(values(stack(x)), expected);
  const auto copy = stack.clone();
  EXPECT_EQ(values((*copy)(x)), values(stack(x)));
  error_of(ErrorCode::kInvalidArgument, [&] { TransformerEncoder(layer, 0); });
}

TEST(TransformerDecoderLayer, AttendsToTargetAndMemory) {
  TransformerDecoderLayer layer(4, 2, small());
  fill_pattern(layer);
  EXPECT_EQ(layer.named_parameters().size(), 18u);
  EXPECT_EQ(layer.named_parameters()[4].first, "multihead_attn.in_proj_weight");
  const Tensor x = pattern({3, 2, 4}), memory = pattern({4, 2, 4}, 0.9);
  const Tensor y = layer(x, memory, {.tgt_mask = causal_mask(3)});
  expect_close(values(y), {-0.8525183, -0.4135423, -0.4542016, -0.6048514, -0.844463,  -0.4131462,
                           -0.4594492, -0.6071749, -0.8039486, -0.4479544, -0.4663174, -0.6146228,
                           -0.7700787, -0.4721503, -0.4722451, -0.6195639, -0.8498786, -0.4160215,
                           -0.4547054, -0.6054413, -0.8433519, -0.4138222, -0.4598116, -0.6074314},
               kTolerance);
  TransformerDecoder stack(layer, 2);
  expect_close(values(stack(x, memory)),
               {-0.7565737, -0.4848369, -0.4727437, -0.6209907, -0.7520027, -0.4856858,
                -0.4745026, -0.6216884, -0.7604495, -0.4818251, -0.4723264, -0.6205544,
                -0.7599148, -0.4798404, -0.4735252, -0.6207898, -0.7566973, -0.4847406,
                -0.4727308, -0.620977,  -0.7520537, -0.4856482, -0.4744965, -0.6216828},
               2 * kTolerance);  // six norms
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             (void)layer(x, ones({4, 2, 5}));
                           }),
                  "in TransformerDecoderLayer");
}

TEST(Transformer, LearnsToReverse) {
  manual_seed(3);
  struct Net : Cloneable<Net> {
    Embedding letters{5, 16}, places{4, 16};
    TransformerEncoder encoder{TransformerEncoderLayer(16, 2, options()), 1};
    Linear out{16, 5};
    static TransformerOptions options() {
      TransformerOptions o;
      o.dim_feedforward = 32;
      o.dropout = 0;
      o.batch_first = true;
      return o;
    }
    Net() {
      register_module("letters", &Net::letters);
      register_module("places", &Net::places);
      register_module("encoder", &Net::encoder);
      register_module("out", &Net::out);
    }
    Tensor forward(const Tensor& x) override {
      return out(encoder(letters(x) + places(arange(4))));
    }
  } net;
  optim::AdamW optimizer(net.parameters(), {.lr = 0.01});
  const Tensor backwards = tensor<int64_t>({3, 2, 1, 0});
  double last = 0;
  for (int step = 0; step < 80; ++step) {
    const Tensor x = randint(0, 5, {32, 4});
    optimizer.zero_grad();
    const Tensor loss =
        cross_entropy(net(x).view({-1, 5}), x.index({Slice(), backwards}).reshape({-1}));
    loss.backward();
    optim::clip_grad_norm_(net.parameters(), 1);
    optimizer.step();
    last = loss.item<double>();
  }
  EXPECT_LT(last, 0.2);
}

}  // namespace
}  // namespace tenon::nn
