// Custom functions, checkpoints, anomaly mode, and gradcheck itself.
#include <cmath>

#include <tenon/autograd/anomaly.h>
#include <tenon/autograd/checkpoint.h>
#include <tenon/autograd/custom_function.h>
#include <tenon/autograd/gradcheck.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::FunctionContext;
using autograd::grad;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- custom functions ----

struct Cube : autograd::Function<Cube> {
  static Tensor forward(FunctionContext& context, const Tensor& x, double factor) {
    context.save_for_backward({x});
    context.save(factor);
    return x * x * x * factor;
  }
  static std::vector<Tensor> backward(FunctionContext& context, const std::vector<Tensor>& grads) {
    const Tensor x = context.saved()[0];
    return {grads[0] * x * x * (3 * context.value<double>(0)), Tensor()};
  }
};

// Saves its result; a wrong rule where `kWrong`.
template <bool kWrong>
struct Exponential : autograd::Function<Exponential<kWrong>> {
  static Tensor forward(FunctionContext& context, const Tensor& x) {
    const Tensor y = exp(x);
    context.save_for_backward({y});
    return y;
  }
  static std::vector<Tensor> backward(FunctionContext& context, const std::vector<Tensor>& grads) {
    return {grads[0] * context.saved()[0] * (kWrong ? 1.01 : 1.0)};
  }
};

struct Halves : autograd::Function<Halves> {
  static std::vector<Tensor> forward(FunctionContext& context, const Tensor& x) {
    std::vector<Tensor> outputs{x * 0.5, x * 0.25, x.detach() * 2};
    context.mark_non_differentiable({outputs[2]});
    return outputs;
  }
  static std::vector<Tensor> backward(FunctionContext&, const std::vector<Tensor>& grads) {
    return {grads[0] * 0.5 + grads[1] * 0.25};
  }
};

TEST(CustomFunction, HasItsOwnDerivative) {
  const Tensor x = leaf(Shape{3});
  const Tensor y = Cube::apply(x, 2.0);
  EXPECT_EQ(y.grad_fn()->name(), "CubeBackward");
  EXPECT_TRUE(autograd::gradcheck([](const Tensor& a) { return Cube::apply(a, 2.0); }, x));
  EXPECT_TRUE(autograd::gradgradcheck([](const Tensor& a) { return Cube::apply(a, 2.0); }, x));
}

TEST(CustomFunction, SavedResultsAreDifferentiableAndNoLeak) {
  const int64_t before = autograd::Node::live_count();
  {
    const Tensor x = leaf(Shape{3});
    const auto function = [](const Tensor& a) { return Exponential<false>::apply(a); };
    EXPECT_TRUE(autograd::gradcheck(function, x));
    EXPECT_TRUE(autograd::gradgradcheck(function, x));
  }
  EXPECT_EQ(autograd::Node::live_count(), before);
}

TEST(CustomFunction, UnusedOutputsComeAsZeros) {
  const Tensor x = tensor({4.}).requires_grad_();
  const std::vector<Tensor> parts = Halves::apply(x);
  EXPECT_FALSE(parts[2].requires_grad());
  parts[1].backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0.25));
}

TEST(CustomFunction, SavedTensorsAreGuarded) {
  const Tensor x = tensor({2.}).requires_grad_();
  Tensor input = x * 1;
  const Tensor y = Cube::apply(input, 1.0);
  y.backward({}, true);
  input.add_(1);
  EXPECT_THAT(message_of([&] { y.backward({}, true); }), HasSubstr("modified by an inplace"));
  const Tensor z = Cube::apply(x, 1.0);
  z.backward();
  EXPECT_THAT(message_of([&] { z.backward(); }), HasSubstr("a second time"));
}

TEST(CustomFunction, RecordsNothingWithoutGradients) {
  EXPECT_FALSE(Cube::apply(ones({1}), 1.0).requires_grad());
  const Tensor x = ones({1}).requires_grad_();
  const NoGradGuard guard;
  EXPECT_FALSE(Cube::apply(x, 1.0).requires_grad());
}

// ---- checkpoint ----

TEST(Checkpoint, GivesTheSameGradients) {
  const Tensor w = tensor({3.}).requires_grad_();
  const auto block = [&w](const Tensor& x) { return tanh(x * w) * w; };
  const Tensor a = tensor({0.2}).requires_grad_(), b = tensor({0.2}).requires_grad_();
  (block(a) * 2).backward();
  const double expected = values(w.grad())[0];
  w.set_grad({});
  (autograd::checkpoint(block, b) * 2).backward();
  EXPECT_THAT(values(b.grad()), ElementsAre(values(a.grad())[0]));
  EXPECT_THAT(values(w.grad()), ElementsAre(expected));
}

TEST(Checkpoint, NestsAndDrawsTheSameNumbers) {
  manual_seed(7);
  const Tensor x = ones({64}).requires_grad_();
  const auto inner = [](const Tensor& a) { return dropout(a, 0.5, true); };
  const auto outer = [&](const Tensor& a) { return autograd::checkpoint(inner, a * 1) * 3; };
  const Tensor y = autograd::checkpoint(outer, x);
  const Tensor drawn = rand({4});
  y.sum().backward();
  EXPECT_EQ(values(x.grad()), values(y));
  manual_seed(7);
  (void)rand({64});
  EXPECT_EQ(values(rand({4})), values(drawn)) << "the second call draws for itself";
}

TEST(Checkpoint, SaysWhatItCanNotDo) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = autograd::checkpoint([](const Tensor& a) { return a * a; }, x).sum();
  EXPECT_THAT(message_of([&] { (void)grad({y}, {x}); }), HasSubstr("backward() only"));
  EXPECT_THAT(message_of([&] { y.backward({}, true, true); }), HasSubstr("create_graph"));
}

// ---- anomaly mode ----

TEST(Anomaly, NamesTheOpWhoseGradientIsNan) {
  const autograd::AnomalyGuard guard;
  const Tensor x = tensor({-1., 1.}).requires_grad_();
  const Tensor y = sqrt(x) * 2;
  const std::string message = message_of([&] { y.sum().backward(); });
  EXPECT_THAT(message, HasSubstr("Function 'SqrtBackward0' returned nan values in its 0th output"));
  EXPECT_THAT(message, HasSubstr("recorded by sqrt(["));
}

TEST(Anomaly, AddsTheForwardCallToErrors) {
  const autograd::AnomalyGuard guard;
  const Tensor x = ones({2, 3}).requires_grad_();
  Tensor y = exp(x);
  const Tensor z = y.sum();
  y.add_(1);
  EXPECT_THAT(message_of([&] { z.backward(); }), HasSubstr("recorded by exp(["));
}

TEST(Anomaly, IsOffByDefaultAndScoped) {
  EXPECT_FALSE(autograd::anomaly_mode());
  {
    const autograd::AnomalyGuard guard;
    EXPECT_TRUE(autograd::anomaly_mode());
  }
  EXPECT_FALSE(autograd::anomaly_mode());
  const Tensor x = tensor({-1.}).requires_grad_();
  sqrt(x).backward();
  EXPECT_TRUE(std::isnan(values(x.grad())[0]));
}

// ---- gradcheck ----

TEST(Gradcheck, FindsAWrongRule) {
  const auto wrong = [](const Tensor& a) { return Exponential<true>::apply(a); };
  EXPECT_THAT(message_of([&] { autograd::gradcheck(wrong, leaf(Shape{3})); }),
              HasSubstr("Jacobian mismatch for output 0 element 0 with respect to input 0"));
  EXPECT_THAT(message_of([&] { autograd::gradcheck(wrong, leaf(Shape{100}, 0.1, 0.01)); }),
              HasSubstr("random direction"));
}

TEST(Gradcheck, NeedsDoubles) {
  EXPECT_THAT(message_of([] {
                autograd::gradcheck([](const Tensor& a) { return a; }, ones({2}).requires_grad_());
              }),
              HasSubstr("must be float64"));
  EXPECT_THAT(message_of([] {
                autograd::gradcheck([](const Tensor& a) { return a; }, ones({2}, kFloat64));
              }),
              HasSubstr("at least one input must require a gradient"));
}

TEST(Gradcheck, PutsItsInputsBack) {
  const Tensor x = leaf(Shape{2, 3}), large = leaf(Shape{10, 10});
  const std::vector<double> before = values(x), large_before = values(large);
  const auto function = [](const Tensor& a) { return square(a); };
  autograd::gradcheck(function, x);
  autograd::gradcheck(function, large);
  EXPECT_EQ(values(x), before);
  EXPECT_EQ(values(large), large_before);
}

}  // namespace
}  // namespace tenon
