// Recurrent layers against torch 2.15, with the same numbers as weights and inputs.
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

constexpr double kTolerance = 2e-5;  // sums of f32 sines over a few steps

template <class M, class... Arguments>
M make(Arguments&&... arguments) {
  M module(std::forward<Arguments>(arguments)...);
  fill_pattern(module);
  return module;
}

TEST(LSTM, ComputesWhatTorchComputes) {
  auto layer = make<LSTM>(3, 2);
  const auto [y, state] = layer(pattern({3, 2, 3}));
  EXPECT_EQ(y.sizes(), Shape({3, 2, 2}));
  EXPECT_EQ(state.h.sizes(), Shape({1, 2, 2}));
  expect_close(values(y),
               {-0.04705952, 0.1084233, -0.3232588, 0.2659133, -0.187451, 0.1698784, -0.05962581,
                0.06362976, -0.01413808, 0.02066447, 0.01003677, 0.009600007},
               kTolerance);
  expect_close(values(state.h), {-0.01413808, 0.02066447, 0.01003677, 0.009600007}, kTolerance);
  expect_close(values(state.c), {-0.06657495, 0.05006154, 0.02574629, 0.02116508}, kTolerance);
  expect_close(gradient_sums(layer, {y, state.h}), {4.43726, 0.174351, 2.575511, 2.575511},
               kTolerance);
}

TEST(GRU, ComputesWhatTorchComputes) {
  auto layer = make<GRU>(3, 2);
  const auto [y, h] = layer(pattern({3, 2, 3}));
  expect_close(values(y),
               {0.1269484, 0.3240777, -0.1196195, 0.5834279, -0.01897709, 0.4214477, 0.06714803,
                0.3605967, 0.1897297, 0.2838915, 0.2474362, 0.2765987},
               kTolerance);
  expect_close(values(h), {0.1897297, 0.2838915, 0.2474362, 0.2765987}, kTolerance);
  expect_close(gradient_sums(layer, {y, h}), {5.241676, 0.382474, 2.838804, 2.18463}, kTolerance);
}

TEST(RNN, ComputesWhatTorchComputes) {
  auto layer = make<RNN>(3, 2);
  const auto [y, h] = layer(pattern({3, 2, 3}));
  expect_close(values(y),
               {-0.348592, -0.4528063, 0.434327, 0.1314079, -0.08045561, 0.168167, -0.9291113,
                -0.854861, -0.9775624, -0.9204775, -0.8019044, -0.3415185},
               kTolerance);
  expect_close(gradient_sums(layer, {y, h}), {7.479032, 1.292077, 3.813246, 3.813246}, kTolerance);
  auto rectified = make<RNN>(3, 2, RecurrentOptions{}, RNNNonlinearity::kReLU);
  expect_close(values(rectified(pattern({3, 2, 3}), pattern({1, 2, 2}, 0.2)).first),
               {0, 0, 0.2241551, 0, 0, 0, 0, 0, 0, 0, 0, 0}, kTolerance);
}

TEST(LSTM, LayersAndDirectionsWithBatchFirst) {
  auto layer = make<LSTM>(
      3, 2, RecurrentOptions{.num_layers = 2, .batch_first = true, .bidirectional = true});
  EXPECT_EQ(
      names(layer.named_parameters()),
      (Names{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
             "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1",
             "weight_hh_l1", "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse",
             "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse"}));
  const auto [y, state] =
      layer(pattern({2, 3, 3}), {pattern({4, 2, 2}, 0.2), pattern({4, 2, 2}, 0.3)});
  EXPECT_EQ(y.sizes(), Shape({2, 3, 4}));
  expect_close(values(y),
               {-0.1536527,  -0.1312932, -0.1228054,  -0.2638289,   -0.1418644, -0.05016534,
                -0.182192,   -0.2682917, -0.1241631,  -0.001862397, -0.1853898, -0.2162946,
                -0.2680921,  -0.4132397, 0.006856677, -0.09921374,  -0.2265189, -0.3352334,
                -0.04084176, -0.1140553, -0.2427294,  -0.2256705,   -0.129587,  -0.1628129},
               kTolerance);
  expect_close(values(state.h),
               {-0.2393542, 0.2368412, 0.124782, 0.1087494, 0.2172507, 0.1779759, -0.2726045,
                -0.2480379, -0.1241631, -0.001862397, -0.2427294, -0.2256705, -0.1228054,
                -0.2638289, 0.006856677, -0.09921374},
               kTolerance);
  expect_close(values(state.c),
               {-0.3626797, 0.4275518, 0.3066219, 0.2361844, 0.5929729, 0.561294, -0.4444425,
                -0.3578137, -0.2321519, -0.003736261, -0.502763, -0.4541925, -0.2704727, -0.5446033,
                0.01588405, -0.2048147},
               kTolerance);
  expect_close(gradient_sums(layer, {y, state.c}),
               {3.114423, 1.916736, 3.530121, 3.530121, 2.96157, 1.25706, 2.227051, 2.227051,
                1.524779, 2.09998, 2.447788, 2.447788, 1.11399, 1.170225, 1.578871, 1.578871},
               kTolerance);
}

TEST(GRU, LayersAndDirectionsWithoutBias) {
  auto layer =
      make<GRU>(3, 2, RecurrentOptions{.num_layers = 2, .bias = false, .bidirectional = true});
  const auto [y, h] = layer(pattern({3, 2, 3}));
  expect_close(values(y),
               {-0.01567504, -0.02636299, -0.1043578,  0.07608406,  -0.05969756, -0.01469258,
                -0.1396304,  0.1326782,   -0.09099469, 0.004294597, -0.1384964,  0.174609,
                -0.188989,   0.01990528,  -0.1576117,  0.2116847,   -0.2422452,  0.01341058,
                -0.1488231,  0.2158898,   -0.2145616,  0.02209136,  -0.0858528,  0.09317378},
               kTolerance);
  expect_close(values(h),
               {0.0308881, 0.07795663, 0.08327881, 0.03248834, 0.06461918, -0.1808512, 0.2273895,
                -0.2281615, -0.2422452, 0.01341058, -0.2145616, 0.02209136, -0.1043578, 0.07608406,
                -0.1396304, 0.1326782},
               kTolerance);
}

TEST(Recurrent, CellsAreOneStep) {
  const Tensor x = pattern({3, 2, 3})[0], h = pattern({2, 2}, 0.2), c = pattern({2, 2}, 0.3);
  auto lstm = make<LSTMCell>(3, 2);
  const LSTMState next = lstm(x, {h, c});
  expect_close(values(next.h), {0.09299406, 0.2593197, 0.02213804, 0.3734775}, kTolerance);
  expect_close(values(next.c), {0.1335961, 0.5032432, 0.0245873, 0.6000783}, kTolerance);
  auto gru = make<GRUCell>(3, 2);
  expect_close(values(gru(x, h)), {0.1042259, 0.5057722, -0.01788698, 0.5467637}, kTolerance);
  auto rnn = make<RNNCell>(3, 2);
  expect_close(values(rnn(x, h)), {-0.4531, -0.6701821, 0.2204748, -0.5446982}, kTolerance);
  EXPECT_EQ(names(rnn.named_parameters()), (Names{"weight_ih", "weight_hh", "bias_ih", "bias_hh"}));
  // One sequence without a batch, from a state of 0.
  EXPECT_EQ(rnn(x[0]).sizes(), Shape({2}));
  expect_close(values(rnn(x[0])), values(rnn(x)[0]));
  EXPECT_EQ(GRUCell(3, 2, {.bias = false}).describe(), "GRUCell(3, 2, bias=false)");
}

TEST(Recurrent, OneSequenceIsABatchOfOne) {
  auto layer = make<LSTM>(3, 2, RecurrentOptions{.num_layers = 2});
  const Tensor x = pattern({4, 3});
  const auto [single, state] = layer(x);
  const auto [batch, batch_state] = layer(x.unsqueeze(1));
  EXPECT_EQ(single.sizes(), Shape({4, 2}));
  EXPECT_EQ(state.c.sizes(), Shape({2, 2}));
  EXPECT_EQ(values(single), values(batch));
  EXPECT_EQ(values(state.c), values(batch_state.c));
  const auto [again, end] = layer(x, state);
  EXPECT_NE(values(again), values(single));
}

TEST(Recurrent, AsAPlainModuleItGivesTheOutput) {
  Sequential net{LSTM(3, 2, {.batch_first = true}), Linear(2, 1)};
  EXPECT_EQ(net(pattern({2, 5, 3})).sizes(), Shape({2, 5, 1}));
  EXPECT_EQ(net.str(),
            "Sequential(\n"
            "  (0): LSTM(3, 2, batch_first=true)\n"
            "  (1): Linear(in_features=2, out_features=1, bias=true)\n"
            ")");
  const auto copy = net.clone();
  EXPECT_FALSE(copy->parameters()[0].is_same(net.parameters()[0]));
  EXPECT_EQ(values((*copy)(pattern({2, 5, 3}))), values(net(pattern({2, 5, 3}))));
}

TEST(Recurrent, DropoutActsBetweenLayersInTraining) {
  manual_seed(3);
  LSTM layer(3, 8, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = pattern({3, 2, 3});
  EXPECT_NE(values(layer(x).first), values(layer(x).first));
  layer.eval();
  EXPECT_EQ(values(layer(x).first), values(layer(x).first));
}

TEST(Recurrent, InitialValuesFillTheIntervalOfPyTorch) {
  manual_seed(4);
  GRU layer(5, 25, {.num_layers = 2});
  for (const Tensor& value : layer.parameters()) {
    const double greatest = value.abs().max().item<double>();
    EXPECT_LE(greatest, 0.2);
    EXPECT_GT(greatest, 0.15);
  }
}

TEST(Recurrent, ErrorsNameTheLayer) {
  LSTM layer(3, 2);
  const auto text = [&](const std::function<void()>& call) {
    return error_of(ErrorCode::kInvalidArgument, call);
  };
  const std::string wrong = text([&] { (void)layer(pattern({3, 2, 4})); });
  expect_contains(wrong, "LSTM: expected 3 features in the last dimension, got (3, 2, 4)");
  expect_contains(wrong, "in LSTM(3, 2)");
  expect_contains(text([&] { (void)layer(pattern({3})); }), "2 or 3 dimensions");
  expect_contains(text([&] { (void)layer(ones({0, 2, 3})); }), "at least one step");
  expect_contains(text([&] {
                    (void)layer(ones({1, 2, 3}), {ones({1, 1, 2}), {}});
                  }),
                  "expected h of sizes (1, 2, 2), got (1, 1, 2)");
  expect_contains(text([] { LSTM(0, 2); }), "sizes must be > 0");
  expect_contains(text([] { GRU(3, 2, {.num_layers = 0}); }), "num_layers");
  expect_contains(text([] { RNN(3, 2, {.dropout = 2}); }), "dropout");
  GRUCell cell(3, 2);
  expect_contains(text([&] { (void)cell(ones({2, 3}), ones({2, 3})); }), "a state of sizes (2, 2)");
  expect_contains(text([&] { (void)cell(ones({2, 4})); }), "in GRUCell(3, 2)");
}

TEST(Recurrent, LearnsToRememberTheFirstElement) {
  manual_seed(5);
  LSTM layer(1, 8);
  Linear head(8, 1);
  std::vector<Tensor> parameters = layer.parameters();
  for (const Tensor& value : head.parameters()) parameters.push_back(value);
  optim::Adam optimizer(parameters, {.lr = 0.05});
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    const Tensor x = rand({3, 32, 1});
    optimizer.zero_grad();
    const Tensor loss = mse_loss(head(layer(x).second.h[0]), x[0]);
    loss.backward();
    optimizer.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, first / 10);
}

}  // namespace
}  // namespace tenon::nn
