// The graph as a data structure: long chains and what is left of it.
#include <pthread.h>

#include <exception>
#include <functional>

#include <tenon/autograd/checkpoint.h>
#include <tenon/autograd/graph.h>
#include <tenon/runtime/memory/allocator.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;

// Runs f on a thread whose stack has the size that programs start with.
void run_on_8_mib_stack(std::function<void()> f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, size_t{8} << 20), 0);
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &f), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(Chain, AMillionOpsForwardBackwardAndAway) {
  run_on_8_mib_stack([] {
    constexpr int kLength = 1'000'000;
    const int64_t before = autograd::Node::live_count();
    const Tensor x = ones({1}).requires_grad_();
    {
      Tensor y = x * 1;
      for (int i = 1; i < kLength; ++i) y = y + 1;
      EXPECT_GE(autograd::Node::live_count() - before, kLength);
      y.backward();
      EXPECT_THAT(values(x.grad()), ElementsAre(1));
    }
    EXPECT_EQ(autograd::Node::live_count() - before, 1) << "the leaf's own node";
  });
}

TEST(Chain, OfSavedTensorsGoesAwayWithoutAPass) {
  run_on_8_mib_stack([] {
    const int64_t before = autograd::Node::live_count();
    {
      const Tensor x = ones({1}).requires_grad_();
      Tensor y = x * 1;
      for (int i = 0; i < 100'000; ++i) y = y * x;
    }
    EXPECT_EQ(autograd::Node::live_count(), before);
  });
}

TEST(Chain, OfGradientsWithHistoriesGoesAway) {
  run_on_8_mib_stack([] {
    const int64_t before = autograd::Node::live_count();
    {
      // x.grad holds a graph whose nodes save tensors of the graph before it.
      const Tensor x = ones({1}).requires_grad_();
      for (int i = 0; i < 10'000; ++i) (x * x).backward({}, false, true);
    }
    EXPECT_EQ(autograd::Node::live_count(), before);
  });
}

uint64_t allocated() { return memory_stats(default_device()).allocated; }

// Everything that `f` made is gone after it.
void expect_no_leak(const std::function<void()>& f) {
  f();  // what is cached for ever is cached now
  const int64_t nodes = autograd::Node::live_count();
  const uint64_t bytes = allocated();
  f();
  EXPECT_EQ(autograd::Node::live_count(), nodes);
  EXPECT_EQ(allocated(), bytes);
}

TEST(Leak, SavedOutputsDoNotOwnThemselves) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    const Tensor y = exp(x);
    (void)tanh(y).sum();
  });
}

TEST(Leak, InPlaceCallsMakeNoCycle) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    Tensor w = ones({4});
    const Tensor z = w * x;  // saves w
    w.mul_(z);               // whose history now leads to z
    w.select(0, 1).mul_(2);
  });
}

TEST(Leak, CreateGraphLeavesNothing) {
  expect_no_leak([] {
    const Tensor x = full({4}, 0.5).requires_grad_();
    const Tensor g = autograd::grad({tanh(x).sum()}, {x}, {}, {.create_graph = true})[0];
    (void)autograd::grad({g.sum()}, {x}, {}, {.create_graph = true})[0];
  });
}

TEST(Leak, RetainedGradientsAndHooks) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    const Tensor y = x * 2;
    y.retain_grad();
    y.register_hook([](const Tensor& g) { return g * 2; });
    y.sum().backward();
  });
}

TEST(Leak, HooksAfterAccumulationAndOnNodes) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    autograd::register_post_accumulate_grad_hook(x, [](const Tensor& leaf) { leaf.set_grad({}); });
    const Tensor y = exp(x);
    y.grad_fn()->register_hook([](const auto& inputs, const auto&) { return inputs; });
    y.sum().backward({}, false, true);
  });
}

TEST(Leak, CheckpointsAndPackedTensors) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    const auto inner = [](const Tensor& a) { return exp(a) * a; };
    const auto outer = [&](const Tensor& a) { return autograd::checkpoint(inner, tanh(a)); };
    const Tensor y = autograd::checkpoint(outer, x);
    (void)autograd::grad({y.sum()}, {x}, {}, {.create_graph = true});
    (void)autograd::checkpoint(outer, x);  // never walked
  });
}

TEST(Leak, APassThatThrows) {
  expect_no_leak([] {
    const Tensor x = ones({4}).requires_grad_();
    const Tensor y = autograd::checkpoint([](const Tensor& a) { return exp(exp(a)); }, x);
    x.register_hook([](const Tensor&) { return ones({7}); });
    EXPECT_THROW(y.sum().backward({}, true), Error);
  });
}

TEST(Leak, ARefusedInPlaceCallKeepsNoCopyOfSelf) {
  const Tensor x = ones({1024}).requires_grad_(), z = ones({3}).requires_grad_();
  Tensor y = x * 1;
  const uint64_t before = allocated();
  EXPECT_THROW(y.mul_(z), Error);
  EXPECT_EQ(allocated(), before);
  y.sum().backward();
  EXPECT_EQ(x.grad().sum().item<double>(), 1024);
}

TEST(Leak, BackwardFreesSavedTensorsBeforeTheGraph) {
  const Tensor x = ones({1024}).requires_grad_();
  Tensor y = exp(x);
  for (int i = 0; i < 10; ++i) y = exp(y * 0.1);
  const Tensor loss = y.sum();
  y = Tensor();
  const uint64_t before = allocated();
  loss.backward();
  EXPECT_LT(allocated() + 8 * 4096, before) << "saved results went, x.grad came";
}

TEST(RetainGrad, HoldsForAResultWhoseGradientWasAssigned) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  y.set_grad(full({2}, 1.0));
  y.retain_grad();
  y.retain_grad();  // once is enough
  (y * 3).sum().backward();
  EXPECT_THAT(values(y.grad()), ElementsAre(4, 4));
}

}  // namespace
}  // namespace tenon
