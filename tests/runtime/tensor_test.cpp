// Tensors where the notes say nothing: views, geometry, limits, memory. What they say is tested in
// tests/seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include <tenon/runtime/memory/allocator.h>
#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }

TEST(Tensor, UndefinedIsAnErrorNotACrash) {
  const Tensor none;
  EXPECT_THROW((void)none.sizes(), Error);
  EXPECT_THROW((void)add(none, 1), Error);
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

TEST(Geometry, InPlaceFormsChangeOnlyTheHandle) {
  Tensor x = arange(6).view({1, 2, 3});
  const Tensor alias = x, earlier = x.view({1, 2, 3});
  EXPECT_TRUE(transpose_(x, 1, -1).is_same(x));
  EXPECT_EQ(alias.strides(), (Shape{6, 1, 3}));
  EXPECT_EQ(squeeze_(x, 1).sizes(), (Shape{1, 3, 2}));
  EXPECT_EQ(squeeze_(x).sizes(), (Shape{3, 2}));
  EXPECT_EQ(unsqueeze_(x, -1).sizes(), (Shape{3, 2, 1}));
  EXPECT_EQ(earlier.sizes(), (Shape{1, 2, 3}));
  EXPECT_THROW(transpose_(x, 0, 3), Error);
  EXPECT_THROW(squeeze_(x, 3), Error);
  EXPECT_THROW(unsqueeze_(x, 5), Error);
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
  EXPECT_EQ(x.as_strided({2, 2}, {1, 1}, 1).to_vector<int64_t>(),
            (std::vector<int64_t>{1, 2, 2, 3}));
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

TEST(Empty, RefusesImpossibleSizes) {
  EXPECT_THROW((void)empty({-1}), Error);
  EXPECT_THROW((void)empty({int64_t{1} << 62, 8}), Error);
  EXPECT_THROW((void)empty({int64_t{1} << 50}), Error);  // fits in 64 bits, not in any memory
  EXPECT_EQ(ones({2}).sum().item<float>(), 2);           // and nothing is broken after it
}

TEST(Arange, CountsAsPyTorch) {
  EXPECT_EQ(arange(0, 10, 3).to_vector<int64_t>(), (std::vector<int64_t>{0, 3, 6, 9}));
  EXPECT_EQ(arange(1, 0, -0.25).numel(), 4);
  EXPECT_EQ(arange(5.0).dtype(), kFloat32);
  EXPECT_THROW((void)arange(0, 1, 0), Error);
  EXPECT_THROW((void)arange(0, 1, -1), Error);
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

TEST(Tensor, UndefinedOnesAreRefusedByViewsAndWrites) {
  Tensor nothing;
  EXPECT_THROW((void)nothing.detach(), Error);
  EXPECT_THROW((void)nothing.as_strided({}, {}, 0), Error);
  EXPECT_THROW(nothing.fill_(1), Error);
  EXPECT_THROW(nothing.zero_(), Error);
}

}  // namespace
}  // namespace tenon
