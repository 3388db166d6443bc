// Checkpoints, and hooks on saved tensors.
#include <cmath>

#include <tenon/autograd/checkpoint.h>
#include <tenon/autograd/custom_function.h>
#include <tenon/autograd/gradcheck.h>
#include <tenon/autograd/saved_tensor.h>
#include <tenon/runtime/memory/allocator.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::checkpoint;
using autograd::grad;
using autograd::SavedTensorHooks;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

uint64_t allocated() { return memory_stats(default_device()).allocated; }

TEST(Checkpoint, GivesTheSameGradients) {
  const Tensor w = tensor({3.}).requires_grad_();
  const auto block = [&w](const Tensor& x) { return tanh(x * w) * w; };
  const Tensor a = tensor({0.2}).requires_grad_(), b = tensor({0.2}).requires_grad_();
  (block(a) * 2).backward();
  const double expected = values(w.grad())[0];
  w.set_grad({});
  (checkpoint(block, b) * 2).backward();
  EXPECT_THAT(values(b.grad()), ElementsAre(values(a.grad())[0]));
  EXPECT_THAT(values(w.grad()), ElementsAre(expected));
}

TEST(Checkpoint, NestsAndDrawsTheSameNumbers) {
  manual_seed(7);
  const Tensor x = ones({64}).requires_grad_();
  const auto inner = [](const Tensor& a) { return dropout(a, 0.5, true); };
  const auto outer = [&](const Tensor& a) { return checkpoint(inner, a * 1) * 3; };
  const Tensor y = checkpoint(outer, x);
  const Tensor drawn = rand({4});
  y.sum().backward();
  EXPECT_EQ(values(x.grad()), values(y));
  manual_seed(7);
  (void)rand({64});
  EXPECT_EQ(values(rand({4})), values(drawn)) << "the second call draws for itself";
}

TEST(Checkpoint, PassesOfEveryKindSeeTheWholeGraph) {
  const Tensor x = leaf({3}), w = leaf({3}, 0.6);
  const auto function = [](const std::vector<Tensor>& inputs) {
    return checkpoint(
        [](const std::vector<Tensor>& in) {
          const Tensor hidden = tanh(in[0] * in[1]);
          return std::vector<Tensor>{hidden * hidden, exp(hidden)};
        },
        inputs);
  };
  EXPECT_TRUE(autograd::gradcheck(function, {x, w}));
  EXPECT_TRUE(autograd::gradgradcheck(function, {x, w}));
}

TEST(Checkpoint, CapturedTensorsGetGradientsWhateverTheInputs) {
  const Tensor w = tensor({3.}).requires_grad_();
  const Tensor y = checkpoint([&w](const Tensor& x) { return exp(x) * w * w; }, zeros({1}));
  EXPECT_THAT(values(grad({y}, {w})[0]), ElementsAre(6));
}

TEST(Checkpoint, KeepsNothingButItsInputs) {
  const Tensor x = rand({4096}).requires_grad_();
  const auto deep = [](const Tensor& a) {
    Tensor y = a;
    for (int i = 0; i < 8; ++i) y = tanh(y);
    return y;
  };
  const uint64_t before = allocated();
  const Tensor plain = deep(x);
  const uint64_t with_all = allocated() - before;
  const Tensor y = checkpoint(deep, x);
  const uint64_t with_checkpoint = allocated() - before - with_all;
  EXPECT_LT(4 * with_checkpoint, with_all);
  y.sum().backward({}, true);
  const Tensor once = x.grad().clone();
  y.sum().backward();
  plain.sum().backward();
  EXPECT_EQ(values(x.grad()), values(once * 3));
  EXPECT_THAT(message_of([&] { y.sum().backward(); }), HasSubstr("a second time"));
}

TEST(Checkpoint, RunsTheFunctionOncePerPass) {
  int calls = 0;
  const auto counted = [&calls](const Tensor& a) {
    ++calls;
    return tanh(exp(a) * a).sum();
  };
  const Tensor x = rand({4}).requires_grad_();
  const Tensor y = checkpoint(counted, x);
  EXPECT_EQ(calls, 1);
  y.backward({}, true);
  EXPECT_EQ(calls, 2);
  y.backward();
  EXPECT_EQ(calls, 3);
  const NoGradGuard guard;
  (void)checkpoint(counted, x);
  EXPECT_EQ(calls, 4);
}

TEST(Checkpoint, ChangedInputsAndChangingFunctionsAreNoticed) {
  const Tensor leaf = ones({2}).requires_grad_();
  Tensor x = leaf * 1;
  const Tensor y = checkpoint([](const Tensor& a) { return exp(a); }, x);
  x.add_(1);
  EXPECT_THAT(message_of([&] { y.sum().backward(); }), HasSubstr("checkpoint: one of the"));
  int calls = 0;
  const Tensor z = checkpoint(
      [&calls](const Tensor& a) { return calls++ == 0 ? exp(a) : exp(a) * exp(a); }, leaf);
  EXPECT_THAT(message_of([&] { z.sum().backward(); }),
              HasSubstr("saved 1 tensors in the first call and 4 in the second"));
}

TEST(Checkpoint, ErrorsInsideLeaveEverythingAsItWas) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_THROW((void)checkpoint([](const Tensor& a) { return matmul(exp(a), ones({3})); }, x),
               Error);
  const Tensor y = exp(x);
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(testing::DoubleNear(2.71828, 1e-4)));
}

// ---- hooks on saved tensors ----

TEST(SavedTensors, ArePackedAndUnpacked) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  int packed = 0, unpacked = 0;
  Tensor y;
  {
    const SavedTensorHooks hooks(
        [&](const Tensor& saved) {
          ++packed;
          EXPECT_FALSE(saved.requires_grad());
          return std::any(saved.cpu().to(kFloat64));
        },
        [&](const std::any& value) {
          ++unpacked;
          return std::any_cast<Tensor>(value).to(TensorOptions(kFloat32, default_device()));
        });
    y = square(exp(x));
  }
  const Tensor z = y * y;
  EXPECT_EQ(packed, 2) << "exp's result, twice: as result and as input";
  z.sum().backward({}, true);
  EXPECT_EQ(unpacked, 2);
  EXPECT_THAT(values(x.grad()), ElementsAre(testing::DoubleNear(4 * std::exp(4), 1e-3),
                                            testing::DoubleNear(4 * std::exp(8), 1e-1)));
  const Tensor first = grad({z.sum()}, {x}, {}, {.create_graph = true})[0];
  EXPECT_NEAR(values(grad({first.sum()}, {x})[0])[0], 16 * std::exp(4), 1e-2);
}

TEST(SavedTensors, InnermostHooksCountAndLaterCallsAreNotPacked) {
  const Tensor x = ones({1}).requires_grad_();
  std::vector<int> who;
  const auto by = [&who](int name) {
    return [&who, name](const Tensor& saved) {
      who.push_back(name);
      return std::any(saved);
    };
  };
  const auto back = [](const std::any& value) { return std::any_cast<Tensor>(value); };
  {
    const SavedTensorHooks outer(by(1), back);
    (void)exp(x);
    {
      const SavedTensorHooks inner(by(2), back);
      (void)exp(x);
    }
    (void)exp(x);
  }
  (void)exp(x);
  EXPECT_THAT(who, ElementsAre(1, 2, 1));
}

TEST(SavedTensors, UnpackedTensorsMustFit) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor y;
  {
    const SavedTensorHooks hooks([](const Tensor&) { return std::any(); },
                                 [](const std::any&) { return ones({3}); });
    y = exp(x).sum();
  }
  EXPECT_THAT(message_of([&] { y.backward(); }),
              HasSubstr("unpack: the hook must return what was packed, (2) float32 on "));
}

struct Identity : autograd::Function<Identity> {
  static Tensor forward(autograd::FunctionContext& context, const Tensor& x) {
    context.save_for_backward({x});
    return x * 1;
  }
  static std::vector<Tensor> backward(autograd::FunctionContext& context,
                                      const std::vector<Tensor>& grads) {
    return {grads[0] * context.saved()[0]};
  }
};

TEST(SavedTensors, OfCustomFunctionsToo) {
  const Tensor x = full({2}, 3.0).requires_grad_();
  Tensor y;
  {
    const SavedTensorHooks hooks(
        [](const Tensor& saved) { return std::any(saved * 2); },
        [](const std::any& value) { return std::any_cast<Tensor>(value); });
    y = Identity::apply(x);
  }
  y.sum().backward();
  EXPECT_THAT(values(x.grad()), Each(6));
}

}  // namespace
}  // namespace tenon
