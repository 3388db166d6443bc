// Passes through the graph: grad(), order, errors, threads.
#include <thread>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::grad;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Grad, ReturnsGradientsWithoutTouchingLeaves) {
  const Tensor x = tensor({2.}).requires_grad_(), y = tensor({3.}).requires_grad_();
  const std::vector<Tensor> grads = grad({x * x * y}, {x, y, x});
  EXPECT_THAT(values(grads[0]), ElementsAre(12));
  EXPECT_THAT(values(grads[1]), ElementsAre(4));
  EXPECT_THAT(values(grads[2]), ElementsAre(12));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Grad, OfResultsInTheMiddle) {
  const Tensor x = tensor({2.}).requires_grad_();
  const Tensor y = x * x;
  const Tensor z = y * y * y;
  const std::vector<Tensor> grads = grad({z}, {y, x});
  EXPECT_THAT(values(grads[0]), ElementsAre(48));
  EXPECT_THAT(values(grads[1]), ElementsAre(192));
}

TEST(Grad, UnusedInputs) {
  const Tensor x = tensor({2.}).requires_grad_(), unused = tensor({2.}).requires_grad_();
  EXPECT_THAT(message_of([&] {
                (void)grad({x * 2}, {x, unused});
              }),
              HasSubstr("One of the differentiated Tensors appears to not have been used"));
  const std::vector<Tensor> grads = grad({x * 2}, {x, unused}, {}, {.allow_unused = true});
  EXPECT_TRUE(grads[0].defined());
  EXPECT_FALSE(grads[1].defined());
  EXPECT_THAT(message_of([&] { (void)grad({x * 2}, {ones({1})}); }),
              HasSubstr("does not require grad"));
}

TEST(Grad, OnlyRunsWhatLeadsToTheInputs) {
  const Tensor x = tensor({2.}).requires_grad_(), y = tensor({3.}).requires_grad_();
  bool ran = false;
  const Tensor side = y * 2;
  side.register_hook([&](const Tensor&) -> Tensor {
    ran = true;
    return {};
  });
  const Tensor other = side * 3;
  (void)grad({x * other}, {x});
  EXPECT_FALSE(ran);
}

TEST(Grad, OfSeveralOutputs) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  const Tensor y = x * 2, z = x * x;
  const Tensor g = grad({y, z.sum()}, {x}, {tensor({1., 1.}), Tensor()})[0];
  EXPECT_THAT(values(g), ElementsAre(4, 6));
}

TEST(Grad, SecondAndThirdDerivatives) {
  const Tensor x = tensor({2.}).requires_grad_();
  Tensor y = x * x * x * x;
  for (const double expected : {32.0, 48.0, 48.0}) {
    y = grad({y}, {x}, {}, {.create_graph = true})[0];
    EXPECT_THAT(values(y), ElementsAre(expected));
  }
}

TEST(Backward, RefusesTensorsWithoutHistory) {
  EXPECT_THAT(message_of([] { ones({1}).backward(); }),
              HasSubstr("element 0 of tensors does not require grad and does not have a grad_fn"));
}

TEST(Backward, OfALeafAccumulatesTheSeed) {
  const Tensor x = tensor({2.}).requires_grad_();
  x.backward();
  x.backward(tensor({3.}));
  EXPECT_THAT(values(x.grad()), ElementsAre(4));
}

TEST(Backward, SumsOverManyPaths) {
  const Tensor x = tensor({1.}).requires_grad_();
  Tensor y = x * 1;
  for (int i = 0; i < 20; ++i) y = y + y;  // 2^20 paths, 20 nodes
  y.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1 << 20));
}

TEST(Backward, GraphsOfDifferentAgeRunInTheRightOrder) {
  const Tensor x = tensor({3.}).requires_grad_();
  const Tensor old = x * 2;
  const Tensor b = x * x;
  const Tensor c = b * old;  // 2x³
  const Tensor d = c + b * c;
  d.backward();  // 2x³ + 2x⁵
  EXPECT_THAT(values(x.grad()), ElementsAre(6 * 9 + 10 * 81));
}

TEST(Backward, SeveralRootsInOnePass) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  const Tensor y = x * 2;
  const Tensor z = y.sum();
  autograd::backward({z, y}, {Tensor(), tensor({10., 20.})});
  EXPECT_THAT(values(x.grad()), ElementsAre(22, 42));
}

TEST(Backward, LeavesTheSeedAlone) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  const Tensor seed = tensor({1., 1.});
  const Tensor y = x + 0, z = x + 0;
  autograd::backward({y, z}, {seed, seed});
  x.grad().add_(100);
  EXPECT_THAT(values(seed), Each(1));
  EXPECT_THAT(values(x.grad()), Each(102));
}

TEST(Backward, OfChosenInputsLeavesTheOthersAlone) {
  const Tensor x = tensor({2.}).requires_grad_(), w = tensor({3.}).requires_grad_();
  const Tensor y = x * w;
  bool ran = false;
  w.register_hook([&](const Tensor&) -> Tensor {
    ran = true;
    return {};
  });
  autograd::backward({y * y}, {}, {.retain_graph = true, .inputs = {x, y}});
  EXPECT_THAT(values(x.grad()), ElementsAre(36));
  EXPECT_THAT(values(y.grad()), ElementsAre(12)) << "as after retain_grad()";
  EXPECT_FALSE(w.grad().defined() || ran);
  autograd::backward({y * 2}, {}, {.inputs = {w}});
  EXPECT_THAT(values(w.grad()), ElementsAre(4));
  EXPECT_THAT(values(x.grad()), ElementsAre(36));
  EXPECT_THAT(message_of([&] { autograd::backward({y}, {}, {.inputs = {ones({1})}}); }),
              HasSubstr("does not require grad"));
}

TEST(Backward, NarrowGradientsAreCastAndSummed) {
  const Tensor x = ones({3}, kFloat16).requires_grad_(), y = ones({2, 3}).requires_grad_();
  (x.to(kFloat32) * y).sum().backward();
  EXPECT_EQ(x.grad().dtype(), kFloat16);
  EXPECT_THAT(values(x.grad()), Each(2));
  const Tensor a = ones({1}).requires_grad_();
  (a + ones({2, 3, 4})).sum().backward();
  EXPECT_THAT(values(a.grad()), ElementsAre(24));
}

TEST(Backward, PassesThroughDevices) {
  const Tensor x = tensor({1., 2.}, TensorOptions(Device("cpu"))).requires_grad_();
  (x.to(default_device()) * 3).sum().backward();
  EXPECT_EQ(x.grad().device(), Device("cpu"));
  EXPECT_THAT(values(x.grad()), Each(3));
}

TEST(Backward, OutputsThatNobodyUsedAreZero) {
  const Tensor x = arange(16).to(kFloat32).view({1, 1, 4, 4}).requires_grad_();
  const auto [pooled, indices] = max_pool2d_with_indices(x, {.kernel = {2, 2}});
  EXPECT_FALSE(indices.requires_grad());
  pooled.sum().backward();
  EXPECT_EQ(x.grad().sum().item<double>(), 4);
}

TEST(Threads, SeparateGraphs) {
  std::vector<double> results(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < results.size(); ++t)
    threads.emplace_back([&results, t] {
      const Tensor x = tensor({static_cast<double>(t)}).requires_grad_();
      for (int i = 0; i < 50; ++i) {
        x.set_grad({});
        (x * x * x).backward();
      }
      results[t] = values(x.grad())[0];
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, ElementsAre(0, 3, 12, 27));
}

TEST(Threads, ASharedLeafGetsEveryGradient) {
  const Tensor x = tensor({1.}).requires_grad_();
  constexpr int kThreads = 4, kPasses = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&x] {
      for (int i = 0; i < kPasses; ++i) (x * 2).backward();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(values(x.grad()), ElementsAre(2 * kThreads * kPasses));
}

TEST(Threads, RecordingIsPerThread) {
  const NoGradGuard guard;
  bool enabled = false;
  std::thread([&] { enabled = GradMode::is_enabled(); }).join();
  EXPECT_TRUE(enabled);
}

}  // namespace
}  // namespace tenon
