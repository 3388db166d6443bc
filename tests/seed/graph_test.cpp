// S23 to S32 of the notes that Tenon grew from: the graph, and where gradients start.
#include <set>

#include <tenon/runtime/dispatch/operator.h>

#include "autograd/helpers.h"
#include "seed/example.h"

namespace tenon {
namespace {

using autograd::Variable;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Seed, S23_EveryOpHasADerivativeOrIsDeclaredToHaveNone) {
  (void)ones({1}).requires_grad_();  // binds the rules
  std::set<std::string> missing;
  for (const Op* op : all_ops()) {
    const Op::Spec& spec = op->spec();
    const bool composed = op->has(kNoGradient) || op->has(kComposite);
    const bool creates = spec.infer == nullptr && spec.emit == nullptr && !op->has(kView);
    if (!composed && !creates && op->gradient() == nullptr) missing.emplace(op->name());
  }
  EXPECT_THAT(missing, IsEmpty());
}

TEST(Seed, S24_EachIterationMayDiffer) {
  for (const double start : {0.5, 30.0, 2000.0}) {
    const Tensor x = tensor({start}).requires_grad_();
    Tensor y = x * 2;
    double factor = 2;
    while (y.abs().item<double>() < 1000) {
      y = y * 2;
      factor *= 2;
    }
    y.sum().backward();
    EXPECT_THAT(values(x.grad()), ElementsAre(factor));
  }
}

TEST(Seed, S24_GraphsMayShrink) {
  const Tensor x = tensor({2.}).requires_grad_();
  for (int depth = 4; depth >= 0; --depth) {
    Tensor y = x;
    for (int i = 0; i < depth; ++i) y = y * x;
    x.set_grad({});
    y.backward();
    EXPECT_THAT(values(x.grad()), ElementsAre((depth + 1) * std::pow(2.0, depth)));
  }
}

TEST(Seed, S25_AVariableIsATensor) {
  const Variable v = ones({2}).requires_grad_();
  const Variable w = v.exp() + v;
  EXPECT_TRUE(w.requires_grad());
  static_assert(std::is_same_v<Variable, Tensor>);
}

TEST(Seed, S26_BackwardAccumulates) {
  const Tensor x = tensor({1.}).requires_grad_();
  const Tensor y = x * x * 1.5;
  y.backward({}, true);
  EXPECT_THAT(values(x.grad()), ElementsAre(3));
  y.backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(6));
}

TEST(Seed, S26_ASecondBackwardNeedsRetainGraph) {
  const Tensor x = tensor({2.}).requires_grad_();
  const Tensor y = x * x;
  y.backward();
  EXPECT_THAT(message_of([&] { y.backward(); }),
              HasSubstr("Trying to backward through the graph a second time"));
}

// Data shares the version here, so that what PyTorch computes wrong (27.65) is caught.
TEST(Seed, S27_EditsThroughDataAndDetachAreCaught) {
  for (const bool detached : {false, true}) {
    const Tensor x = tensor({1.}).requires_grad_();
    const Tensor y = exp(x), z = y * y;
    z.backward({}, true);
    EXPECT_NEAR(values(x.grad())[0], 14.78, 0.01);
    Tensor raw = detached ? y.detach() : y.data();
    EXPECT_EQ(raw.impl()->storage, y.impl()->storage);
    EXPECT_FALSE(raw.requires_grad());
    raw.add_(1);
    EXPECT_THAT(message_of([&] { z.backward(); }), HasSubstr("modified by an inplace operation"));
  }
}

TEST(Seed, S28_GradLooksLikeItsLeaf) {
  const Tensor x = ones({2, 3}).requires_grad_();
  EXPECT_FALSE(x.grad().defined()) << "until backward";
  const Tensor y = x * 2;
  y.backward(full({2, 3}, 1.0, kFloat64));
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_EQ(x.grad().sizes(), x.sizes());
  EXPECT_EQ(x.grad().device(), x.device());
}

TEST(Seed, S28_ResultsKeepTheirGradientWhenAsked) {
  seed::Example e;
  e.y.retain_grad();
  e.out.backward();
  EXPECT_THAT(values(e.y.grad()), Each(4.5));
  testing::internal::CaptureStderr();
  EXPECT_FALSE(e.z.grad().defined());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("retain_grad()"));
}

TEST(Seed, S29_SavedResultsOwnNoCycle) {
  const Tensor x = ones({2}).requires_grad_();
  const int64_t before = autograd::Node::live_count();
  for (int i = 0; i < 10; ++i) (void)tanh(exp(x));
  EXPECT_EQ(autograd::Node::live_count(), before);
}

TEST(Seed, S30_GradFnIsTheCreator) {
  const seed::Example e;
  EXPECT_EQ(e.x.grad_fn(), nullptr);
  ASSERT_NE(e.y.grad_fn(), nullptr);
  EXPECT_EQ(e.y.grad_fn()->name(), "AddBackward0");
  EXPECT_EQ(e.z.grad_fn()->name(), "MulBackward0");
  EXPECT_EQ(log_softmax(e.x, 1).grad_fn()->name(), "LogSoftmaxBackward0");
  EXPECT_EQ(e.y.grad_fn()->edges()[0].node->name(), "AccumulateGrad");
  EXPECT_EQ(e.z.grad_fn()->edges()[0].node->name(), "MulBackward0");
}

TEST(Seed, S31_OneElementNeedsNoGradient) {
  for (const Shape& sizes : {Shape{}, Shape{1}, Shape{1, 1}}) {
    const Tensor x = ones(sizes).requires_grad_();
    (x * 3).backward();
    EXPECT_THAT(values(x.grad()), ElementsAre(3));
    EXPECT_EQ(x.grad().sizes(), sizes);
  }
}

TEST(Seed, S32_GradientsHaveTheSizesOfTheOutput) {
  seed::Example e;
  EXPECT_THAT(message_of([&] { e.z.backward(); }),
              HasSubstr("grad can be implicitly created only for scalar outputs"));
  for (const Shape& sizes : {Shape{2, 2}, Shape{3}, Shape{0}})
    EXPECT_THAT(message_of([&] { e.out.backward(ones(sizes)); }), HasSubstr("Mismatch in shape"));
  for (const Shape& sizes : {Shape{5, 2, 2}, Shape{2}, Shape{1}, Shape{4}, Shape{}})
    EXPECT_THAT(message_of([&] { e.z.backward(ones(sizes)); }),
                HasSubstr("Mismatch in shape: grad_output[0] has a shape of "));
  EXPECT_FALSE(e.x.grad().defined()) << "nothing ran";
  e.z.backward(full({2, 2}, 0.5));
  EXPECT_THAT(values(e.x.grad()), Each(9));
}

}  // namespace
}  // namespace tenon
