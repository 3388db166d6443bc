// S1 to S9 of the notes that Tenon grew from: what a tensor is, four ways to add.
#include <bit>
#include <limits>

#include <tenon/runtime/memory/allocator.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Seed, S01_ATensorIsAnArrayOnADevice) {
  const Tensor a = arange(6.0).view({2, 3});
  EXPECT_EQ(a.sizes(), (Shape{2, 3}));
  EXPECT_EQ(a.strides(), (Shape{3, 1}));
  EXPECT_EQ(a.dtype(), kFloat32);
  EXPECT_EQ(a.device(), default_device());
  const Tensor same = a, row = a[1];
  EXPECT_TRUE(same.is_same(a));
  EXPECT_EQ(row.impl()->storage, a.impl()->storage) << "storage is shared and counted";
  EXPECT_EQ(row.storage_offset(), 3);
}

TEST(Seed, S02_ArraysNeedNoGraph) {
  const int64_t before = autograd::Node::live_count();
  const Tensor a = ones({2, 3});
  const Tensor b = (a + a).matmul(a.t()).exp().sum();
  EXPECT_FALSE(b.requires_grad());
  EXPECT_EQ(b.grad_fn(), nullptr);
  EXPECT_EQ(autograd::Node::live_count(), before);
}

TEST(Seed, S03_ShapeAndDataAreSpeltApart) {
  EXPECT_EQ(empty({5, 3}).sizes(), (Shape{5, 3}));
  EXPECT_EQ(empty({5, 3}).dtype(), kFloat32);
  EXPECT_EQ(empty({5}).sizes(), (Shape{5}));
  EXPECT_EQ(empty({0}).numel(), 0);
  EXPECT_THAT(values(tensor({5., 3.})), ElementsAre(5, 3));
  EXPECT_EQ(tensor({5., 3.}).dtype(), kFloat32);
  EXPECT_EQ(tensor({5, 3}).dtype(), kInt64);
}

// A program that reads uninitialised memory shows itself when that memory is never by chance 0.
TEST(Seed, S03_UninitialisedMemoryMayBeFilled) {
  set_fill_uninitialized_memory(true);
  const Tensor half = empty({3}, kBFloat16), single = empty({2, 2}), whole = empty({3}, kInt16);
  const Tensor byte = empty({1}, kUInt8), flag = empty_like(byte, kBool), none = empty({0});
  set_fill_uninitialized_memory(false);
  EXPECT_TRUE(isnan(half).all().item<bool>());
  EXPECT_TRUE(isnan(single).all().item<bool>());
  EXPECT_THAT(values(whole), Each(std::numeric_limits<int16_t>::max()));
  EXPECT_THAT(values(byte), Each(255));
  EXPECT_TRUE(flag.item<bool>());
  EXPECT_EQ(none.numel(), 0);
}

TEST(Seed, S04_UniformNumbersNeverReachOne) {
  for (const DType dtype : {kFloat16, kBFloat16, kFloat32, kFloat64}) {
    const Tensor x = rand({64, 64}, dtype).to(kFloat64);
    EXPECT_GE(x.min().item<double>(), 0) << name(dtype);
    EXPECT_LT(x.max().item<double>(), 1) << name(dtype);
    EXPECT_NEAR(x.mean().item<double>(), 0.5, 0.03) << name(dtype);
  }
  EXPECT_EQ(rand({5, 3}).sizes(), (Shape{5, 3}));
}

TEST(Seed, S05_EvaluatingPrints) {
  const TensorOptions host{Device()};
  EXPECT_EQ(tensor({0.5, 2.25}, host).str(), "tensor([0.5000, 2.2500])");
  EXPECT_EQ(tensor({0.5, 501.}, host).str(), "tensor([5.0000e-01, 5.0100e+02])");
  EXPECT_EQ(tensor({2e8, 1e8}, host).str(), "tensor([2.0000e+08, 1.0000e+08])");
  EXPECT_EQ(tensor({1e-5, 2e-5}, host).str(), "tensor([1.0000e-05, 2.0000e-05])");
  EXPECT_EQ(arange(1001.0, host).str(), "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])");
  EXPECT_EQ(zeros({0, 3}, host).str(), "tensor([], size=(0, 3))");
  EXPECT_EQ(tensor({1., kNan, std::numeric_limits<double>::infinity()}, host).str(),
            "tensor([1., nan, inf])");
  const Tensor x = ones({1}, host).requires_grad_();
  EXPECT_EQ(x.str(), "tensor([1.], requires_grad=True)");
  EXPECT_EQ((x + 1).str(), "tensor([2.], grad_fn=<AddBackward0>)");
}

TEST(Seed, S06_SizeIsATuple) {
  const Tensor x = empty({5, 3});
  const Shape size = x.sizes();
  EXPECT_EQ(size, (Shape{5, 3}));
  EXPECT_EQ(size.size(), 2u);
  EXPECT_EQ(size[1], 3);
  EXPECT_EQ(size.slice(1, 2), (Shape{3}));
  EXPECT_EQ(size + Shape{7}, (Shape{5, 3, 7}));
  EXPECT_EQ(x.numel(), 15);
  EXPECT_EQ(x.size(-1), 3);
  EXPECT_THAT(message_of([&] { (void)x.size(2); }),
              HasSubstr("Dimension out of range (expected to be in range of [-2, 1], but got 2)"));
}

TEST(Seed, S07_TwoSpellingsGiveTheSameBits) {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  EXPECT_EQ((x + y).to_vector<float>(), add(x, y).to_vector<float>());
  EXPECT_EQ(add(tensor({1}), tensor({10}), 2).item<int64_t>(), 21);
  EXPECT_EQ(sub(tensor({1}), tensor({10}), 2).item<int64_t>(), -19);
  EXPECT_THAT(message_of([] { (void)add(tensor({1}), tensor({2}), 0.5); }),
              HasSubstr("must not be a floating point number"));
}

TEST(Seed, S07_AddPromotes) {
  EXPECT_EQ((tensor({1, 2}) + 1.5).dtype(), kFloat32);
  EXPECT_EQ((tensor({1, 2}) + 1).dtype(), kInt64);
  EXPECT_EQ((ones({2}, kFloat16) + 1.5).dtype(), kFloat16);
  EXPECT_EQ((ones({2}, kInt8) + 1000).dtype(), kInt8);
  EXPECT_EQ((ones({2}, kFloat32) + ones({}, kFloat64)).dtype(), kFloat32);
  EXPECT_EQ((ones({2}, kInt64) + ones({}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ((ones({}, kFloat32) + ones({}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ(div(tensor({1}), tensor({2})).dtype(), kFloat32);
  const Tensor both = ones({1}, kBool) + ones({1}, kBool);
  EXPECT_EQ(both.dtype(), kBool);
  EXPECT_TRUE(both.item<bool>()) << "or";
  EXPECT_THAT(message_of([] { (void)sub(ones({1}, kBool), ones({1}, kBool)); }), HasSubstr("bool"));
}

TEST(Seed, S08_OutKeepsItsMemoryAndStrides) {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  Tensor result = empty({5, 3}), columns = empty({3, 5}).t();
  const Storage* memory = result.impl()->storage.get();
  EXPECT_TRUE(add_out(result, x, y).is_same(result));
  EXPECT_EQ(result.impl()->storage.get(), memory);
  EXPECT_EQ(values(result), values(x + y));
  EXPECT_EQ(add_out(columns, x, y).strides(), (Shape{1, 5}));
  EXPECT_EQ(values(columns), values(x + y));
}

TEST(Seed, S08_OutThatIsEmptyTakesTheShapeAWrongOneIsRefused) {
  const Tensor x = rand({5, 3});
  Tensor fresh = empty({0}), wrong = empty({5, 4});
  EXPECT_EQ(add_out(fresh, x, 1).sizes(), (Shape{5, 3}));
  EXPECT_THAT(message_of([&] { add_out(wrong, x, 1); }),
              HasSubstr("out must have the shape (5, 3)"));
}

TEST(Seed, S08_OutWidensButNeverTruncatesToIntegers) {
  const Tensor x = ones({2});
  Tensor wide = empty({2}, kFloat64), integers = empty({2}, kInt64);
  EXPECT_EQ(add_out(wide, x, 1).dtype(), kFloat64);
  EXPECT_THAT(values(wide), Each(2));
  EXPECT_THAT(message_of([&] { add_out(integers, x, 1); }),
              HasSubstr("result type Float can't be cast to the desired output type Long"));
}

TEST(Seed, S08_OutMayBeAnInputButNotOverlapOnePartly) {
  Tensor x = tensor({1., 2., 3.});
  add_out(x, x, x);
  EXPECT_THAT(values(x), ElementsAre(2, 4, 6));
  const Tensor buffer = zeros({6});
  Tensor shifted = buffer.slice(0, 1, 6);
  EXPECT_THAT(message_of([&] { add_out(shifted, buffer.slice(0, 0, 5), 1); }),
              HasSubstr("single memory location"));
}

TEST(Seed, S08_OutIsNotDifferentiated) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor out = empty({2});
  EXPECT_THAT(
      message_of([&] { add_out(out, x, 1); }),
      HasSubstr("functions with out=... arguments don't support automatic differentiation"));
  const NoGradGuard guard;
  add_out(out, x, 1);
  EXPECT_THAT(values(out), Each(2));
}

TEST(Seed, S09_OutIsWrittenNotRead) {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  Tensor sum = full({5, 3}, kNan), product = full({5, 5}, kNan), mixed = full({5, 5}, kNan);
  EXPECT_EQ(values(add_out(sum, x, y)), values(x + y));
  EXPECT_EQ(values(product.copy_(matmul(x, y.t()))), values(matmul(x, y.t())));
  // beta = 0 drops what it multiplies, NaN included.
  EXPECT_EQ(values(addmm(mixed, x, y.t(), 0, 1)), values(matmul(x, y.t())));
}

}  // namespace
}  // namespace tenon
