// Whole training loops on small problems.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_contains;
using test::Folder;
using test::values;

Tensor quadratic(const Tensor& w) { return ((w - 3) * (w - 3)).sum(); }

// Losses of w = w + sign·rate·gradient.
std::vector<double> losses_of_rule(double sign) {
  Tensor w = parameter(zeros({2}));
  std::vector<double> losses;
  for (int step = 0; step < 5; ++step) {
    const Tensor loss = quadratic(w);
    losses.push_back(loss.item<double>());
    loss.backward();
    const NoGradGuard no_grad;
    w.add_(w.grad(), sign * 0.1);
    w.set_grad({});
  }
  return losses;
}

TEST(UpdateRule, LossFallsWithMinusAndRisesWithPlus) {
  const std::vector<double> minus = losses_of_rule(-1), plus = losses_of_rule(+1);
  for (size_t i = 1; i < minus.size(); ++i) {
    EXPECT_LT(minus[i], minus[i - 1]);
    EXPECT_GT(plus[i], plus[i - 1]);
  }
}

TEST(UpdateRule, PlusIsMaximize) {
  Tensor w = parameter(zeros({2}));
  optim::SGD optimizer({w}, {.lr = 0.1, .maximize = true});
  const double before = quadratic(w).item<double>();
  quadratic(w).backward();
  optimizer.step();
  EXPECT_GT(quadratic(w).item<double>(), before);
}

TEST(UpdateRule, InPlaceOutsideNoGradIsRefused) {
  Tensor w = parameter(zeros({2}));
  quadratic(w).backward();
  expect_contains(error_of(ErrorCode::kAutograd, [&] { w.sub_(w.grad()); }), "leaf");
}

// Points inside and outside of a circle.
data::TensorDataset circles(int64_t count) {
  manual_seed(11);
  const Tensor points = randn({count, 2}, Device("cpu"));
  std::vector<int64_t> labels;
  const std::vector<float> xy = points.to_vector<float>();
  for (size_t i = 0; i < xy.size(); i += 2)
    labels.push_back(xy[i] * xy[i] + xy[i + 1] * xy[i + 1] > 1.2f ? 1 : 0);
  return data::TensorDataset(points, tensor(labels, Device("cpu")));
}

struct Circle {
  data::DataLoader loader;
  Sequential net;
  optim::Adam optimizer;
  std::vector<float> losses;

  explicit Circle(uint64_t seed)
      : loader(circles(128), {.batch_size = 20, .shuffle = true, .seed = seed}),
        net(make_net(seed)),
        optimizer(net.parameters(), {.lr = 0.02}) {}

  static Sequential make_net(uint64_t seed) {
    manual_seed(seed);
    return Sequential{Linear(2, 16), Tanh(), Dropout(0.1), Linear(16, 2)};
  }

  void epoch() {
    net.train();
    for (auto& [points, labels] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(net(points), labels);
      loss.backward();
      optimizer.step();
      losses.push_back(loss.item<float>());
    }
  }
};

TEST(AveragedModel, AveragesUpdates) {
  Linear net(1, 1, {.bias = false});
  const auto set = [&](double value) { init::constant_(net.weight, value); };
  optim::AveragedModel mean(net), decayed(net, {.ema_decay = 0.75});
  for (const double value : {1.0, 2.0, 6.0}) {
    set(value);
    mean.update_parameters(net);
    decayed.update_parameters(net);
  }
  const Tensor one = ones({1, 1});
  EXPECT_NEAR(mean(one).item<double>(), 3, 1e-6);
  EXPECT_NEAR(decayed(one).item<double>(), 0.75 * (0.75 * 1 + 0.25 * 2) + 0.25 * 6, 1e-6);
  EXPECT_EQ(test::names(mean.state_dict()),
            (std::vector<std::string>{"n_averaged", "module.weight"}));
  EXPECT_EQ(mean.n_averaged.item<int64_t>(), 3);
  error_of(ErrorCode::kInvalidArgument, [&] { mean.update_parameters(Linear(2, 1)); });
  error_of(ErrorCode::kInvalidArgument, [&] { optim::AveragedModel(net, {.ema_decay = 2}); });
}

TEST(Training, LearnsACircle) {
  Circle run(5);
  for (int i = 0; i < 25; ++i) run.epoch();
  run.net.eval();
  const NoGradGuard no_grad;
  const data::TensorDataset points = circles(128);
  double right = 0;
  for (auto& [x, labels] : data::DataLoader(points, {.batch_size = 128}))
    right += run.net(x).argmax(1).eq(labels).to(kFloat32).sum().item<double>();
  EXPECT_GT(right / 128, 0.9);
}

TEST(Training, SameSeedSameBits) {
  Circle first(7), second(8), again(7);
  manual_seed(100);
  first.epoch();
  manual_seed(100);
  again.epoch();
  EXPECT_EQ(first.losses, again.losses);
  second.epoch();
  EXPECT_NE(first.losses, second.losses);
}

TEST(Training, ResumesBitForBit) {
  const Folder folder;
  Circle whole(9);
  whole.epoch();
  whole.epoch();
  whole.epoch();

  Circle half(9);
  half.epoch();
  NamedTensors all;
  append_prefixed(all, "model", half.net.state_dict());
  append_prefixed(all, "optimizer", half.optimizer.state_dict());
  save_safetensors(folder.file("half"), all,
                   {{"offset", std::to_string(default_generator().offset())}});

  Circle rest(9);
  default_generator().manual_seed(12345);  // something else happened in between
  const SafetensorsFile file = load_safetensors(folder.file("half"));
  rest.net.load_state_dict(take_prefixed(file.tensors, "model"));
  rest.optimizer.load_state_dict(take_prefixed(file.tensors, "optimizer"));
  default_generator().manual_seed(9);
  default_generator().set_offset(std::stoull(file.metadata[0].second));
  rest.loader.set_epoch(1);
  rest.epoch();
  rest.epoch();

  const size_t steps = half.losses.size();
  EXPECT_EQ(rest.losses, std::vector<float>(whole.losses.begin() + static_cast<int64_t>(steps),
                                            whole.losses.end()));
  for (size_t i = 0; i < whole.net.parameters().size(); ++i)
    EXPECT_EQ(values(rest.net.parameters()[i]), values(whole.net.parameters()[i]));
}

TEST(Training, LossOfTheLastBatchIsItsOwnMean) {
  const Tensor x = ones({3, 1}), target = zeros({3, 1});
  const double whole = MSELoss()(x * 2, target).item<double>();
  EXPECT_EQ(whole, 4);
  EXPECT_EQ(MSELoss()(x.slice(0, 0, 1) * 2, target.slice(0, 0, 1)).item<double>(), whole);
}

}  // namespace
}  // namespace tenon::nn
