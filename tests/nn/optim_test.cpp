// Optimizers against plain double arithmetic over several steps, for every option.
#include "nn/optim_problem.h"

namespace tenon::optim {
namespace {

using test::error_of;
using test::expect_close;
using test::expect_contains;
using test::values;

std::vector<double> gradient_at(const std::vector<double>& p) {
  std::vector<double> g(p.size());
  for (size_t i = 0; i < p.size(); ++i) g[i] = kCurvature[i] * p[i];
  return g;
}

std::vector<double> naive_sgd(const SGDOptions& o) {
  std::vector<double> p = kStart, buffer;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<double> g = gradient_at(p);
    for (size_t i = 0; i < p.size(); ++i) {
      if (o.maximize) g[i] = -g[i];
      g[i] += o.weight_decay * p[i];
    }
    if (o.momentum != 0) {
      if (buffer.empty()) {
        buffer = g;
      } else {
        for (size_t i = 0; i < p.size(); ++i)
          buffer[i] = o.momentum * buffer[i] + (1 - o.dampening) * g[i];
      }
      for (size_t i = 0; i < p.size(); ++i)
        g[i] = o.nesterov ? g[i] + o.momentum * buffer[i] : buffer[i];
    }
    for (size_t i = 0; i < p.size(); ++i) p[i] -= o.lr * g[i];
  }
  return p;
}

TEST(SGD, FollowsTheFormulaForEveryOption) {
  const SGDOptions cases[] = {
      {.lr = 0.1},
      {.lr = 0.1, .momentum = 0.9},
      {.lr = 0.1, .momentum = 0.9, .dampening = 0.3},
      {.lr = 0.1, .momentum = 0.9, .nesterov = true},
      {.lr = 0.1, .weight_decay = 0.2},
      {.lr = 0.1, .maximize = true},
      {.lr = 0.05, .momentum = 0.5, .weight_decay = 0.1, .nesterov = true, .maximize = true}};
  for (const SGDOptions& options : cases) expect_close(run<SGD>(options), naive_sgd(options));
}

std::vector<double> naive_adam(const AdamOptions& o) {
  std::vector<double> p = kStart, m(p.size()), v(p.size());
  for (int step = 1; step <= kSteps; ++step) {
    const std::vector<double> at = gradient_at(p);
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = (o.maximize ? -at[i] : at[i]) + o.weight_decay * p[i];
      m[i] = o.betas.first * m[i] + (1 - o.betas.first) * g;
      v[i] = o.betas.second * v[i] + (1 - o.betas.second) * g * g;
      const double m_hat = m[i] / (1 - std::pow(o.betas.first, step));
      const double v_hat = v[i] / (1 - std::pow(o.betas.second, step));
      p[i] -= o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
    }
  }
  return p;
}

TEST(Adam, FollowsTheFormulaForEveryOption) {
  const AdamOptions cases[] = {{.lr = 0.1},
                               {.lr = 0.1, .betas = {0.5, 0.9}},
                               {.lr = 0.1, .eps = 0.1},
                               {.lr = 0.1, .weight_decay = 0.2},
                               {.lr = 0.1, .maximize = true}};
  for (const AdamOptions& options : cases) expect_close(run<Adam>(options), naive_adam(options));
}

// Printed by torch 1.13: SGD(lr=0.1, momentum=0.9, nesterov=True) on p = 1 with gradient 1, 1, 1.
TEST(SGD, NesterovByHand) {
  Tensor p = nn::parameter(ones({1}));
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  std::vector<double> got;
  for (int i = 0; i < 3; ++i) {
    p.set_grad(ones({1}));
    optimizer.step();
    got.push_back(p.item<double>());
  }
  expect_close(got, {0.81, 0.539, 0.1951});
}

TEST(Optimizer, ChangesParametersInPlaceAndUnrecorded) {
  Tensor p = start();
  const Tensor handle = p;
  SGD optimizer({p}, {.lr = 1});
  p.sum().backward();
  optimizer.step();
  expect_close(values(handle.detach()), {0, -3, 2});
  EXPECT_TRUE(p.is_leaf() && p.requires_grad());
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  Tensor used = start(), unused = start();
  Adam optimizer({used, unused});
  used.sum().backward();
  optimizer.step();
  EXPECT_EQ(values(unused.detach()), kStart);
  EXPECT_EQ(optimizer.state_dict().size(), 3u);  // step, exp_avg, exp_avg_sq of `used`
}

TEST(Optimizer, GroupsHaveTheirOwnOptions) {
  Tensor slow = start(), fast = start();
  SGD optimizer({{{slow}, {.lr = 0.1}}, {{fast}, {.lr = 1}}});
  (slow.sum() + fast.sum()).backward();
  optimizer.step();
  expect_close(values(slow.detach()), {0.9, -2.1, 2.9});
  expect_close(values(fast.detach()), {0, -3, 2});
  optimizer.set_lr(0);
  optimizer.step();
  expect_close(values(fast.detach()), {0, -3, 2});
  EXPECT_EQ(optimizer.group_count(), 2u);
}

TEST(Optimizer, StateGoesOnBitForBit) {
  const auto train = [](Tensor& p, Optimizer& optimizer, int steps) {
    for (int i = 0; i < steps; ++i) {
      optimizer.zero_grad();
      (p * p * tensor(kCurvature).to(kFloat32)).sum().backward();
      optimizer.step();
    }
  };
  const AdamOptions options{.lr = 0.05, .weight_decay = 0.01};
  Tensor through = start();
  Adam whole({through}, options);
  train(through, whole, 7);

  Tensor first = start();
  Adam before({first}, options);
  train(first, before, 3);
  const test::Folder folder;
  save_safetensors(folder.file("state"), before.state_dict());
  Tensor second = nn::parameter(first.detach().clone());
  Adam after({second}, options);
  after.load_state_dict(load_safetensors(folder.file("state")).tensors);
  train(second, after, 4);
  EXPECT_EQ(values(second.detach()), values(through.detach()));
}

TEST(Optimizer, RefusesForeignState) {
  Tensor p = start();
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9});
  const auto load = [&](const std::string& name, const Tensor& value) {
    return error_of(ErrorCode::kInvalidArgument, [&] {
      optimizer.load_state_dict({{name, value}});
    });
  };
  expect_contains(load("state.0.exp_avg", ones({3})), "has no \"exp_avg\"");
  expect_contains(load("state.1.momentum_buffer", ones({3})), "another model");
  expect_contains(load("state.x", ones({3})), "another model");
  expect_contains(load("state.0.momentum_buffer", ones({4})), "(3), got (4)");
  expect_contains(load("state.0.step", ones({4})), "one element");
  expect_contains(load("state.0.step", full({}, -1)), ">= 0");
}

TEST(Optimizer, RefusesWhatCannotBe) {
  Tensor p = start();
  expect_contains(error_of(ErrorCode::kInvalidArgument, [] { SGD(std::vector<Tensor>{}); }),
                  "got none");
  expect_contains(error_of(ErrorCode::kInvalidArgument,
                           [&] {
                             SGD({p, p}, SGDOptions{});
                           }),
                  "twice");
  expect_contains(error_of(ErrorCode::kInvalidArgument, [&] { SGD({p * 2}, SGDOptions{}); }),
                  "leaves");
  error_of(ErrorCode::kInvalidArgument, [&] { SGD({p}, SGDOptions{.lr = -1}); });
  error_of(ErrorCode::kInvalidArgument, [&] { SGD({p}, SGDOptions{.nesterov = true}); });
  error_of(ErrorCode::kInvalidArgument, [&] { Adam({p}, AdamOptions{.betas = {1.0, 0.9}}); });
}

TEST(ClipGradNorm, ScalesTheJointNorm) {
  Tensor a = start(), b = start();
  a.set_grad(tensor({3.0, 0.0, 0.0}).to(kFloat32));
  b.set_grad(tensor({0.0, 4.0, 0.0}).to(kFloat32));
  EXPECT_NEAR(clip_grad_norm_({a, b}, 10).item<double>(), 5, 1e-6);
  expect_close(values(a.grad()), {3, 0, 0});
  EXPECT_NEAR(clip_grad_norm_({a, b}, 1).item<double>(), 5, 1e-6);
  expect_close(values(a.grad()), {0.6, 0, 0});
  expect_close(values(b.grad()), {0, 0.8, 0});
  EXPECT_NEAR(clip_grad_norm_({a, b}, 1, INFINITY).item<double>(), 0.8, 1e-6);
  EXPECT_NEAR(clip_grad_norm_({a, b}, 1, 1.0).item<double>(), 1.4, 1e-6);
  EXPECT_EQ(clip_grad_norm_({start()}, 1).item<double>(), 0);
  error_of(ErrorCode::kInvalidArgument, [&] { (void)clip_grad_norm_({a}, -1); });
}

}  // namespace
}  // namespace tenon::optim
