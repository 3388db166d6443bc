// Anomaly detection.
#include <cmath>

#include <tenon/autograd/anomaly.h>
#include <tenon/autograd/custom_function.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using autograd::AnomalyCheck;
using autograd::DetectAnomalyGuard;
using autograd::ScopeLabel;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Anomaly, NamesTheFirstGradientThatIsNotFinite) {
  const DetectAnomalyGuard guard;
  const Tensor x = tensor({{1., 2.}, {-1., 4.}}).requires_grad_();
  const Tensor y = exp(sqrt(x)) * 2;
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              AllOf(HasSubstr("Function 'ExpBackward0' returned nan values in its 0th output"),
                    HasSubstr("the gradient of its input 0 ["), HasSubstr("first at (1, 0)"),
                    HasSubstr("recorded by exp([")));
}

TEST(Anomaly, InfinitiesCountUnlessOnlyNanIsAskedFor) {
  const Tensor x = zeros({2}).requires_grad_();
  {
    const DetectAnomalyGuard guard;
    EXPECT_THAT(message_of([&] { sqrt(x).sum().backward(); }),
                HasSubstr("Function 'SqrtBackward0' returned infinite values"));
  }
  for (const AnomalyCheck check : {AnomalyCheck::kNan, AnomalyCheck::kNone}) {
    const DetectAnomalyGuard guard(check);
    EXPECT_NO_THROW(sqrt(x).sum().backward());
  }
}

Tensor edited_after_use(const Tensor& x) {
  const ScopeLabel outer("decoder"), inner("attention");
  Tensor y = exp(x);
  const Tensor z = y.sum();
  y.add_(1);
  return z;
}

TEST(Anomaly, ErrorsTellTheForwardCallItsScopeAndItsStack) {
  const Tensor x = ones({2, 3}).requires_grad_();
  const DetectAnomalyGuard guard;
  const Tensor z = edited_after_use(x);
  EXPECT_THAT(message_of([&] { z.backward(); }),
              AllOf(HasSubstr("modified by an inplace operation"), HasSubstr("recorded by exp(["),
                    HasSubstr("(2, 3)]) in decoder > attention\n"), HasSubstr("tests_autograd")));
  EXPECT_EQ(ScopeLabel::path(), "");
}

struct Broken : autograd::Function<Broken> {
  static Tensor forward(autograd::FunctionContext&, const Tensor& x) { return x * 1; }
  static std::vector<Tensor> backward(autograd::FunctionContext&, const std::vector<Tensor>&) {
    return {};
  }
};

TEST(Anomaly, CustomFunctionsTellTheirCallToo) {
  const DetectAnomalyGuard guard;
  const ScopeLabel label("head");
  const Tensor y = Broken::apply(ones({2}).requires_grad_());
  EXPECT_THAT(message_of([&] { y.sum().backward(); }),
              AllOf(HasSubstr("incorrect number of gradients"),
                    HasSubstr("recorded by BrokenBackward(["), HasSubstr("in head")));
}

TEST(Anomaly, IsOffByDefaultAndScoped) {
  EXPECT_FALSE(autograd::is_anomaly_enabled());
  {
    const DetectAnomalyGuard outer(AnomalyCheck::kNan);
    {
      const DetectAnomalyGuard inner;
      EXPECT_EQ(autograd::anomaly_check(), AnomalyCheck::kNonFinite);
    }
    EXPECT_TRUE(autograd::is_anomaly_enabled());
    EXPECT_EQ(autograd::anomaly_check(), AnomalyCheck::kNan);
  }
  EXPECT_FALSE(autograd::is_anomaly_enabled());
  const Tensor x = tensor({-1.}).requires_grad_();
  const Tensor y = sqrt(x);
  y.backward({}, true);
  EXPECT_TRUE(std::isnan(values(x.grad())[0]));
  const DetectAnomalyGuard guard;
  EXPECT_THAT(message_of([&] { y.backward(); }), Not(HasSubstr("recorded by")));
}

}  // namespace
}  // namespace tenon
