// S10 to S15 of the notes that Tenon grew from: ops that end in _, and NumPy's indexing.
#include <set>
#include <string_view>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/memory/allocator.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Seed, S10_AddInPlaceMutatesReturnsSelfAndBumpsTheVersion) {
  Tensor y = ones({2, 3});
  const uint32_t version = y.version();
  EXPECT_TRUE(y.add_(ones({3})).is_same(y)) << "other is broadcast";
  EXPECT_EQ(y.version(), version + 1);
  EXPECT_THAT(values(y), Each(2));
}

TEST(Seed, S10_AddInPlaceKeepsShapeAndDType) {
  Tensor row = ones({3}), integers = ones({3}, kInt64), single = ones({3});
  EXPECT_THAT(message_of([&] {
                row.add_(ones({2, 3}));
              }),
              HasSubstr("must keep the shape of self"));
  EXPECT_THAT(message_of([&] { integers.add_(1.5); }),
              HasSubstr("result type Float can't be cast to the desired output type Long"));
  EXPECT_EQ(single.add_(ones({3}, kFloat64)).dtype(), kFloat32);
  Tensor repeated = ones({1}).expand({4});
  EXPECT_THAT(message_of([&] { repeated.add_(1); }), HasSubstr("single memory location"));
}

// fill_, zero_ and copy_ say what they do; drawing is always in place, but bernoulli has both.
TEST(Seed, S11_EveryOpThatEndsInUnderscoreHasATwin) {
  const std::set<std::string_view> alone = {"copy_",   "fill_",      "zero_",       "uniform_",
                                            "normal_", "random_",    "bernoulli_",  "exponential_",
                                            "cauchy_", "geometric_", "log_normal_", "resize_"};
  std::set<std::string_view> lonely;
  for (const Op* op : all_ops()) {
    const std::string_view name = op->name();
    EXPECT_FALSE(op->has(kInPlaceForm) && name.ends_with('_')) << name << "_";
    if (!name.ends_with('_') || alone.contains(name)) continue;
    if (find_op(name.substr(0, name.size() - 1)) == nullptr) lonely.insert(name);
  }
  EXPECT_THAT(lonely, IsEmpty());
}

TEST(Seed, S12_CopyBroadcastsConvertsMovesAndHandlesOverlap) {
  Tensor x = zeros({2, 3}, kInt32);
  EXPECT_TRUE(x.copy_(tensor({1.9, -2.9, 3.5})).is_same(x));
  EXPECT_THAT(values(x), ElementsAre(1, -2, 3, 1, -2, 3));
  Tensor line = arange(6);
  line.slice(0, 0, 5).copy_(line.slice(0, 1, 6));
  EXPECT_THAT(values(line), ElementsAre(1, 2, 3, 4, 5, 5));
  Tensor there = zeros({2}), host = zeros({2}, TensorOptions(Device()));
  there.copy_(tensor({7., 8.}, TensorOptions(Device())));
  host.copy_(there);
  EXPECT_THAT(values(host), ElementsAre(7, 8));
}

TEST(Seed, S12_CopyIsDifferentiableOnBothSides) {
  const Tensor x = zeros({2, 2}).requires_grad_(), source = ones({2}, kFloat64).requires_grad_();
  Tensor y = x * 3;
  y.copy_(source);
  (y * 2).sum().backward();
  EXPECT_THAT(values(x.grad()), Each(0));
  EXPECT_THAT(values(source.grad()), Each(4));
  EXPECT_EQ(source.grad().dtype(), kFloat64);
}

TEST(Seed, S13_TransposeInPlaceChangesTheHandleOnly) {
  Tensor x = arange(15).view({5, 3});
  const Tensor alias = x, earlier = x.view({5, 3});
  EXPECT_TRUE(x.t_().is_same(x));
  EXPECT_EQ(x.sizes(), (Shape{3, 5}));
  EXPECT_EQ(alias.strides(), (Shape{1, 3}));
  EXPECT_FALSE(x.is_contiguous());
  EXPECT_EQ(earlier.sizes(), (Shape{5, 3}));
  EXPECT_EQ(x.index({2, 4}).item<int64_t>(), 14);
}

TEST(Seed, S13_TransposeInPlaceRefusesCubesAndLeaves) {
  Tensor cube = zeros({2, 2, 2}), line = zeros({2}), leaf = ones({2, 3}).requires_grad_();
  EXPECT_THAT(message_of([&] { cube.t_(); }), HasSubstr("at most 2 dimensions were expected"));
  EXPECT_EQ(line.t_().sizes(), (Shape{2}));
  EXPECT_THAT(message_of([&] { leaf.t_(); }), HasSubstr("a leaf Variable that requires grad"));
  EXPECT_EQ(leaf.sizes(), (Shape{2, 3}));
}

TEST(Seed, S14_AColumnIsAView) {
  Tensor x = zeros({5, 3});
  Tensor column = x.index({Slice(), 1});
  EXPECT_EQ(column.sizes(), (Shape{5}));
  EXPECT_EQ(column.stride(0), 3);
  EXPECT_EQ(column.storage_offset(), 1);
  EXPECT_FALSE(column.is_contiguous());
  column.fill_(7);
  EXPECT_THAT(values(x.sum({0})), ElementsAre(0, 35, 0));
  EXPECT_EQ(column.version(), x.version());
}

TEST(Seed, S14_IndicesOutOfRange) {
  const Tensor x = zeros({5, 3});
  EXPECT_THAT(message_of([&] {
                (void)x.index({Slice(), 3});
              }),
              HasSubstr("index 3 is out of bounds for dimension 1 with size 3"));
  EXPECT_EQ(x.index({Slice(10, std::nullopt)}).sizes(), (Shape{0, 3}));
  EXPECT_THAT(message_of([&] { (void)x.index({Slice(0, 3, -1)}); }), HasSubstr("step"));
}

TEST(Seed, S14_OneElementNoneAndEllipsisAreViewsToo) {
  Tensor x = zeros({5, 3});
  EXPECT_EQ(x.index({0, 1}).dim(), 0);
  x.index({0, 1}).fill_(4);
  x.index({None, Ellipsis, 0}).fill_(2);
  EXPECT_EQ(x.index({None, Ellipsis, 0}).sizes(), (Shape{1, 5}));
  EXPECT_THAT(values(x[0]), ElementsAre(2, 4, 0));
}

TEST(Seed, S14_ListsAndMasksCopy) {
  const Tensor x = arange(15.0).view({5, 3});
  Tensor rows = x.index({tensor({0, 2})}), picked = x.index({x.gt(12)});
  EXPECT_THAT(values(rows), ElementsAre(0, 1, 2, 6, 7, 8));
  EXPECT_THAT(values(picked), ElementsAre(13, 14));
  rows.zero_();
  picked.zero_();
  EXPECT_EQ(x.sum().item<float>(), 105);
}

TEST(Seed, S14_StridesReachTheDeviceWithoutACopy) {
  const Tensor x = arange(15.0).view({5, 3});
  Tensor out = empty({5});
  add_out(out, x.index({Slice(), 1}), 1);  // kernels are made
  const uint64_t before = memory_stats(x.device()).allocations;
  add_out(out, x.index({Slice(), 1}), 1);
  x.index({Slice(), 2}).mul_(2);
  EXPECT_EQ(memory_stats(x.device()).allocations, before);
  EXPECT_THAT(values(out), ElementsAre(2, 5, 8, 11, 14));
}

TEST(Seed, S15_SlicesAreAssigned) {
  Tensor z = zeros({3, 2});
  z.index_put_({Slice(), 1}, tensor({1., 2., 3.}));
  z.index_put_({0}, 7);
  EXPECT_THAT(values(z), ElementsAre(7, 7, 0, 2, 0, 3));
  z.index_put_({z.gt(2.5)}, -1);
  EXPECT_THAT(values(z), ElementsAre(-1, -1, 0, 2, 0, -1));
  z.index_put_({1, Slice()}, z.index({0}) + 9);
  EXPECT_THAT(values(z), ElementsAre(-1, -1, 8, 8, 0, -1));
}

}  // namespace
}  // namespace tenon
