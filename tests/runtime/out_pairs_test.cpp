// The out= forms of ops with two results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <tenon/autograd/grad_mode.h>
#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

using Pair = std::pair<Tensor, Tensor>;
using testing::HasSubstr;

struct PairOp {
  std::string name;
  std::function<Pair(const Tensor&)> make;
  std::function<std::pair<Tensor&, Tensor&>(Tensor&, Tensor&, const Tensor&)> write;
};

std::vector<PairOp> pair_ops() {
  using T = Tensor;
  return {
      {"max", [](const T& x) { return max(x, 1); },
       [](T& v, T& i, const T& x) { return max_out(v, i, x, 1); }},
      {"min", [](const T& x) { return min(x, 0, true); },
       [](T& v, T& i, const T& x) { return min_out(v, i, x, 0, true); }},
      {"sort", [](const T& x) { return sort(x, 1, true); },
       [](T& v, T& i, const T& x) { return sort_out(v, i, x, 1, true); }},
      {"topk", [](const T& x) { return topk(x, 2, 1, false); },
       [](T& v, T& i, const T& x) { return topk_out(v, i, x, 2, 1, false); }},
      {"kthvalue", [](const T& x) { return kthvalue(x, 2); },
       [](T& v, T& i, const T& x) { return kthvalue_out(v, i, x, 2); }},
      {"median", [](const T& x) { return median(x, 0); },
       [](T& v, T& i, const T& x) { return median_out(v, i, x, 0); }},
      {"nanmedian", [](const T& x) { return nanmedian(x, 1, true); },
       [](T& v, T& i, const T& x) { return nanmedian_out(v, i, x, 1, true); }},
      {"cummax", [](const T& x) { return cummax(x, 1); },
       [](T& v, T& i, const T& x) { return cummax_out(v, i, x, 1); }},
      {"cummin", [](const T& x) { return cummin(x, 0); },
       [](T& v, T& i, const T& x) { return cummin_out(v, i, x, 0); }},
      {"aminmax", [](const T& x) { return aminmax(x, 1); },
       [](T& v, T& i, const T& x) { return aminmax_out(v, i, x, 1); }},
  };
}

Tensor sample() { return tensor({{3.f, 1.f, 2.f}, {0.f, 5.f, 4.f}}); }

TEST(OutPairs, HoldWhatTheOpReturns) {
  for (const PairOp& op : pair_ops()) {
    SCOPED_TRACE(op.name);
    const Pair expected = op.make(sample());
    Tensor first = full_like(expected.first, 9), second = full_like(expected.second, 9);
    const TensorImpl *const own = first.impl(), *const own_second = second.impl();
    const auto [values, indices] = op.write(first, second, sample());
    EXPECT_TRUE(values.impl() == own && indices.impl() == own_second);
    EXPECT_EQ(first.to_vector<double>(), expected.first.to_vector<double>());
    EXPECT_EQ(second.to_vector<double>(), expected.second.to_vector<double>());
    Tensor any = empty({0}), any_second = empty({0}, expected.second.dtype());
    op.write(any, any_second, sample());
    EXPECT_EQ(any.sizes(), expected.first.sizes());
    EXPECT_EQ(any_second.to_vector<double>(), expected.second.to_vector<double>());
  }
}

TEST(OutPairs, RefuseWhatDoesNotFitBeforeTheyWrite) {
  for (const PairOp& op : pair_ops()) {
    SCOPED_TRACE(op.name);
    const Pair expected = op.make(sample());
    Tensor first = full_like(expected.first, 9), second = full_like(expected.second, 9);
    Tensor longer = empty({7}, second.dtype()), other = second.to(kInt8);
    const auto refused = [&](Tensor& a, Tensor& b) {
      return message_of([&] { op.write(a, b, sample()); });
    };
    EXPECT_THAT(refused(first, longer), HasSubstr(op.name + ": out must have the shape"));
    EXPECT_THAT(refused(first, other), HasSubstr(op.name + ": "));
    EXPECT_THAT(refused(first, first), HasSubstr(op.name + ": "));
    Tensor undefined;
    EXPECT_THAT(refused(first, undefined), HasSubstr("out= needs a defined tensor"));
    EXPECT_THAT(first.to_vector<float>(), testing::Each(9));
    const Tensor leaf = sample().requires_grad_();
    EXPECT_THAT(message_of([&] { op.write(first, second, leaf); }),
                HasSubstr("out=... arguments don't support automatic differentiation"));
    const NoGradGuard off;
    EXPECT_EQ(message_of([&] { op.write(first, second, leaf); }), "no error");
  }
}

}  // namespace
}  // namespace tenon
