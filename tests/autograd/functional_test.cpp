// Jacobians, Hessians and products with them, against formulas.
#include <tenon/autograd/functional.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using namespace autograd;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

using Tensors = std::vector<Tensor>;

// f(x, w) = (x * w, sum(x²))
Tensors two_of_two(const Tensors& in) { return {in[0] * in[1], square(in[0]).sum()}; }
// g(x, w) = sum(x² * w)
Tensors one_of_two(const Tensors& in) { return {(square(in[0]) * in[1]).sum()}; }

const auto kX = [] { return tensor<double>({2, 3}, kFloat64); };
const auto kW = [] { return tensor<double>({5, 7}, kFloat64); };

TEST(Functional, JacobianOfEveryOutputByEveryInput) {
  const std::vector<Tensors> j = jacobian(two_of_two, {kX(), kW()});
  EXPECT_THAT(values(j[0][0]), ElementsAre(5, 0, 0, 7));
  EXPECT_THAT(values(j[0][1]), ElementsAre(2, 0, 0, 3));
  EXPECT_THAT(values(j[1][0]), ElementsAre(4, 6));
  EXPECT_THAT(values(j[1][1]), Each(0)) << "independent";
  EXPECT_FALSE(j[0][0].requires_grad());
}

TEST(Functional, JacobianHasTheSizesOfOutputAndInput) {
  const Tensor x = rand({2, 3}, kFloat64), w = rand({3, 4}, kFloat64);
  const Tensor j = jacobian([&w](const Tensor& a) { return matmul(a, w); }, x);
  EXPECT_EQ(j.sizes(), (Shape{2, 4, 2, 3}));
  EXPECT_EQ(values(j.index({0, Slice(), 0})), values(w.t()));
  EXPECT_THAT(values(j.index({0, Slice(), 1})), Each(0));
  EXPECT_EQ(jacobian([](const Tensor& a) { return a * 2; }, zeros({0, 3})).sizes(),
            (Shape{0, 3, 0, 3}));
}

TEST(Functional, HessianOfOneNumber) {
  const Tensor h = hessian([](const Tensor& x) { return (x * x * x).sum(); }, kX());
  EXPECT_THAT(values(h), ElementsAre(12, 0, 0, 18));
  const std::vector<Tensors> blocks = hessian(one_of_two, {kX(), kW()});
  EXPECT_THAT(values(blocks[0][0]), ElementsAre(10, 0, 0, 14));
  EXPECT_THAT(values(blocks[0][1]), ElementsAre(4, 0, 0, 6));
  EXPECT_THAT(values(blocks[1][0]), ElementsAre(4, 0, 0, 6));
  EXPECT_THAT(values(blocks[1][1]), Each(0)) << "linear";
}

TEST(Functional, VectorsTimesJacobians) {
  const Tensors v = {tensor<double>({1, 10}, kFloat64), tensor<double>({100}, kFloat64)[0]};
  const auto [outputs, product] = vjp(two_of_two, {kX(), kW()}, v);
  EXPECT_THAT(values(outputs[0]), ElementsAre(10, 21));
  EXPECT_THAT(values(product[0]), ElementsAre(405, 670));
  EXPECT_THAT(values(product[1]), ElementsAre(2, 30));
  EXPECT_THAT(values(vjp(one_of_two, {kX(), kW()}).second[1]), ElementsAre(4, 9));
}

TEST(Functional, JacobiansTimesVectors) {
  const Tensors v = {tensor<double>({1, 10}, kFloat64), tensor<double>({100, 1000}, kFloat64)};
  const auto [outputs, product] = jvp(two_of_two, {kX(), kW()}, v);
  EXPECT_THAT(values(product[0]), ElementsAre(205, 3070));
  EXPECT_THAT(values(product[1]), ElementsAre(64));
  EXPECT_THAT(
      values(jvp([](const Tensors& in) { return Tensors{ones_like(in[0])}; }, {kX()}, {kX()})
                 .second[0]),
      Each(0));
}

TEST(Functional, HessiansTimesVectors) {
  const Tensors v = {tensor<double>({1, 10}, kFloat64), tensor<double>({100, 1000}, kFloat64)};
  for (const auto product_of : {&vhp, &hvp}) {
    const auto [outputs, product] = product_of(one_of_two, {kX(), kW()}, v, {});
    EXPECT_THAT(values(outputs[0]), ElementsAre(20 + 63));
    EXPECT_THAT(values(product[0]), ElementsAre(10 + 400, 140 + 6000));
    EXPECT_THAT(values(product[1]), ElementsAre(4, 60));
  }
}

TEST(Functional, ResultsMayBeDifferentiatedOn) {
  const Tensor x = kX().requires_grad_();
  const Tensor j = jacobian([](const Tensor& a) { return a * a * a; }, x, {.create_graph = true});
  EXPECT_THAT(values(grad({j.sum()}, {x})[0]), ElementsAre(12, 18));
  const Tensor h =
      hessian([](const Tensor& a) { return (a * a * a * a).sum(); }, x, {.create_graph = true});
  EXPECT_THAT(values(grad({h.sum()}, {x})[0]), ElementsAre(48, 72)) << "a third derivative";
  EXPECT_FALSE(x.grad().defined());
}

TEST(Functional, RunsUnderNoGrad) {
  const NoGradGuard guard;
  EXPECT_THAT(values(jacobian([](const Tensor& a) { return a * 2; }, kX())),
              ElementsAre(2, 0, 0, 2));
}

TEST(Functional, RefusesWhatDoesNotFit) {
  const auto message = [](auto&& f) { return message_of(f); };
  EXPECT_THAT(message([] {
                (void)vjp(two_of_two, {kX(), kW()});
              }),
              HasSubstr("vjp: the function must return one tensor of one element, got 2 tensors"));
  EXPECT_THAT(message([] {
                (void)vjp(one_of_two, {kX(), kW()}, {kX()});
              }),
              HasSubstr("v[0] must have the sizes of its output, (), got (2)"));
  EXPECT_THAT(message([] {
                (void)jvp(two_of_two, {kX(), kW()}, {kX()});
              }),
              HasSubstr("v must have one tensor for each input, 2, got 1"));
  EXPECT_THAT(message([] { (void)hessian([](const Tensor& x) { return x; }, kX()); }),
              HasSubstr("one tensor of one element"));
  EXPECT_THAT(message([] {
                (void)jacobian(two_of_two, {kX(), kW()}, {.strict = true});
              }),
              HasSubstr("does not depend on input 1"));
  EXPECT_THAT(message([] { (void)jacobian([](const Tensor& x) { return x; }, ones({1}, kInt64)); }),
              HasSubstr("Only Tensors of floating point"));
}

}  // namespace
}  // namespace tenon
