// Every rule against differences, once and twice.
#include <tenon/autograd/gradcheck.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::CheckedFunction;
using autograd::gradcheck;
using autograd::gradgradcheck;
using testing::ElementsAre;
using Inputs = std::vector<Tensor>;

void check_both(const CheckedFunction& function, const Inputs& inputs) {
  EXPECT_NO_THROW(gradcheck(function, inputs));
  EXPECT_NO_THROW(gradgradcheck(function, inputs));
}

// f(inputs[0], inputs[1], …) as a checked function.
template <class F>
CheckedFunction of(F f) {
  return [f](const Inputs& x) {
    if constexpr (std::is_invocable_v<F, Tensor>)
      return Inputs{f(x[0])};
    else if constexpr (std::is_invocable_v<F, Tensor, Tensor>)
      return Inputs{f(x[0], x[1])};
    else
      return Inputs{f(x[0], x[1], x[2])};
  };
}

TEST(Rules, UnaryElementwise) {
  const std::vector<Tensor (*)(const Tensor&)> functions = {
      &neg,   &abs,        &square, &exp, &expm1, &log,     &log1p, &sqrt,
      &rsqrt, &reciprocal, &sin,    &cos, &tanh,  &sigmoid, &relu,  &erf};
  for (const auto function : functions) check_both(of(function), {leaf(Shape{2, 3})});
  for (const auto function : {&neg, &abs, &square, &exp, &sin, &cos, &tanh, &sigmoid, &relu, &erf})
    check_both(of(function), {leaf_of({-1.5, -0.4, 0.3, 2.0}, {4})});
}

TEST(Rules, StepsHaveNoSlope) {
  for (const auto function : {&sign, &floor, &ceil, &round, &trunc})
    EXPECT_NO_THROW(gradcheck(of(function), {leaf_of({-1.4, 0.3, 1.7}, {3})}));
}

TEST(Rules, Arithmetic) {
  const Inputs broadcast = {leaf(Shape{2, 3}), leaf(Shape{3}, 1.1)};
  check_both(of([](const Tensor& a, const Tensor& b) { return add(a, b, 2); }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return sub(a, b, 3); }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return a * b; }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return a / b; }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return pow(a, b); }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return maximum(a, b); }), broadcast);
  check_both(of([](const Tensor& a, const Tensor& b) { return minimum(a, b); }), broadcast);
}

TEST(Rules, ArithmeticWithNumbers) {
  const Inputs x = {leaf(Shape{2, 3})};
  check_both(of([](const Tensor& a) { return 2 - a; }), x);
  check_both(of([](const Tensor& a) { return a * 2.5; }), x);
  check_both(of([](const Tensor& a) { return 3 / a; }), x);
  check_both(of([](const Tensor& a) { return a / 3; }), x);
  check_both(of([](const Tensor& a) { return pow(a, 3); }), x);
  check_both(of([](const Tensor& a) { return pow(2, a); }), x);
  check_both(of([](const Tensor& a) { return maximum(a, 0.7); }), x);
}

TEST(Rules, PowerAtItsEdges) {
  const auto slopes = [](double base, double exponent) {
    const Tensor a = leaf_of({base}, {1}), b = leaf_of({exponent}, {1});
    const Inputs grads = autograd::grad({pow(a, b)}, {a, b});
    return std::pair(values(grads[0])[0], values(grads[1])[0]);
  };
  EXPECT_EQ(slopes(0, 2), std::pair(0.0, 0.0));
  EXPECT_EQ(slopes(0, 0).first, 0);
  EXPECT_EQ(slopes(0, 0).second, 0);
  EXPECT_EQ(slopes(-2, 3).first, 12);
}

TEST(Rules, ThreeOperands) {
  const Inputs x = {leaf(Shape{2, 3}), leaf(Shape{3}, 0.9), leaf(Shape{2, 1}, 1.3)};
  const auto addc = [](auto f) {
    return of([f](const Tensor& a, const Tensor& b, const Tensor& c) { return f(a, b, c, 0.5); });
  };
  check_both(addc(&addcmul), x);
  check_both(addc(&addcdiv), x);
  const Tensor condition = tensor({true, false, true}, TensorOptions(kBool));
  check_both(of([&](const Tensor& a, const Tensor& b) { return where(condition, a, b); }),
             {x[0], x[1]});
}

TEST(Rules, Clamp) {
  const Inputs x = {leaf_of({-2.0, -0.3, 0.4, 3.0}, {4})};
  check_both(of([](const Tensor& a) { return clamp(a, -1.0, 1.0); }), x);
  check_both(of([](const Tensor& a) { return clamp(a, 0.0, {}); }), x);
  check_both(of([](const Tensor& a) { return clamp(a, {}, 0.5); }), x);
}

// The numbers are PyTorch 2.15's.
TEST(Rules, ClampOnItsBounds) {
  const Tensor x = leaf_of({-1, 0, 0.5, 1, 2, NAN}, {6});
  const auto slopes = [&](const Tensor& y) { return values(autograd::grad({y.sum()}, {x})[0]); };
  EXPECT_THAT(slopes(clamp(x, 0.0, 1.0)), ElementsAre(0, 0, 1, 0, 0, 0));
  EXPECT_THAT(slopes(clamp(x, 0.0, {})), ElementsAre(0, 0, 1, 1, 1, 0));
  EXPECT_THAT(slopes(clamp(x, {}, 1.0)), ElementsAre(1, 1, 1, 0, 0, 0));
  EXPECT_THAT(slopes(hardtanh(x, 0, 1)), ElementsAre(0, 0, 1, 0, 0, 1));
  EXPECT_THAT(slopes(relu6(x)), ElementsAre(0, 0, 1, 1, 1, 1));
  EXPECT_THAT(slopes(maximum(x, zeros({}, kFloat64))), ElementsAre(0, 0.5, 1, 1, 1, 1));
}

TEST(Rules, ClampBetweenTensors) {
  const auto slopes = [](double least, double greatest) {
    const Tensor x = leaf_of({-1, 0, 0.5, 1, 2, NAN}, {6});
    const Tensor low = leaf_of(std::vector<double>(6, least), {6});
    const Tensor high = leaf_of(std::vector<double>(6, greatest), {6});
    std::vector<std::vector<double>> result;
    for (const Tensor& gradient : autograd::grad({clamp(x, low, high).sum()}, {x, low, high}))
      result.push_back(values(gradient));
    return result;
  };
  EXPECT_THAT(slopes(0, 1),
              ElementsAre(ElementsAre(0, 0.5, 1, 0.5, 0, 1), ElementsAre(1, 0.5, 0, 0, 0, 0),
                          ElementsAre(0, 0, 0, 0.5, 1, 0)));
  EXPECT_THAT(slopes(1, 1),
              ElementsAre(ElementsAre(0, 0, 0, 1, 0, 1), ElementsAre(1, 1, 1, 0, 0, 0),
                          ElementsAre(0, 0, 0, 0, 1, 0)));
  EXPECT_THAT(slopes(1, 0),
              ElementsAre(ElementsAre(0, 0, 0, 0, 0, 1), ElementsAre(0, 0, 0, 0, 0, 0),
                          ElementsAre(1, 1, 1, 1, 1, 1)));
}

TEST(Rules, Reductions) {
  const Inputs x = {leaf(Shape{2, 3, 2})};
  for (const Shape& dims : {Shape{}, Shape{1}, Shape{0, 2}}) {
    for (const bool keepdim : {false, true}) {
      check_both(of([&](const Tensor& a) { return sum(a, dims, keepdim); }), x);
      check_both(of([&](const Tensor& a) { return mean(a, dims, keepdim); }), x);
      check_both(of([&](const Tensor& a) { return prod(a, dims, keepdim); }), x);
      check_both(of([&](const Tensor& a) { return amax(a, dims, keepdim); }), x);
      check_both(of([&](const Tensor& a) { return amin(a, dims, keepdim); }), x);
    }
  }
  check_both(of([](const Tensor& a) { return max(a, 1).first; }), x);
  check_both(of([](const Tensor& a) { return min(a, 1).first; }), x);
}

TEST(Rules, ProductsWithZeros) {
  const Tensor x = leaf_of({2, 0, 3, 0, 0, 5}, {2, 3});
  EXPECT_NO_THROW(gradcheck(of([](const Tensor& a) { return prod(a, {1}); }), {x}));
}

TEST(Rules, Views) {
  const Inputs x = {leaf(Shape{2, 3, 2})};
  check_both(of([](const Tensor& a) { return a.view({3, 4}) * 2; }), x);
  check_both(of([](const Tensor& a) { return square(a.transpose(0, 2)); }), x);
  check_both(of([](const Tensor& a) { return square(a.permute({2, 0, 1})); }), x);
  check_both(of([](const Tensor& a) { return square(a.permute({2, 0, 1}).reshape({-1})); }), x);
  check_both(of([](const Tensor& a) { return square(a.select(1, -1)); }), x);
  check_both(of([](const Tensor& a) { return square(a.slice(1, 0, 3, 2)); }), x);
  check_both(of([](const Tensor& a) { return square(a.unsqueeze(1).squeeze()); }), x);
  check_both(of([](const Tensor& a) { return square(a.unsqueeze(0).expand({2, 2, 3, 2})); }), x);
  check_both(of([](const Tensor& a) { return square(a.as_strided({2, 2}, {3, 1}, 1)); }), x);
  check_both(of([](const Tensor& a) { return square(a.as_strided({3, 2}, {1, 2}, 0)); }), x);
  check_both(of([](const Tensor& a) { return square(a.transpose(0, 2).unbind(0)[1]); }), x);
}

TEST(Rules, InPlaceOnViews) {
  const Inputs x = {leaf(Shape{2, 3}), leaf(Shape{3}, 1.1)};
  check_both(of([](const Tensor& a, const Tensor& b) {
               Tensor y = a * 2;
               y.select(0, 1).mul_(b);
               y.select(1, 0).add_(y.select(1, 2));
               return y * y;
             }),
             x);
  check_both(of([](const Tensor& a, const Tensor& b) {
               Tensor y = a.t() * 2;
               const Tensor row = y.select(1, 0);
               y.slice(0, 0, 2).copy_(b.slice(0, 0, 2).unsqueeze(1));
               return row * row;
             }),
             x);
}

TEST(Rules, Copies) {
  const Inputs x = {leaf(Shape{2, 3})};
  check_both(of([](const Tensor& a) { return square(a.clone()); }), x);
  check_both(of([](const Tensor& a) { return square(a.t().contiguous()); }), x);
  check_both(of([](const Tensor& a) { return square(a.cpu()).to(default_device()); }), x);
}

TEST(Rules, Indexing) {
  const Inputs x = {leaf(Shape{3, 2}), leaf(Shape{4, 2}, 0.8)};
  const Tensor index = tensor({{0, 1}, {2, 0}, {0, 0}});
  const Tensor rows = tensor({2, 0, 2});
  check_both(of([&](const Tensor& a) { return square(gather(a, 0, index)); }), {x[0]});
  check_both(of([&](const Tensor& a) { return square(index_select(a, 0, rows)); }), {x[0]});
  check_both(
      of([&](const Tensor& a, const Tensor& b) { return square(scatter_add(a, 0, index, b)); }), x);
  check_both(of([](const Tensor& a, const Tensor& b) {
               return square(cat(Inputs{a, ones({1, 2}, a.options()), b}, 0));
             }),
             x);
  check_both(of([](const Tensor& a) { return square(stack(Inputs{a, a * 2}, 1)); }), {x[0]});
}

TEST(Rules, IndexTensorsAndMasks) {
  const Inputs x = {leaf(Shape{3, 2})};
  const Tensor rows = tensor({2, 0, 2}), mask = tensor({true, false, true}, TensorOptions(kBool));
  check_both(of([&](const Tensor& a) { return square(a.index({rows, 1})); }), x);
  check_both(of([&](const Tensor& a) { return square(a.index({mask})); }), x);
  check_both(of([&](const Tensor& a) {
               Tensor y = a * 2;
               y.index_put_({mask, 1}, 0.5);
               return y * y;
             }),
             x);
}

TEST(Rules, Products) {
  const auto product = of([](const Tensor& a, const Tensor& b) { return matmul(a, b); });
  check_both(product, {leaf(Shape{2, 3}), leaf(Shape{3, 2})});
  check_both(product, {leaf(Shape{3}), leaf(Shape{3}, 0.7)});
  check_both(product, {leaf(Shape{3}), leaf(Shape{3, 2})});
  check_both(product, {leaf(Shape{2, 3}), leaf(Shape{3})});
  check_both(product, {leaf(Shape{2, 2, 3}), leaf(Shape{3, 2})});
  check_both(product, {leaf(Shape{2, 1, 2, 3}), leaf(Shape{3, 3, 2})});
  check_both(of([](const Tensor& x, const Tensor& w, const Tensor& b) { return linear(x, w, b); }),
             {leaf(Shape{2, 2, 3}), leaf(Shape{2, 3}), leaf(Shape{2})});
  check_both(
      of([](const Tensor& c, const Tensor& a, const Tensor& b) { return addmm(c, a, b, 0.5, 2); }),
      {leaf(Shape{2}), leaf(Shape{2, 3}), leaf(Shape{3, 2})});
}

TEST(Rules, Convolutions) {
  const Inputs x = {leaf(Shape{1, 2, 5, 4}, 0.1, 0.03), leaf(Shape{2, 2, 3, 2}, 0.2, 0.05),
                    leaf(Shape{2})};
  for (const Conv2dOptions& options : {Conv2dOptions{}, Conv2dOptions{{2, 1}, {1, 1}, {1, 1}, 1},
                                       Conv2dOptions{{1, 1}, {2, 1}, {2, 2}, 1}})
    check_both(of([&](const Tensor& a, const Tensor& w, const Tensor& b) {
                 return conv2d(a, w, b, options);
               }),
               x);
  check_both(of([&](const Tensor& a, const Tensor& w) { return conv2d(a, w, {}, {.groups = 2}); }),
             {x[0], leaf(Shape{2, 1, 3, 2}, 0.2, 0.05)});
}

TEST(Rules, Pooling) {
  const Inputs x = {leaf(Shape{1, 2, 4, 5})};
  check_both(of([](const Tensor& a) { return square(max_pool2d(a, {.kernel = {2, 2}})); }), x);
  check_both(
      of([](const Tensor& a) {
        return square(max_pool2d(a, {.kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 1}}));
      }),
      x);
  check_both(of([](const Tensor& a) { return square(avg_pool2d(a, {.kernel = {2, 2}})); }), x);
}

TEST(Rules, Losses) {
  const Inputs x = {leaf(Shape{3, 4})};
  const Tensor target = tensor({1, 0, 3});
  for (const int64_t dim : {0, 1}) {
    check_both(of([dim](const Tensor& a) { return square(softmax(a, dim)); }), x);
    check_both(of([dim](const Tensor& a) { return square(log_softmax(a, dim)); }), x);
  }
  for (const Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum})
    check_both(of([&](const Tensor& a) { return cross_entropy(a, target, reduction); }), x);
  check_both(of([](const Tensor& a, const Tensor& b) { return mse_loss(a, b); }),
             {x[0], leaf(Shape{3, 4}, 0.9)});
}

TEST(Rules, EmptyTensors) {
  const Tensor x = leaf_of(std::vector<double>{}, {0, 3});
  (x * 2).sum().backward();
  EXPECT_EQ(x.grad().sizes(), (Shape{0, 3}));
  const Tensor w = leaf(Shape{3, 2});
  matmul(x, w).sum().backward();
  EXPECT_THAT(values(w.grad()), testing::Each(0));
}

}  // namespace
}  // namespace tenon
