// Optimizers against what torch 2.15 computes in float64, five steps from the same start.
#include "nn/optim_problem.h"

namespace tenon::optim {
namespace {

using test::error_of;
using test::expect_close;
using test::expect_contains;
using test::names;
using test::values;
using Names = std::vector<std::string>;

TEST(Adam, FollowsPyTorch) {
  expect_close(run<Adam>(AdamOptions{.lr = 0.1, .amsgrad = true}),
               {0.50796366, -1.5029558, 2.5017795});
  expect_close(
      run<Adam>(AdamOptions{
          .lr = 0.1, .betas = {0.5, 0.6}, .weight_decay = 0.3, .amsgrad = true, .maximize = true}),
      {1.5034443, -2.5021678, 3.5015656});
}

TEST(AdamW, FollowsPyTorch) {
  expect_close(run<AdamW>(AdamWOptions{.lr = 0.1}), {0.50408009, -1.4940457, 2.4878693});
  expect_close(run<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0.5}),
               {0.33531489, -1.1021858, 1.8742593});
  expect_close(run<AdamW>(AdamWOptions{.lr = 0.1, .betas = {0.5, 0.6}, .amsgrad = true}),
               {0.5190067, -1.4964679, 2.4884534});
  expect_close(run<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0.2, .maximize = true}),
               {1.3862844, -2.2892715, 3.1926698});
}

TEST(RMSprop, FollowsPyTorch) {
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.1}), {1.5693542e-15, -0.098310101, 0.60251335});
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.1, .alpha = 0.5, .eps = 0.1}),
               {0.53020927, -1.4572081, 2.4834781});
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.1, .weight_decay = 0.3}),
               {1.2072073e-15, -0.098310101, 0.60251332});
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.1, .momentum = 0.9}),
               {0.20503214, 1.6330091, -2.4734767});
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.1, .alpha = 0.5, .centered = true}),
               {0.11353701, -0.7190213, 1.5417282});
  expect_close(run<RMSprop>(RMSpropOptions{.lr = 0.05,
                                           .alpha = 0.6,
                                           .weight_decay = 0.1,
                                           .momentum = 0.5,
                                           .centered = true,
                                           .maximize = true}),
               {2.0484856, -3.0446873, 4.0393332});
}

TEST(Adagrad, FollowsPyTorch) {
  expect_close(run<Adagrad>(AdagradOptions{.lr = 0.5}), {0.050891304, -0.68279022, 1.5696397});
  expect_close(run<Adagrad>(AdagradOptions{.lr = 0.5, .lr_decay = 0.1}),
               {0.088917753, -0.8043358, 1.7213508});
  expect_close(run<Adagrad>(AdagradOptions{
                   .lr = 0.5, .weight_decay = 0.3, .initial_accumulator_value = 0.5}),
               {0.082244741, -0.685015, 1.6016368});
  expect_close(run<Adagrad>(AdagradOptions{.lr = 0.5, .eps = 0.5, .maximize = true}),
               {2.4625363, -3.7272814, 4.4244866});
}

TEST(Adadelta, FollowsPyTorch) {
  expect_close(run<Adadelta>(AdadeltaOptions{}), {0.98363139, -1.9835991, 2.9835885});
  expect_close(run<Adadelta>(AdadeltaOptions{.lr = 0.5, .rho = 0.5, .eps = 0.1}),
               {0.14009894, -0.78859961, 1.7872856});
  expect_close(run<Adadelta>(AdadeltaOptions{.eps = 0.01, .weight_decay = 0.3}),
               {0.080692867, -0.71148973, 1.5981561});
  expect_close(run<Adadelta>(AdadeltaOptions{.eps = 0.01, .maximize = true}),
               {3.0250823, -3.9198068, 4.7963566});
}

TEST(Adamax, FollowsPyTorch) {
  expect_close(run<Adamax>(AdamaxOptions{.lr = 0.1}), {0.55155381, -1.5257775, 2.5169636});
  expect_close(
      run<Adamax>(AdamaxOptions{.lr = 0.1, .betas = {0.5, 0.6}, .eps = 0.1, .weight_decay = 0.3}),
      {0.5143965, -1.4919661, 2.5129138});
  expect_close(run<Adamax>(AdamaxOptions{.lr = 0.1, .maximize = true}),
               {1.4660438, -2.4805945, 3.4863971});
}

TEST(NAdam, FollowsPyTorch) {
  expect_close(run<NAdam>(NAdamOptions{.lr = 0.1}), {0.62366289, -1.6084596, 2.6037988});
  expect_close(run<NAdam>(NAdamOptions{.lr = 0.1, .betas = {0.5, 0.6}, .weight_decay = 0.3}),
               {0.52373848, -1.5054952, 2.5003975});
  expect_close(
      run<NAdam>(NAdamOptions{
          .lr = 0.1, .weight_decay = 0.3, .momentum_decay = 0.1, .decoupled_weight_decay = true}),
      {0.51797168, -1.3613514, 2.2153585});
  expect_close(run<NAdam>(NAdamOptions{.lr = 0.1, .eps = 0.1, .maximize = true}),
               {1.389222, -2.4116186, 3.3873249});
}

TEST(RAdam, FollowsPyTorch) {
  expect_close(run<RAdam>(RAdamOptions{.lr = 0.1}), {0.5523642, 0.50630607, 2.2900215});
  expect_close(run<RAdam>(RAdamOptions{.lr = 0.1, .betas = {0.5, 0.6}, .weight_decay = 0.3}),
               {0.46746567, 0.16542254, 1.9375924});
  expect_close(
      run<RAdam>(RAdamOptions{
          .lr = 0.1, .betas = {0.5, 0.9}, .weight_decay = 0.3, .decoupled_weight_decay = true}),
      {0.47491552, 0.14135704, 1.9527715});
  expect_close(run<RAdam>(RAdamOptions{.lr = 0.1, .maximize = true}),
               {1.5564431, -8.0163225, 3.791551});
}

TEST(Lion, FollowsTheFormula) {
  const LionOptions options{.lr = 0.1, .betas = {0.5, 0.8}, .weight_decay = 0.2};
  std::vector<double> p = kStart, m(p.size());
  for (int step = 0; step < kSteps; ++step)
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = kCurvature[i] * p[i], mixed = 0.5 * m[i] + 0.5 * g;
      p[i] = p[i] * (1 - 0.1 * 0.2) - 0.1 * ((mixed > 0) - (mixed < 0));
      m[i] = 0.8 * m[i] + 0.2 * g;
    }
  expect_close(run<Lion>(options), p);
  expect_close(run<Lion>(LionOptions{.lr = 0.1, .maximize = true}), {1.5, -2.5, 3.5});
}

// Makes an optimizer with some state.
template <class O, class Options>
Names state_names(const Options& options) {
  Tensor p = start();
  O optimizer({p}, options);
  p.sum().backward();
  optimizer.step();
  return names(optimizer.state_dict());
}

TEST(Optimizers, StateHasPyTorchNames) {
  EXPECT_EQ(
      (state_names<AdamW>(AdamWOptions{.amsgrad = true})),
      (Names{"state.0.step", "state.0.exp_avg", "state.0.exp_avg_sq", "state.0.max_exp_avg_sq"}));
  EXPECT_EQ(
      (state_names<RMSprop>(RMSpropOptions{.momentum = 0.9, .centered = true})),
      (Names{"state.0.step", "state.0.square_avg", "state.0.momentum_buffer", "state.0.grad_avg"}));
  EXPECT_EQ((state_names<Adagrad>(AdagradOptions{})), (Names{"state.0.step", "state.0.sum"}));
  EXPECT_EQ((state_names<Adadelta>(AdadeltaOptions{})),
            (Names{"state.0.step", "state.0.square_avg", "state.0.acc_delta"}));
  EXPECT_EQ((state_names<Adamax>(AdamaxOptions{})),
            (Names{"state.0.step", "state.0.exp_avg", "state.0.exp_inf"}));
  EXPECT_EQ((state_names<NAdam>(NAdamOptions{})),
            (Names{"state.0.step", "state.0.mu_product", "state.0.exp_avg", "state.0.exp_avg_sq"}));
  EXPECT_EQ((state_names<Lion>(LionOptions{})), (Names{"state.0.step", "state.0.exp_avg"}));
}

// Four steps at once, or two, the state through a dict, and two more.
template <class O, class Options>
void expect_continues(const Options& options) {
  const auto train = [](Tensor& p, Optimizer& optimizer, int steps) {
    for (int i = 0; i < steps; ++i) {
      optimizer.zero_grad();
      (p * p).sum().backward();
      optimizer.step();
    }
  };
  Tensor through = start(), first = start();
  O whole({through}, options), before({first}, options);
  train(through, whole, 4);
  train(first, before, 2);
  Tensor second = nn::parameter(first.detach().clone());
  O after({second}, options);
  after.load_state_dict(before.state_dict());
  train(second, after, 2);
  EXPECT_EQ(values(second.detach()), values(through.detach()));
}

TEST(Optimizers, StateGoesOnBitForBit) {
  expect_continues<AdamW>(AdamWOptions{.lr = 0.1, .amsgrad = true});
  expect_continues<RMSprop>(RMSpropOptions{.momentum = 0.9, .centered = true});
  expect_continues<Adagrad>(AdagradOptions{.lr_decay = 0.1});
  expect_continues<Adadelta>(AdadeltaOptions{});
  expect_continues<Adamax>(AdamaxOptions{});
  expect_continues<NAdam>(NAdamOptions{});
  expect_continues<RAdam>(RAdamOptions{.lr = 0.1});
  expect_continues<Lion>(LionOptions{});
}

TEST(Optimizers, RefuseOptionsOutOfRange) {
  const Tensor p = start();
  const auto refused = [](const std::function<void()>& make, const std::string& text) {
    expect_contains(error_of(ErrorCode::kInvalidArgument, make), text);
  };
  refused([&] { AdamW({p}, AdamWOptions{.betas = {0.9, 1.0}}); }, "AdamW: betas");
  refused([&] { RMSprop({p}, RMSpropOptions{.alpha = -1}); },
          "RMSprop: alpha must be >= 0, got -1");
  refused([&] { Adagrad({p}, AdagradOptions{.lr_decay = -1}); }, "Adagrad: the decay");
  refused([&] { Adadelta({p}, AdadeltaOptions{.rho = 1.5}); }, "Adadelta: rho");
  refused([&] { Adamax({p}, AdamaxOptions{.eps = -1}); }, "Adamax: epsilon");
  refused([&] { NAdam({p}, NAdamOptions{.momentum_decay = -1}); }, "NAdam: the momentum decay");
  refused([&] { RAdam({p}, RAdamOptions{.lr = NAN}); }, "RAdam: the learning rate");
  refused([&] { Lion({p}, LionOptions{.weight_decay = -1}); }, "Lion: the weight decay");
}

TEST(Optimizers, LeaveLowPrecisionParametersInTheirDtype) {
  Tensor p = nn::parameter(tensor(kStart).to(kBFloat16));
  AdamW optimizer({p}, {.lr = 0.1});
  p.sum().backward();
  optimizer.step();
  EXPECT_EQ(p.dtype(), kBFloat16);
  expect_close(values(p.detach()), {0.9, -2.1, 2.9}, 1e-2);
}

TEST(Optimizers, GroupsMayBeAddedAndAsked) {
  Tensor a = start(), b = start();
  Adam optimizer({a}, {.lr = 0.1});
  optimizer.add_param_group({{b}, {.lr = 0.2, .betas = {0.5, 0.9}}});
  EXPECT_EQ(optimizer.group_count(), 2u);
  EXPECT_EQ(optimizer.lr(1), 0.2);
  EXPECT_EQ(optimizer.momentum(1), 0.5);
  optimizer.set_group_lr(1, 0.3);
  EXPECT_EQ(optimizer.options(1).lr, 0.3);
  EXPECT_EQ(optimizer.lr(), 0.1);
  EXPECT_FALSE(Adagrad({b}, AdagradOptions{}).momentum().has_value());
  expect_contains(error_of(ErrorCode::kIndex, [&] { (void)optimizer.lr(2); }), "[0, 2), got 2");
  error_of(ErrorCode::kInvalidArgument, [&] { optimizer.add_param_group({{a}, {}}); });
}

TEST(ClipGradValue, ClampsEveryElement) {
  Tensor a = start();
  a.set_grad(tensor({-3.0, 0.5, 2.0}).to(kFloat32));
  clip_grad_value_({a, start()}, 1);
  expect_close(values(a.grad()), {-1, 0.5, 1}, 0);
  error_of(ErrorCode::kInvalidArgument, [&] { clip_grad_value_({a}, -1); });
}

}  // namespace
}  // namespace tenon::optim
