// gradcheck itself: what it finds and what it leaves alone.
#include <tenon/autograd/custom_function.h>
#include <tenon/autograd/gradcheck.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::FunctionContext;
using autograd::gradcheck;
using autograd::gradgradcheck;
using testing::HasSubstr;

enum class Mistake : uint8_t { kFactor, kLayout, kBroadcast, kMemory, kUndefined };

// y = exp(x) with a rule that has one mistake.
template <Mistake mistake>
struct Wrong : autograd::Function<Wrong<mistake>> {
  static std::vector<Tensor> forward(FunctionContext& context, const Tensor& x) {
    const Tensor y = exp(x);
    context.save_for_backward({y});
    context.set_materialize_grads(false);
    return {y, x * 2};
  }
  static std::vector<Tensor> backward(FunctionContext& context, const std::vector<Tensor>& grads) {
    static double calls = 0;
    Tensor g = grads[0];
    if (mistake == Mistake::kUndefined && !g.defined()) g = ones_like(grads[1]);
    if (!g.defined()) return {grads[1] * 2};
    if (mistake == Mistake::kFactor) g = g * 1.01;
    if (mistake == Mistake::kLayout && g.dim() == 2 && !g.is_contiguous() && g.stride(0) != 0)
      g = g.as_strided(g.sizes(), contiguous_strides(g.sizes()), 0);
    if (mistake == Mistake::kBroadcast && g.dim() > 0 && g.stride(0) == 0) g = g * 0;
    if (mistake == Mistake::kMemory) g = g + 1e-7 * calls++;
    const Tensor first = g * context.saved()[0];
    return {grads[1].defined() ? first + grads[1] * 2 : first};
  }
};

template <Mistake mistake>
std::string message_for(const Tensor& x) {
  return message_of([&] {
    gradcheck([](const std::vector<Tensor>& in) { return Wrong<mistake>::apply(in[0]); }, {x});
  });
}

TEST(Gradcheck, FindsAWrongFactor) {
  EXPECT_THAT(message_for<Mistake::kFactor>(leaf({3})),
              HasSubstr("Jacobian mismatch for output 0 element 0 with respect to input 0"));
  EXPECT_THAT(message_for<Mistake::kFactor>(leaf({100}, 0.1, 0.01)), HasSubstr("random direction"));
}

TEST(Gradcheck, FindsRulesThatDependOnTheFormOfTheGradient) {
  EXPECT_THAT(message_for<Mistake::kLayout>(leaf({2, 3})),
              HasSubstr("the layout of the gradient matters"));
  EXPECT_THAT(message_for<Mistake::kBroadcast>(leaf({2, 3})),
              HasSubstr("a broadcast gradient (stride 0) acts otherwise"));
  EXPECT_THAT(message_for<Mistake::kUndefined>(leaf({2, 3})), HasSubstr("input 0"));
}

TEST(Gradcheck, FindsRulesAndFunctionsThatDoNotRepeat) {
  EXPECT_THAT(message_for<Mistake::kMemory>(leaf({2})), HasSubstr("backward is not reentrant"));
  EXPECT_THAT(message_of([] {
                gradcheck([](const Tensor& x) { return x * rand({2}, kFloat64); }, leaf({2}));
              }),
              HasSubstr("the function is not deterministic: output 0 element 0 was "));
}

TEST(Gradcheck, NeedsDoublesThatRequireAGradient) {
  const auto same = [](const Tensor& a) { return a; };
  EXPECT_THAT(message_of([&] { gradcheck(same, ones({2}).requires_grad_()); }),
              HasSubstr("must be float64"));
  EXPECT_THAT(message_of([&] { gradcheck(same, ones({2}, kFloat64)); }),
              HasSubstr("at least one input must require a gradient"));
}

TEST(Gradcheck, TakesEmptyTensorsAndOutputsThatDependOnNothing) {
  const Tensor none = leaf({0, 3});
  EXPECT_TRUE(gradcheck([](const Tensor& a) { return exp(a); }, none));
  EXPECT_TRUE(gradcheck([](const Tensor& a) { return a.sum() * 2; }, none));
  EXPECT_TRUE(gradgradcheck([](const Tensor& a) { return square(a).sum({0}); }, none));
  EXPECT_TRUE(gradcheck([](const Tensor& a) { return ones_like(a) + 0 * a; }, leaf({2})));
  EXPECT_TRUE(gradcheck(
      [](const std::vector<Tensor>& x) {
        return std::vector<Tensor>{x[0] * 2, ones({2}, kFloat64), x[0].gt(0), Tensor()};
      },
      {leaf({2})}));
}

TEST(Gradcheck, PutsItsInputsBack) {
  const Tensor x = leaf({2, 3}), large = leaf({10, 10});
  const Tensor view = leaf({3, 2}).detach().t().requires_grad_();
  for (const Tensor& input : {x, large, view}) {
    const std::vector<double> before = values(input);
    gradcheck([](const Tensor& a) { return square(a); }, input);
    EXPECT_EQ(values(input), before);
  }
}

}  // namespace
}  // namespace tenon
