// The tensor statements of the project's seed: creation, adding, in-place, views, promotion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <tenon/runtime/memory/allocator.h>
#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }

TEST(Tensor, SizeCountsFromTheEnd) {
  const Tensor x = empty({5, 3});
  EXPECT_EQ(x.sizes(), (Shape{5, 3}));
  EXPECT_EQ(x.size(-1), 3);
  EXPECT_EQ(x.numel(), 15);
  EXPECT_THAT(message_of([&] { (void)x.size(2); }),
              HasSubstr("expected to be in range of [-2, 1], but got 2"));
}

TEST(Tensor, ShapeAndDataAreSpeltApart) {
  EXPECT_EQ(empty({5, 3}).sizes(), (Shape{5, 3}));
  EXPECT_THAT(values(tensor({5., 3.})), ElementsAre(5, 3));
  EXPECT_EQ(tensor({5, 3}).dtype(), kInt64);
  EXPECT_EQ(tensor({5., 3.}).dtype(), kFloat32);
  EXPECT_EQ(empty({0}).numel(), 0);
}

TEST(Tensor, UndefinedIsAnErrorNotACrash) {
  const Tensor none;
  EXPECT_THROW((void)none.sizes(), Error);
  EXPECT_THROW((void)add(none, 1), Error);
}

TEST(Add, BothSpellingsGiveTheSameBits) {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  EXPECT_EQ(values(x + y), values(add(x, y)));
}

TEST(Add, ScalesByAlpha) {
  EXPECT_EQ(add(tensor({1}), tensor({10}), 2).item<int64_t>(), 21);
  EXPECT_EQ(sub(tensor({1}), tensor({10}), 2).item<int64_t>(), -19);
  EXPECT_THAT(message_of([] { (void)add(tensor({1}), tensor({2}), 0.5); }),
              HasSubstr("must not be a floating point number"));
}

TEST(Add, PromotesTensorsAndNumbersAsPyTorch) {
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
  EXPECT_TRUE(both.item<bool>());
  EXPECT_THAT(message_of([] { (void)sub(ones({1}, kBool), ones({1}, kBool)); }),
              HasSubstr("bool"));
}

TEST(AddOut, WritesIntoTheSameMemory) {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  Tensor out = full({5, 3}, std::numeric_limits<double>::quiet_NaN());
  const Storage* before = out.impl()->storage.get();
  EXPECT_TRUE(add_out(out, x, y).is_same(out));
  EXPECT_EQ(out.impl()->storage.get(), before);
  EXPECT_EQ(values(out), values(x + y));
}

TEST(AddOut, KeepsTheStridesOfOut) {
  const Tensor x = rand({5, 3});
  Tensor out = empty({3, 5}).t();
  add_out(out, x, 1);
  EXPECT_EQ(out.strides(), (Shape{1, 5}));
  EXPECT_EQ(values(out), values(x + 1));
}

TEST(AddOut, ResizesAnEmptyOutAndRefusesAWrongOne) {
  const Tensor x = rand({5, 3});
  Tensor fresh = empty({0}), wrong = empty({5, 4});
  add_out(fresh, x, 1);
  EXPECT_EQ(values(fresh), values(x + 1));
  EXPECT_THAT(message_of([&] { add_out(wrong, x, 1); }), HasSubstr("out must have the shape (5, 3)"));
}

TEST(AddOut, WidensButNeverTruncatesToIntegers) {
  const Tensor x = ones({2});
  Tensor wide = empty({2}, kFloat64), integers = empty({2}, kInt64);
  add_out(wide, x, 1);
  EXPECT_EQ(wide.dtype(), kFloat64);
  EXPECT_THAT(message_of([&] { add_out(integers, x, 1); }),
              HasSubstr("result type Float can't be cast to the desired output type Long"));
}

TEST(AddOut, MayBeAnInputButNotOverlapOnePartly) {
  Tensor x = tensor({1., 2., 3.});
  add_out(x, x, x);
  EXPECT_THAT(values(x), ElementsAre(2, 4, 6));
  const Tensor buffer = zeros({6});
  Tensor shifted = buffer.slice(0, 1, 6);
  EXPECT_THAT(message_of([&] { add_out(shifted, buffer.slice(0, 0, 5), 1); }),
              HasSubstr("single memory location"));
}

TEST(InPlace, MutatesBumpsTheVersionAndReturnsSelf) {
  Tensor y = ones({2, 3});
  const uint32_t version = y.version();
  EXPECT_TRUE(y.add_(ones({3})).is_same(y));
  EXPECT_EQ(y.version(), version + 1);
  EXPECT_EQ(values(y), std::vector<float>(6, 2.0f));
}

TEST(InPlace, KeepsShapeAndDType) {
  Tensor row = ones({3}), integers = ones({3}, kInt64), single = ones({3});
  EXPECT_THAT(message_of([&] { row.add_(ones({2, 3})); }), HasSubstr("must keep the shape of self"));
  EXPECT_THAT(message_of([&] { integers.add_(1.5); }), HasSubstr("can't be cast"));
  single.add_(ones({3}, kFloat64));
  EXPECT_EQ(single.dtype(), kFloat32);
  Tensor repeated = ones({1}).expand({4});
  EXPECT_THAT(message_of([&] { repeated.add_(1); }), HasSubstr("single memory location"));
}

TEST(InPlace, ReadsInterleavedInputsBeforeWriting) {
  const Tensor w = tensor({{1., 2.}, {3., 4.}});
  Tensor left = w.select(1, 0), reversed = w.t();
  left.add_(w.select(1, 1));
  EXPECT_THAT(values(w), ElementsAre(3, 2, 7, 4));
  Tensor whole = w;
  whole.add_(reversed);
  EXPECT_THAT(values(w), ElementsAre(6, 9, 9, 8));
}

TEST(Copy, BroadcastsConvertsAndHandlesOverlap) {
  Tensor x = zeros({2, 3}, kInt32);
  x.copy_(tensor({1.9, -2.9, 3.5}));
  EXPECT_THAT(values(x), ElementsAre(1, -2, 3, 1, -2, 3));
  Tensor line = arange(6);
  Tensor head = line.slice(0, 0, 5);
  head.copy_(line.slice(0, 1, 6));
  EXPECT_THAT(values(line), ElementsAre(1, 2, 3, 4, 5, 5));
}

TEST(Transpose, InPlaceChangesOnlyTheHandle) {
  Tensor x = arange(15).view({5, 3});
  const Tensor alias = x, earlier = x.view({5, 3});
  x.t_();
  EXPECT_EQ(x.sizes(), (Shape{3, 5}));
  EXPECT_EQ(alias.strides(), (Shape{1, 3}));
  EXPECT_FALSE(x.is_contiguous());
  EXPECT_EQ(earlier.sizes(), (Shape{5, 3}));
  Tensor cube = zeros({2, 2, 2}), line = zeros({2});
  EXPECT_THROW(cube.t_(), Error);
  EXPECT_EQ(line.t_().sizes(), (Shape{2}));
}

TEST(Index, ColumnIsAView) {
  Tensor x = zeros({5, 3});
  Tensor column = x.index({Slice(), 1});
  EXPECT_EQ(column.sizes(), (Shape{5}));
  EXPECT_EQ(column.stride(0), 3);
  EXPECT_EQ(column.storage_offset(), 1);
  EXPECT_FALSE(column.is_contiguous());
  column.fill_(7);
  EXPECT_EQ(values(x.sum({0})), (std::vector<float>{0, 35, 0}));
  EXPECT_EQ(column.version(), x.version());
  EXPECT_THAT(message_of([&] { (void)x.index({Slice(), 3}); }), HasSubstr("index 3 is out of bounds"));
  EXPECT_EQ(x.index({Slice(10, std::nullopt)}).sizes(), (Shape{0, 3}));
  EXPECT_EQ(x.index({0, 1}).dim(), 0);
  EXPECT_EQ(x.index({None, Ellipsis, 0}).sizes(), (Shape{1, 5}));
  EXPECT_THROW((void)x.index({Slice(0, 3, -1)}), Error);
}

TEST(Index, AssignsThroughViews) {
  Tensor z = zeros({2, 3});
  z.index_put_({Slice(), 1}, tensor({4., 5.}));
  z.index_put_({0, 0}, 9);
  EXPECT_THAT(values(z), ElementsAre(9, 4, 0, 0, 5, 0));
}

TEST(View, SharesMemoryAndRefusesWhatItCannotShow) {
  Tensor x = arange(6).view({2, 3});
  x.view({-1}).fill_(1);
  EXPECT_EQ(x.sum().item<int64_t>(), 6);
  EXPECT_THAT(message_of([&] { (void)x.t().view({6}); }), HasSubstr("use reshape"));
  EXPECT_EQ(x.t().reshape({6}).numel(), 6);
  EXPECT_THROW((void)x.view({4, 2}), Error);
  EXPECT_THROW((void)x.view({-1, -1}), Error);
  EXPECT_EQ(zeros({2, 0, 3}).view({0, 7}).numel(), 0);
}

TEST(AsStrided, NeverLeavesTheStorage) {
  const Tensor x = arange(6);
  EXPECT_EQ(x.as_strided({2, 2}, {1, 1}, 1).to_vector<int64_t>(), (std::vector<int64_t>{1, 2, 2, 3}));
  EXPECT_THROW((void)x.as_strided({7}, {1}, 0), Error);
  EXPECT_THROW((void)x.as_strided({2}, {1}, -1), Error);
  EXPECT_THROW((void)x.as_strided({2}, {-1}, 3), Error);
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_THROW((void)x.as_strided({huge}, {huge}, 0), Error);
  EXPECT_THROW((void)x.as_strided({2}, {1}, huge), Error);
}

TEST(Item, NeedsOneElement) {
  EXPECT_EQ(full({1, 1}, 3).item<float>(), 3);
  EXPECT_THROW((void)ones({2}).item(), Error);
}

TEST(Bitwise, StoresEveryDTypeOnTheDevice) {
  for (const DType dtype : kAllDTypes) {
    const Tensor x = tensor({0., 1., 1.}, dtype);
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_THAT(values(x.clone()), ElementsAre(0, 1, 1)) << name(dtype);
    EXPECT_THAT(values(x.cpu()), ElementsAre(0, 1, 1)) << name(dtype);
  }
}

TEST(Empty, RefusesImpossibleSizes) {
  EXPECT_THROW((void)empty({-1}), Error);
  EXPECT_THROW((void)empty({int64_t{1} << 62, 8}), Error);
  EXPECT_THROW((void)empty({int64_t{1} << 50}), Error);  // fits in 64 bits, not in any memory
  EXPECT_EQ(ones({2}).sum().item<float>(), 2);           // and nothing is broken after it
}

TEST(Blob, SharesForeignMemoryAndReleasesItOnce) {
  float data[6] = {1, 2, 3, 4, 5, 6};
  int released = 0;
  {
    Tensor x = from_blob(data, {3}, kFloat32, [&] { ++released; }, Shape{2});
    const Tensor view = x.slice(0, 1, 3);
    x = Tensor();
    EXPECT_THAT(values(view), ElementsAre(3, 5));
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_THROW((void)from_blob(nullptr, {3}, kFloat32, [] {}), Error);
}

TEST(Arange, CountsAsPyTorch) {
  EXPECT_EQ(arange(0, 10, 3).to_vector<int64_t>(), (std::vector<int64_t>{0, 3, 6, 9}));
  EXPECT_EQ(arange(1, 0, -0.25).numel(), 4);
  EXPECT_EQ(arange(5.0).dtype(), kFloat32);
  EXPECT_THROW((void)arange(0, 1, 0), Error);
  EXPECT_THROW((void)arange(0, 1, -1), Error);
}

TEST(Mixed, ZeroDimHostTensorsJoinAnyDevice) {
  const Tensor half = tensor_from_host("\0\0\0\x3f", kFloat32, {}, TensorOptions(Device()));
  EXPECT_THAT(values(ones({2}) * half), ElementsAre(0.5f, 0.5f));
  if (default_device().is_cpu()) return;
  const Tensor host = ones({2}, TensorOptions(Device()));
  EXPECT_THAT(message_of([&] { (void)(ones({2}) + host); }), HasSubstr("must be on one device"));
  EXPECT_THAT(message_of([&] { (void)ones({2}).data_ptr(); }), HasSubstr(".cpu()"));
}

TEST(To, ReturnsSelfWhenNothingChanges) {
  const Tensor x = ones({2});
  EXPECT_TRUE(x.to(kFloat32).is_same(x));
  EXPECT_TRUE(x.to(x.device()).is_same(x));
  EXPECT_FALSE(x.to(kFloat64).is_same(x));
  EXPECT_EQ(device_count("no_such_device"), 0);
  EXPECT_THROW((void)x.to("no_such_device"), Error);
}

TEST(Allocator, ReusesMemoryAndCountsIt) {
  const Device device = default_device();
  const MemoryStats before = memory_stats(device);
  for (int i = 0; i < 100; ++i) (void)ones({1000});
  const MemoryStats after = memory_stats(device);
  EXPECT_EQ(after.allocated, before.allocated);
  EXPECT_LE(after.segment_allocations, before.segment_allocations + 1);
  EXPECT_EQ(after.allocations, before.allocations + 100);
  empty_cache(device);
  EXPECT_LE(memory_stats(device).reserved, after.reserved);
  EXPECT_EQ(ones({1000}).sum().item<float>(), 1000);
}

}  // namespace
}  // namespace tenon
