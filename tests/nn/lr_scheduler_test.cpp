// Learning rates against what torch 2.15 gives for the same schedule; the initial rate is 1.
#include "nn/optim_problem.h"

namespace tenon::optim {
namespace {

using test::error_of;
using test::expect_close;
using test::expect_contains;
using Rates = std::vector<double>;
using Schedulers = std::vector<std::shared_ptr<LRScheduler>>;

constexpr double kTolerance = 1e-9;

struct Fixed {
  Tensor parameter = start();
  SGD optimizer{{parameter}, {.lr = 1, .momentum = 0.9}};
};

// The rates of `count` epochs.
Rates follow(Optimizer& optimizer, LRScheduler& scheduler, size_t count) {
  Rates rates;
  for (size_t i = 0; i < count; ++i) {
    rates.push_back(optimizer.lr());
    EXPECT_EQ(scheduler.get_last_lr(), Rates{optimizer.lr()});
    EXPECT_EQ(scheduler.last_epoch(), static_cast<int64_t>(i));
    scheduler.step();
  }
  return rates;
}

template <class S, class... Arguments>
void expect_rates(const Rates& expected, const Arguments&... arguments) {
  Fixed fixed;
  S scheduler(fixed.optimizer, arguments...);
  expect_close(follow(fixed.optimizer, scheduler, expected.size()), expected, kTolerance);
}

double harmonic(int64_t epoch) { return 1 / (1 + static_cast<double>(epoch)); }

TEST(LRScheduler, LambdaLR) {
  expect_rates<LambdaLR>({1, 0.5, 0.3333333333, 0.25, 0.2}, LRLambda(harmonic));
}
TEST(LRScheduler, MultiplicativeLR) {
  expect_rates<MultiplicativeLR>({1, 0.5, 0.1666666667, 0.04166666667, 0.008333333333},
                                 LRLambda(harmonic));
}
TEST(LRScheduler, StepLR) { expect_rates<StepLR>({1, 1, 0.5, 0.5, 0.25, 0.25, 0.125}, 2, 0.5); }
TEST(LRScheduler, MultiStepLR) {
  expect_rates<MultiStepLR>({1, 0.5, 0.5, 0.125, 0.125, 0.125}, std::vector<int64_t>{3, 1, 3}, 0.5);
}
TEST(LRScheduler, ConstantLR) { expect_rates<ConstantLR>({0.25, 0.25, 0.25, 1, 1, 1}, 0.25, 3); }
TEST(LRScheduler, LinearLR) {
  expect_rates<LinearLR>({0.25, 0.5, 0.75, 1, 1, 1}, 0.25, 1, 3);
  expect_rates<LinearLR>({0.3333333333, 0.4666666667, 0.6, 0.7333333333, 0.8666666667, 1, 1});
}
TEST(LRScheduler, ExponentialLR) { expect_rates<ExponentialLR>({1, 0.5, 0.25, 0.125}, 0.5); }
TEST(LRScheduler, PolynomialLR) {
  expect_rates<PolynomialLR>({1, 0.5625, 0.25, 0.0625, 0, 0, 0}, 4, 2);
}
TEST(LRScheduler, CosineAnnealingLR) {
  expect_rates<CosineAnnealingLR>({1, 0.8681980515, 0.55, 0.2318019485, 0.1, 0.2318019485, 0.55,
                                   0.8681980515, 1, 0.8681980515, 0.55, 0.2318019485},
                                  4, 0.1);
}
TEST(LRScheduler, CosineAnnealingWarmRestarts) {
  expect_rates<CosineAnnealingWarmRestarts>(
      {1, 0.55, 1, 0.8681980515, 0.55, 0.2318019485, 1, 0.9657457896, 0.8681980515}, 2, 2, 0.1);
  expect_rates<CosineAnnealingWarmRestarts>({1, 0.75, 0.25, 1, 0.75, 0.25, 1}, 3);
}

TEST(LRScheduler, WarmRestartsBetweenEpochs) {
  Fixed fixed;
  CosineAnnealingWarmRestarts scheduler(fixed.optimizer, 2, 2);
  Rates rates;
  for (const double epoch : {0.0, 0.5, 1.5, 2.0, 3.5, 7.0, 20.0}) {
    scheduler.step(epoch);
    rates.push_back(fixed.optimizer.lr());
  }
  expect_close(rates, {1, 0.8535533906, 0.1464466094, 1, 0.6913417162, 0.9619397663, 0.6913417162},
               kTolerance);
  error_of(ErrorCode::kInvalidArgument, [&] { scheduler.step(-1.0); });
}

TEST(LRScheduler, OneCycleLR) {
  Fixed fixed;
  OneCycleLR scheduler(fixed.optimizer, 2, {.total_steps = 10});
  Rates rates, momenta;
  for (int i = 0; i < 10; ++i) {
    rates.push_back(fixed.optimizer.lr());
    momenta.push_back(*fixed.optimizer.momentum());
    scheduler.step();
  }
  expect_close(rates,
               {0.08, 1.04, 2, 1.900969264, 1.623491308, 1.222524044, 0.7774839561, 0.3765166921,
                0.09903873597, 8e-06},
               kTolerance);
  expect_close(momenta,
               {0.95, 0.9, 0.85, 0.8549515566, 0.8688255099, 0.8888739533, 0.9111260467,
                0.9311744901, 0.9450484434, 0.95},
               kTolerance);
  expect_contains(error_of(ErrorCode::kInvalidArgument, [&] { scheduler.step(); }), "past the end");
}

TEST(LRScheduler, OneCycleLRInThreePhasesAndOnBetas) {
  expect_rates<OneCycleLR>(
      {0.08, 1.04, 2, 1.04, 0.08, 0.0640016, 0.0480032, 0.0320048, 0.0160064, 8e-06}, 2.0,
      OneCycleOptions{
          .total_steps = 10, .anneal_strategy = AnnealStrategy::kLinear, .three_phase = true});
  Tensor p = start();
  Adam optimizer({p});
  OneCycleLR scheduler(optimizer, 2, {.epochs = 2, .steps_per_epoch = 4, .pct_start = 0.5});
  Rates betas;
  for (int i = 0; i < 8; ++i) {
    betas.push_back(optimizer.options().betas.first);
    scheduler.step();
  }
  expect_close(betas, {0.95, 0.925, 0.875, 0.85, 0.8646446609, 0.9, 0.9353553391, 0.95},
               kTolerance);
}

TEST(LRScheduler, SequentialLR) {
  Fixed fixed;
  Optimizer& o = fixed.optimizer;
  SequentialLR warm(
      o, {std::make_shared<LinearLR>(o, 0.25, 1, 3), std::make_shared<CosineAnnealingLR>(o, 4)},
      {3});
  expect_close(follow(o, warm, 8), {0.25, 0.5, 0.75, 1, 0.8535533906, 0.5, 0.1464466094, 0},
               kTolerance);
}

TEST(LRScheduler, SequentialLRBeginsEachScheduleAnew) {
  Fixed fixed;
  Optimizer& o = fixed.optimizer;
  SequentialLR three(o,
                     {std::make_shared<ConstantLR>(o, 0.1, 2),
                      std::make_shared<ExponentialLR>(o, 0.5), std::make_shared<StepLR>(o, 2, 0.1)},
                     {2, 5});
  expect_close(follow(o, three, 9), {0.1, 0.1, 1, 0.5, 0.25, 1, 1, 0.1, 0.1}, kTolerance);
  Fixed other;
  Optimizer& p = other.optimizer;
  SequentialLR restarts(p,
                        {std::make_shared<LinearLR>(p, 0.5, 1, 2),
                         std::make_shared<CosineAnnealingWarmRestarts>(p, 2, 2)},
                        {2});
  expect_close(follow(p, restarts, 9), {0.5, 0.75, 1, 0.5, 1, 0.8535533906, 0.5, 0.1464466094, 1},
               kTolerance);
}

TEST(LRScheduler, ChainedScheduler) {
  Fixed fixed;
  Optimizer& o = fixed.optimizer;
  ChainedScheduler chained(
      {std::make_shared<ConstantLR>(o, 0.5, 2), std::make_shared<ExponentialLR>(o, 0.9)});
  expect_close(follow(o, chained, 5), {0.5, 0.45, 0.81, 0.729, 0.6561}, kTolerance);
}

TEST(LRScheduler, GroupsKeepTheirProportions) {
  Tensor a = start(), b = start();
  SGD optimizer(SGD::Groups{{{a}, {.lr = 1}}, {{b}, {.lr = 0.1}}});
  StepLR scheduler(optimizer, 1, 0.5);
  scheduler.step();
  EXPECT_EQ(scheduler.get_last_lr(), (Rates{0.5, 0.05}));
  LambdaLR each(optimizer, std::vector<LRLambda>{harmonic, [](int64_t) { return 3.0; }});
  EXPECT_EQ(optimizer.lr(0), 1);
  EXPECT_NEAR(optimizer.lr(1), 0.3, 1e-12);
}

// ---- ReduceLROnPlateau ----

const Rates kMetrics = {5, 4, 4, 4, 4, 4, 3, 3.9999, 3, 3, 3, 3, 3, 3};

void expect_plateau(const ReduceLROnPlateauOptions& options, const Rates& expected) {
  Fixed fixed;
  ReduceLROnPlateau scheduler(fixed.optimizer, options);
  Rates rates;
  for (const double metric : kMetrics) {
    scheduler.step(metric);
    rates.push_back(fixed.optimizer.lr());
  }
  expect_close(rates, expected, kTolerance);
}

TEST(ReduceLROnPlateau, WaitsForPatienceAndCooldown) {
  expect_plateau({.factor = 0.5, .patience = 2},
                 {1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125});
  expect_plateau({.factor = 0.5, .patience = 1, .cooldown = 2, .min_lr = 0.2},
                 {1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2});
  expect_plateau({.mode = PlateauMode::kMax,
                  .factor = 0.1,
                  .patience = 1,
                  .threshold = 0.5,
                  .threshold_mode = ThresholdMode::kAbsolute},
                 {1, 1, 0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6});
}

TEST(ReduceLROnPlateau, NanIsNeverBetterAndStateGoesOn) {
  Fixed fixed, other;
  ReduceLROnPlateau scheduler(fixed.optimizer, {.patience = 1});
  for (const double metric : {1.0, static_cast<double>(NAN), static_cast<double>(NAN)})
    scheduler.step(metric);
  EXPECT_NEAR(fixed.optimizer.lr(), 0.1, 1e-12);
  scheduler.step(2);
  ReduceLROnPlateau again(other.optimizer, {.patience = 1});
  again.load_state_dict(scheduler.state_dict());
  EXPECT_EQ(again.num_bad_epochs(), 1);
  EXPECT_EQ(again.best(), 1);
  EXPECT_EQ(again.last_epoch(), 4);
  EXPECT_EQ(again.get_last_lr(), scheduler.get_last_lr());
  error_of(ErrorCode::kInvalidArgument, [&] { ReduceLROnPlateau(fixed.optimizer, {.factor = 1}); });
  error_of(ErrorCode::kInvalidArgument, [&] { again.load_state_dict({}); });
}

// ---- state ----

TEST(LRScheduler, StateGoesOnThroughAFile) {
  const auto make = [](Optimizer& o) {
    return std::make_unique<SequentialLR>(
        o,
        Schedulers{std::make_shared<LinearLR>(o, 0.25, 1, 3),
                   std::make_shared<CosineAnnealingWarmRestarts>(o, 2, 2)},
        std::vector<int64_t>{3});
  };
  Fixed whole, half, rest;
  const auto through = make(whole.optimizer), first = make(half.optimizer);
  for (int i = 0; i < 9; ++i) through->step();
  for (int i = 0; i < 6; ++i) first->step();
  const test::Folder folder;
  save_safetensors(folder.file("scheduler"), first->state_dict());
  const auto second = make(rest.optimizer);
  second->load_state_dict(load_safetensors(folder.file("scheduler")).tensors);
  EXPECT_EQ(rest.optimizer.lr(), half.optimizer.lr());
  for (int i = 0; i < 3; ++i) second->step();
  EXPECT_EQ(rest.optimizer.lr(), whole.optimizer.lr());
  EXPECT_EQ(second->last_epoch(), 9);
}

TEST(LRScheduler, OneCycleSetsTheMomentumAgain) {
  Fixed fixed, other;
  OneCycleLR scheduler(fixed.optimizer, 2, {.total_steps = 10}),
      again(other.optimizer, 2, {.total_steps = 10});
  scheduler.step();
  again.load_state_dict(scheduler.state_dict());
  EXPECT_EQ(other.optimizer.momentum(), fixed.optimizer.momentum());
  EXPECT_EQ(other.optimizer.lr(), fixed.optimizer.lr());
}

TEST(LRScheduler, RefusesForeignState) {
  Fixed fixed;
  StepLR scheduler(fixed.optimizer, 2);
  const auto load = [&](const NamedTensors& state) {
    return error_of(ErrorCode::kInvalidArgument, [&] { scheduler.load_state_dict(state); });
  };
  expect_contains(load({}), "StepLR::load_state_dict: the state lacks \"last_epoch\"");
  NamedTensors state = scheduler.state_dict();
  state[1].second = ones({3});
  expect_contains(load(state), "\"base_lrs\" must have 1 values, got 3");
  CosineAnnealingWarmRestarts other(fixed.optimizer, 2);
  expect_contains(load(other.state_dict()), "expected 3 entries, got 5");
}

TEST(LRScheduler, RefusesSettingsOutOfRange) {
  Fixed fixed, other;
  Optimizer& o = fixed.optimizer;
  const auto refused = [](const std::function<void()>& make) {
    error_of(ErrorCode::kInvalidArgument, make);
  };
  refused([&] { LambdaLR(o, LRLambda()); });
  refused([&] { LambdaLR(o, std::vector<LRLambda>{harmonic, harmonic}); });
  refused([&] { StepLR(o, 0); });
  refused([&] { MultiStepLR(o, {-1}); });
  refused([&] { ConstantLR(o, 1.5); });
  refused([&] { LinearLR(o, 0); });
  refused([&] { LinearLR(o, 0.5, 2); });
  refused([&] { ExponentialLR(o, -1); });
  refused([&] { PolynomialLR(o, 0); });
  refused([&] { CosineAnnealingLR(o, 0); });
  refused([&] { CosineAnnealingWarmRestarts(o, 1, 0); });
  refused([&] { OneCycleLR(o, 1, {}); });
  refused([&] { OneCycleLR(o, 1, {.total_steps = 5, .pct_start = 2}); });
  refused([&] { SequentialLR(o, {}, {}); });
  refused([&] { SequentialLR(o, {std::make_shared<StepLR>(other.optimizer, 1)}, {}); });
  refused([&] { ChainedScheduler({}); });
  Adagrad plain({other.parameter});
  error_of(ErrorCode::kUnsupported, [&] { OneCycleLR(plain, 1, {.total_steps = 5}); });
}

}  // namespace
}  // namespace tenon::optim
