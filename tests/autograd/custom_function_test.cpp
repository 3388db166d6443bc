// Functions with a derivative of their own.
#include <tenon/autograd/custom_function.h>
#include <tenon/autograd/gradcheck.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::FunctionContext;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

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

// Two outputs of two inputs; writes no gradient where nothing is wanted.
struct SumAndProduct : autograd::Function<SumAndProduct> {
  static std::vector<Tensor> forward(FunctionContext& context, const Tensor& a, const Tensor& b) {
    context.save_for_backward({a, b});
    context.set_materialize_grads(false);
    return {a + b, a * b};
  }
  static std::vector<Tensor> backward(FunctionContext& context, const std::vector<Tensor>& grads) {
    const std::vector<Tensor> saved = context.saved();
    std::vector<Tensor> result(2);
    for (size_t i = 0; i < 2; ++i) {
      if (!context.needs_input_grad(i)) continue;
      if (grads[0].defined()) result[i] = grads[0];
      if (!grads[1].defined()) continue;
      const Tensor product = grads[1] * saved[1 - i];
      result[i] = result[i].defined() ? result[i] + product : product;
    }
    return result;
  }
};

TEST(CustomFunction, SeveralOutputsAndGradientsThatAreNotThere) {
  const auto function = [](const std::vector<Tensor>& x) {
    return SumAndProduct::apply(x[0], x[1]);
  };
  const std::vector<Tensor> x = {leaf({2, 2}), leaf({2, 2}, 1.1)};
  EXPECT_TRUE(autograd::gradcheck(function, x));
  EXPECT_TRUE(autograd::gradgradcheck(function, x));
  const Tensor constant = ones({2, 2}, kFloat64);
  SumAndProduct::apply(x[0], constant)[1].sum().backward();
  EXPECT_THAT(values(x[0].grad()), Each(1));
}

// y = 2x, in place.
struct Double : autograd::Function<Double> {
  static Tensor forward(FunctionContext& context, Tensor x) {
    x.mul_(2);
    context.mark_dirty({x});
    return x;
  }
  static std::vector<Tensor> backward(FunctionContext&, const std::vector<Tensor>& grads) {
    return {grads[0] * 2};
  }
};

TEST(CustomFunction, EditsItsInputInPlace) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  const Tensor y = x * 3;
  const Tensor z = Double::apply(y);
  EXPECT_TRUE(z.is_same(y));
  EXPECT_EQ(y.grad_fn()->name(), "DoubleBackward");
  EXPECT_THAT(values(y), ElementsAre(6, 12));
  (y * y).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(72, 144));
}

TEST(CustomFunction, EditsOfAViewReachItsBase) {
  const Tensor x = ones({2, 2}).requires_grad_();
  const Tensor w = x * 1;
  Double::apply(w.select(0, 1));
  EXPECT_EQ(w.grad_fn()->name(), "CopySlices");
  (w * w).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(2, 2, 8, 8));
}

struct Reverse : autograd::Function<Reverse> {
  static Tensor forward(FunctionContext&, const Tensor& x) { return x.view(x.sizes()); }
  static std::vector<Tensor> backward(FunctionContext&, const std::vector<Tensor>& gradients) {
    return {-gradients[0]};
  }
};

TEST(CustomFunction, ResultsThatShareAnInputsMemoryAreNotEdited) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  const Tensor before = x * 2;
  Tensor y = Reverse::apply(before);
  const auto refused = HasSubstr("is a view of its input and is being modified in place");
  EXPECT_THAT(message_of([&] { y.mul_(5); }), refused);
  EXPECT_THAT(message_of([&] { y.select(0, 0).mul_(5); }), refused);
  y.clone().mul_(5).sum().backward();
  EXPECT_THAT(values(x.grad()), Each(-10));
}

TEST(CustomFunction, ResultsThatShareAnInputsMemoryEndWithItsNextWrite) {
  const Tensor x = tensor({1., 2.}).requires_grad_();
  Tensor input = x * 2;
  const Tensor y = Reverse::apply(input), first = y.select(0, 0), used = y * 1, copy = y.clone();
  {
    const NoGradGuard off;
    input.mul_(5);
  }
  const auto refused = HasSubstr("ReverseBackward: the result of a custom function");
  EXPECT_THAT(message_of([&] { (void)(y * 1); }), refused);
  EXPECT_THAT(message_of([&] { (void)(first * 1); }), refused);
  EXPECT_THAT(message_of([&] { y.sum().backward(); }), refused);
  EXPECT_THAT(y.str(), HasSubstr("grad_fn=<Invalid>"));
  (used + copy).sum().backward();  // what was made before holds
  EXPECT_THAT(values(x.grad()), Each(-4));
}

TEST(CustomFunction, ResultsOfAConstantThatJoinedTheGraphAreRefused) {
  const Tensor w = ones({2}).requires_grad_();
  Tensor input = ones({2});
  const Tensor y = Reverse::apply(input);
  EXPECT_THAT(values(y * 1), Each(1));
  input.mul_(w);
  EXPECT_THAT(message_of([&] { (void)(y * 1); }), HasSubstr("joined the graph since"));
}

TEST(CustomFunction, LeavesAreNotEdited) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_THAT(message_of([&] { Double::apply(x); }),
              HasSubstr("a leaf Variable that requires grad has been used in an in-place"));
}

// What backward() returns, as the test says.
struct Careless : autograd::Function<Careless> {
  static Tensor forward(FunctionContext& context, const Tensor& x, int64_t mistake) {
    context.save(mistake);
    if (mistake == 3) context.mark_dirty({x});
    if (mistake == 4) context.mark_dirty({x * 1});
    return x * 1;
  }
  static std::vector<Tensor> backward(FunctionContext& context, const std::vector<Tensor>& grads) {
    switch (context.value<int64_t>(0)) {
      case 0:
        return {grads[0]};
      case 1:
        return {ones({5}), Tensor()};
      default:
        return {grads[0], grads[0]};
    }
  }
};

TEST(CustomFunction, WrongGradientsAreRefused) {
  const Tensor x = ones({2}).requires_grad_();
  const auto message = [&](int64_t mistake) {
    return message_of([&] { Careless::apply(x, mistake).sum().backward(); });
  };
  EXPECT_THAT(message(0), HasSubstr("CarelessBackward: returned an incorrect number of gradients "
                                    "(expected 2, got 1)"));
  EXPECT_THAT(message(1), HasSubstr("returned an invalid gradient at index 0 - got (5) but "
                                    "expected shape compatible with (2)"));
  EXPECT_THAT(message(2), HasSubstr("returned a gradient different from None at position 1"));
  EXPECT_THAT(message(3), HasSubstr("were not returned as output"));
  EXPECT_THAT(message(4), HasSubstr("mark_dirty only accepts input tensors"));
  EXPECT_FALSE(x.grad().defined());
}

}  // namespace
}  // namespace tenon
