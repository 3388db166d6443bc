// Pointwise calls that come again take a short way: what the first one found out must hold for each
// call that takes it, and for no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int kTimes = 3;  // the first call makes the plan, the others find it

class DefaultDType {
 public:
  explicit DefaultDType(DType dtype) : previous_(default_dtype()) { set_default_dtype(dtype); }
  ~DefaultDType() { set_default_dtype(previous_); }
  DefaultDType(const DefaultDType&) = delete;
  DefaultDType& operator=(const DefaultDType&) = delete;

 private:
  DType previous_;
};

TEST(RepeatedCalls, NumbersGiveEachCallItsDType) {
  const Tensor ints = ones({4}, kInt32);
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_EQ((ints + 1).dtype(), kInt32);
    EXPECT_EQ((ints + 1.5).dtype(), kFloat32);
    EXPECT_EQ((ints + true).dtype(), kInt32);
    const DefaultDType doubles(kFloat64);
    EXPECT_EQ((ints + 1.5).dtype(), kFloat64);
  }
}

TEST(RepeatedCalls, TensorsWithoutDimensionsStayWeak) {
  const Tensor row = ones({4}, kInt32), zero_dim = ones({}, kInt64), one = ones({1}, kInt64);
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_EQ((row + zero_dim).dtype(), kInt32);
    EXPECT_EQ((row + one).dtype(), kInt64);
    EXPECT_EQ((zero_dim + row).dtype(), kInt32);
    EXPECT_EQ((zero_dim + zero_dim).dtype(), kInt64);
  }
}

TEST(RepeatedCalls, NumbersAreThoseOfTheCall) {
  const Tensor x = arange(4, kFloat32);
  for (int i = 0; i < kTimes; ++i) {
    const float factor = static_cast<float>(i + 1);
    EXPECT_THAT((x * factor).to_vector<float>(), ElementsAre(0, factor, 2 * factor, 3 * factor));
    EXPECT_THAT(add(x, x, factor).to_vector<float>(),
                ElementsAre(0, 1 + factor, 2 + 2 * factor, 3 + 3 * factor));
  }
}

TEST(RepeatedCalls, OneElementIsRepeated) {
  const Tensor x = arange(6, kFloat32).view({2, 3}), two = full({}, 2.0);
  for (int i = 0; i < kTimes; ++i) {
    for (const Tensor& repeated : {two, two.view({1}), two.view({1, 1}), two.expand({2, 3})}) {
      const Tensor right = x * repeated, left = repeated * x;
      EXPECT_EQ(right.sizes(), (Shape{2, 3}));
      EXPECT_EQ(left.strides(), (Shape{3, 1}));
      EXPECT_THAT(right.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
      EXPECT_THAT(left.to_vector<float>(), ElementsAre(0, 2, 4, 6, 8, 10));
    }
  }
}

TEST(RepeatedCalls, SingleElementsOfOtherRanksBroadcast) {
  const Tensor row = ones({1}), matrix = ones({1, 1}), expanded = ones({1}).expand({3});
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_EQ((row + matrix).sizes(), (Shape{1, 1}));
    EXPECT_EQ((matrix + row).sizes(), (Shape{1, 1}));
    EXPECT_EQ((expanded + row).sizes(), (Shape{3}));
    EXPECT_EQ((expanded + matrix).sizes(), (Shape{1, 3}));
    EXPECT_EQ((ones({2, 3}) + expanded).sizes(), (Shape{2, 3}));
    EXPECT_EQ((ones({3}) + matrix).sizes(), (Shape{1, 3}));
  }
}

TEST(RepeatedCalls, SizesMayChange) {
  for (const int64_t size : {3, 5, 1, 0, 7}) {
    const Tensor x = ones({size}), y = x + x;
    EXPECT_EQ(y.sizes(), (Shape{size}));
    EXPECT_THAT(y.to_vector<float>(), Each(2.0f));
  }
  for (int i = 0; i < kTimes; ++i)
    EXPECT_THROW((void)(ones({2}) + ones({3})), Error) << "sizes that do not broadcast";
}

TEST(RepeatedCalls, PartsOfMemoryAreRead) {
  const Tensor x = arange(12, kFloat32);
  for (int i = 0; i < kTimes; ++i) {
    const Tensor odd = x.slice(0, 1, 5) + x.slice(0, 7, 11);
    EXPECT_THAT(odd.to_vector<float>(), ElementsAre(8, 10, 12, 14));
    const Tensor columns = x.view({3, 4}).select(1, 1) + x.slice(0, 0, 3);
    EXPECT_THAT(columns.to_vector<float>(), ElementsAre(1, 6, 11));
  }
}

TEST(RepeatedCalls, WritesKeepTheirOwnRules) {
  Tensor x = ones({4}), wide = zeros({4}, kFloat64), ints = zeros({4}, kInt64);
  for (int i = 0; i < kTimes; ++i) {
    const uint32_t version = x.version();
    x.add_(x);
    EXPECT_EQ(x.version(), version + 1);
    EXPECT_EQ(add_out(wide, x, x).dtype(), kFloat64);
    EXPECT_THROW(add_out(ints, x, x), Error) << "floats are no integers";
    EXPECT_THROW(x.add_(ones({2, 4})), Error) << "self keeps its sizes";
  }
  EXPECT_THAT(x.to_vector<float>(), Each(8.0f));
  EXPECT_THAT(wide.to_vector<double>(), Each(16.0));
}

TEST(RepeatedCalls, OverlapIsRefusedEachTime) {
  const Tensor memory = zeros({12});
  Tensor first = memory.slice(0, 0, 8);
  const Tensor second = memory.slice(0, 4, 12), other = ones({8});
  for (int i = 0; i < kTimes; ++i) {
    first.add_(other);
    EXPECT_THROW(first.add_(second), Error);
  }
  Tensor repeated = ones({1}).expand({4});
  for (int i = 0; i < kTimes; ++i) EXPECT_THROW(repeated.add_(1), Error);
}

}  // namespace
}  // namespace tenon
