// Tensor::index and index_put_, by NumPy's rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor ramp(const Shape& sizes) { return arange(sizes.numel(), kFloat32).view(sizes); }
std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }

TEST(BasicIndexing, IntegersDropTheirDimension) {
  const Tensor x = ramp({2, 3});
  EXPECT_EQ(x.index({1, 2}).sizes(), (Shape{}));
  EXPECT_EQ(x.index({1, -1}).item<float>(), 5);
  EXPECT_THAT(values(x.index({-1})), ElementsAre(3, 4, 5));
}

TEST(BasicIndexing, SlicesClampAndCountFromTheEnd) {
  const Tensor x = ramp({5});
  EXPECT_THAT(values(x.index({Slice(1, 4)})), ElementsAre(1, 2, 3));
  EXPECT_THAT(values(x.index({Slice(std::nullopt, std::nullopt, 2)})), ElementsAre(0, 2, 4));
  EXPECT_THAT(values(x.index({Slice(-2, std::nullopt)})), ElementsAre(3, 4));
  EXPECT_EQ(x.index({Slice(10, std::nullopt)}).sizes(), (Shape{0}));
  EXPECT_EQ(x.index({Slice(3, 1)}).sizes(), (Shape{0}));
}

TEST(BasicIndexing, NoneInsertsAndEllipsisFillsUp) {
  const Tensor x = ramp({2, 3, 4});
  EXPECT_EQ(x.index({None, Ellipsis, 0}).sizes(), (Shape{1, 2, 3}));
  EXPECT_EQ(x.index({"...", None}).sizes(), (Shape{2, 3, 4, 1}));
  EXPECT_EQ(x.index({0, Ellipsis, Slice(1, 3)}).sizes(), (Shape{3, 2}));
  EXPECT_EQ(x.index({0, Ellipsis, 1, 2}).item<float>(), 6);
  EXPECT_EQ(x.index({}).sizes(), x.sizes());
}

TEST(BasicIndexing, ResultsAreViewsOfTheirOwn) {
  Tensor x = ramp({2, 3});
  Tensor all = x.index({Ellipsis});
  all.t_();
  EXPECT_EQ(x.sizes(), (Shape{2, 3}));
  x.index({Slice(), 1}).fill_(9);
  EXPECT_THAT(values(x), ElementsAre(0, 9, 2, 3, 9, 5));
}

TEST(BasicIndexing, AssignsNumbersAndTensors) {
  Tensor x = ramp({2, 3});
  x.index_put_({0}, 7);
  x.index_put_({Slice(), 2}, tensor({1.f, 2.f}));
  x.index_put_({1, Slice(0, 2)}, tensor({{8.f, 9.f}}));  // a leading 1 is dropped
  EXPECT_THAT(values(x), ElementsAre(7, 7, 1, 8, 9, 2));
}

TEST(TensorIndexing, PositionsOfAnEmptyDimensionAreRefusedByTheOpThatWasCalled) {
  Tensor x = zeros({2, 0, 3});
  const Tensor one = tensor({int64_t{0}}), none = zeros({0}, kInt64);
  const auto refused = [](const char* op) {
    return HasSubstr(std::string(op) + ": dimension 1 of ");
  };
  EXPECT_THAT(message_of([&] { (void)x.index({Slice(), one}); }), refused("index"));
  EXPECT_THAT(message_of([&] { (void)x.index({one, one}); }), refused("index"));
  EXPECT_THAT(message_of([&] { x.index_put_({0, one}, 1); }), HasSubstr("index: dimension 0 of "));
  EXPECT_THAT(message_of([&] { (void)index_select(x, 1, one); }), refused("index_select"));
  EXPECT_THAT(message_of([&] { (void)index_fill(x, 1, one, 1); }), refused("index_fill"));
  EXPECT_THAT(message_of([&] {
                (void)index_copy(x, 1, one, zeros({2, 1, 3}));
              }),
              refused("index_copy"));
  EXPECT_THAT(message_of([&] {
                (void)take_along_dim(x, zeros({2, 1, 3}, kInt64), 1);
              }),
              refused("take_along_dim"));
  EXPECT_EQ(x.index({Slice(), none}).sizes(), (Shape{2, 0, 3}));
  EXPECT_EQ(x.index({one, none}).sizes(), (Shape{0, 3}));
}

TEST(BasicIndexing, RefusesWhatIsNotThere) {
  Tensor x = ramp({2, 3});
  EXPECT_THAT(message_of([&] { (void)x.index({2}); }), HasSubstr("index 2 is out of bounds"));
  EXPECT_THAT(message_of([&] { (void)x.index({0, 0, 0}); }), HasSubstr("too many indices"));
  EXPECT_THAT(message_of([&] { (void)x.index({Ellipsis, Ellipsis}); }), HasSubstr("one ellipsis"));
  EXPECT_THAT(message_of([&] { (void)x.index({Slice(0, 2, -1)}); }), HasSubstr("step"));
  EXPECT_THAT(message_of([&] { (void)x.index({"..", 0}); }), HasSubstr("..."));
  EXPECT_THAT(message_of([&] { x.index_put_({0}, ramp({4})); }), HasSubstr("(3) and (4)"));
  EXPECT_THAT(values(x), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(BasicIndexing, GradientsFlowThroughViewsAndAssignments) {
  const Tensor x = ramp({2, 3}).requires_grad_();
  x.index({Slice(), 1}).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 1, 0, 0, 1, 0));
  const Tensor y = ramp({2, 3}).requires_grad_();
  Tensor z = y.mul(2);
  z.index_put_({0}, 5);
  z.sum().backward();
  EXPECT_THAT(values(y.grad()), ElementsAre(0, 0, 0, 2, 2, 2));
}

// ---- index tensors and masks; expected values are NumPy's ----

TEST(TensorIndexing, PicksAlongADimension) {
  const Tensor x = ramp({3, 4});
  EXPECT_THAT(values(x.index({tensor({2, 0})})), ElementsAre(8, 9, 10, 11, 0, 1, 2, 3));
  EXPECT_THAT(values(x.index({Slice(), tensor({-1, 1})})), ElementsAre(3, 1, 7, 5, 11, 9));
  EXPECT_EQ(x.index({Slice(), tensor({{0, 1}, {2, 3}})}).sizes(), (Shape{3, 2, 2}));
  EXPECT_THAT(values(x.index({1, tensor({3, 3})})), ElementsAre(7, 7));
}

TEST(TensorIndexing, SeveralIndicesGoTogether) {
  const Tensor x = ramp({3, 4});
  EXPECT_THAT(values(x.index({tensor({0, 2}), tensor({1, 3})})), ElementsAre(1, 11));
  const Tensor y = ramp({2, 3, 4});
  EXPECT_EQ(y.index({Slice(), tensor({0, 2}), tensor({1, 3})}).sizes(), (Shape{2, 2}));
  const Tensor apart = y.index({tensor({0, 1, 1}), Slice(), tensor({1, 3, 0})});  // to the front
  EXPECT_EQ(apart.sizes(), (Shape{3, 3}));
  EXPECT_THAT(values(apart.select(0, 1)), ElementsAre(15, 19, 23));
  EXPECT_EQ(y.index({tensor({{0}, {1}}), tensor({0, 2})}).sizes(), (Shape{2, 2, 4}));
}

TEST(TensorIndexing, MasksPickAndAssign) {
  Tensor x = ramp({2, 3});
  EXPECT_THAT(values(x.index({x.gt(2)})), ElementsAre(3, 4, 5));
  EXPECT_THAT(values(x.index({tensor({true, false}), 1})), ElementsAre(1));
  EXPECT_EQ(x.index({x.gt(9)}).sizes(), (Shape{0}));
  x.index_put_({x.gt(3)}, -1);
  EXPECT_THAT(values(x), ElementsAre(0, 1, 2, 3, -1, -1));
  x.index_put_({Slice(), tensor({true, false, false})}, 8);
  EXPECT_THAT(values(x), ElementsAre(8, 1, 2, 8, -1, -1));
}

TEST(TensorIndexing, MasksTakeAsManyValuesAsTheyHaveTrueElements) {
  Tensor x = ramp({2, 3});
  x.index_put_({x.gt(3)}, tensor({10.f, 20.f}));
  EXPECT_THAT(values(x), ElementsAre(0, 1, 2, 3, 10, 20));
  x.index_put_({tensor({true, false})}, tensor({7.f, 8.f, 9.f}));  // for each row
  EXPECT_THAT(values(x), ElementsAre(7, 8, 9, 3, 10, 20));
  EXPECT_THAT(message_of([&] {
                x.index_put_({x.gt(8)}, tensor({1.f, 2.f}));
              }),
              HasSubstr("broadcast to (3)"));
}

TEST(TensorIndexing, TruthsAreDimensionsOfOneOrNone) {
  const Tensor x = ramp({2, 3});
  EXPECT_EQ(x.index({true}).sizes(), (Shape{1, 2, 3}));
  EXPECT_EQ(x.index({false}).sizes(), (Shape{0, 2, 3}));
  EXPECT_EQ(x.index({tensor({true}).view({}), Slice(), tensor({0, 1})}).sizes(), (Shape{2, 2}));
  EXPECT_EQ(x.index({true, tensor({0, 1, 1})}).sizes(), (Shape{3, 3}));
  Tensor y = ramp({2});
  y.index_put_({false}, 9);
  EXPECT_THAT(values(y), ElementsAre(0, 1));
  y.index_put_({y.gt(0).any()}, 9);
  EXPECT_THAT(values(y), ElementsAre(9, 9));
}

TEST(TensorIndexing, IntegersOfOtherKinds) {
  Tensor x = ramp({3});
  const std::vector<int64_t> list = {-1, 0};
  EXPECT_THAT(values(x.index({list})), ElementsAre(2, 0));
  EXPECT_THAT(values(x.index({tensor(list).to(kInt32)})), ElementsAre(2, 0));
  EXPECT_THAT(values(x.index({tensor({1, 0, 1}).to(kUInt8)})), ElementsAre(0, 2));  // a mask
  EXPECT_EQ(x.index({std::vector<int64_t>{}}).sizes(), (Shape{0}));
  x.index({tensor({1}).view({})}).fill_(9);  // a 0-dim position makes a view
  EXPECT_THAT(values(x), ElementsAre(0, 9, 2));
}

TEST(TensorIndexing, DuplicatesLastWinsOrSums) {
  Tensor x = zeros({3}, kFloat32);
  x.index_put_({tensor({1, 1, 2})}, tensor({5.f, 6.f, 7.f}));
  EXPECT_THAT(values(x), ElementsAre(0, 6, 7));
  x.index_put_({tensor({1, 1, 2})}, tensor({5.f, 6.f, 7.f}), true);
  EXPECT_THAT(values(x), ElementsAre(0, 17, 14));
  x.index_put_({Slice(1, 3)}, 1, true);
  EXPECT_THAT(values(x), ElementsAre(0, 18, 15));
}

TEST(TensorIndexing, ValuesMayBeTheTensorItself) {
  Tensor x = ramp({4});
  x.index_put_({tensor({3, 2, 1, 0})}, x);
  EXPECT_THAT(values(x), ElementsAre(3, 2, 1, 0));
  x.index_put_({tensor({1, 2, 3})}, x.index({Slice(0, 3)}));
  EXPECT_THAT(values(x), ElementsAre(3, 3, 2, 1));
  scatter_add_(x, 0, tensor({3, 2, 1, 0}), x);
  EXPECT_THAT(values(x), ElementsAre(4, 5, 5, 4));
  Tensor positions = tensor({2, 0, 1});
  positions.index_put_({positions}, positions);
  EXPECT_THAT(positions.to_vector<int64_t>(), ElementsAre(0, 1, 2));
}

TEST(TensorIndexing, WritesKeepHistoryAndVersion) {
  const Tensor x = ramp({3}).requires_grad_();
  Tensor y = x.mul(2);
  const uint32_t version = y.version();
  const Tensor value = tensor({4.f}).requires_grad_();
  y.index_put_({tensor({1})}, value);
  EXPECT_EQ(y.version(), version + 1);
  EXPECT_NE(join_text(y.str()).find("IndexPutBackward0"), std::string::npos);
  (y * y).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 0, 16));
  EXPECT_THAT(values(value.grad()), ElementsAre(8));
  Tensor leaf = ramp({3}).requires_grad_();
  EXPECT_THAT(message_of([&] { leaf.index_put_({tensor({1})}, 1); }), HasSubstr("leaf"));
}

TEST(TensorIndexing, WherePutsColumnsApart) {
  const std::vector<Tensor> found = where(ramp({2, 3}).gt(2));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].to_vector<int64_t>(), ElementsAre(1, 1, 1));
  EXPECT_THAT(found[1].to_vector<int64_t>(), ElementsAre(0, 1, 2));
  EXPECT_EQ(where(ramp({})).size(), 1u);
}

TEST(TensorIndexing, ResultsAreCopies) {
  const Tensor x = ramp({4});
  x.index({tensor({0, 1})}).fill_(9);
  EXPECT_THAT(values(x), ElementsAre(0, 1, 2, 3));
}

TEST(TensorIndexing, GradientsReturnToWhereTheyCameFrom) {
  const Tensor x = ramp({3}).requires_grad_();
  x.index({tensor({0, 2, 2})}).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(1, 0, 2));
  const Tensor y = ramp({3}).requires_grad_();
  Tensor z = y.mul(3);
  z.index_put_({y.detach().gt(0.5)}, 0);
  z.sum().backward();
  EXPECT_THAT(values(y.grad()), ElementsAre(3, 0, 0));
}

TEST(TensorIndexing, RefusesWhatIsNotThere) {
  Tensor x = ramp({2, 3});
  const auto at = [&](const Tensor& index) {
    return message_of([&] {
      (void)x.index({Slice(), index});
      synchronize(default_device());
    });
  };
  EXPECT_THAT(at(tensor({0, 3})), HasSubstr("index"));
  EXPECT_THAT(at(tensor({-4})), HasSubstr("index"));
  EXPECT_THAT(at(tensor({1.f})), HasSubstr("int64 or bool"));
  EXPECT_THAT(at(tensor({true, false})), HasSubstr("a mask must have the sizes (3)"));
}

}  // namespace
}  // namespace tenon
