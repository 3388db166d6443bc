#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/scalar.h>
#include <tenon/runtime/shape.h>

#include "support/errors.h"

namespace tenon {
namespace {

TEST(Shape, ComparesSlicesAndJoins) {
  const Shape shape{5, 3};
  EXPECT_EQ(shape, (Shape{5, 3}));
  EXPECT_NE(shape, (Shape{3, 5}));
  EXPECT_EQ(shape + Shape{7}, (Shape{5, 3, 7}));
  EXPECT_EQ((shape + Shape{7}).slice(1, 3), (Shape{3, 7}));
  EXPECT_EQ(shape.numel(), 15);
  EXPECT_EQ(Shape{}.numel(), 1);
}

TEST(Shape, ProvesThatSizesFit) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ((Shape{huge, 0}).numel(), 0);
  EXPECT_THROW((void)(Shape{huge, 0, huge}).numel(), Error);  // its strides would not fit
  EXPECT_THROW((void)(Shape{huge, 2}).numel(), Error);
  EXPECT_THROW((void)(Shape{2, -1}).numel(), Error);
}

TEST(Shape, RefusesMoreThanEightDimensions) {
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
}

TEST(Shape, BroadcastsAsNumPy) {
  EXPECT_EQ(broadcast_shapes({5, 1, 3}, {4, 1}, "op"), (Shape{5, 4, 3}));
  EXPECT_EQ(broadcast_shapes({}, {2}, "op"), (Shape{2}));
  EXPECT_EQ(broadcast_shapes({0, 1}, {1, 4}, "op"), (Shape{0, 4}));
  EXPECT_NE(message_of([] {
              (void)broadcast_shapes({2, 3}, {4}, "add");
            }).find("(2, 3) and (4)"),
            std::string::npos);
}

TEST(Shape, WrapsDimensionsWithPyTorchsMessage) {
  EXPECT_EQ(wrap_dim(-1, 2, "size"), 1);
  EXPECT_EQ(message_of([] { (void)wrap_dim(2, 2, "size"); }),
            "size: Dimension out of range (expected to be in range of [-2, 1], but got 2)");
}

TEST(Shape, MasksDimensions) {
  EXPECT_EQ(dim_mask({}, 3, "sum"), 7u);
  EXPECT_EQ(dim_mask({-1, 0}, 3, "sum"), 5u);
  EXPECT_THROW((void)dim_mask({0, -3}, 3, "sum"), Error);
}

TEST(DType, PromotesAsPyTorch) {
  EXPECT_EQ(promote(kUInt8, kInt8), kInt16);
  EXPECT_EQ(promote(kInt64, kFloat16), kFloat16);
  EXPECT_EQ(promote(kFloat16, kBFloat16), kFloat32);
  EXPECT_EQ(promote(kBool, kUInt8), kUInt8);
  EXPECT_EQ(promote(kFloat32, kFloat64), kFloat64);
  EXPECT_EQ(promote(kUInt8, kInt32), kInt32);
}

TEST(DType, RoundsHalfOnceToEven) {
  EXPECT_EQ(Half(1.0f).bits, 0x3c00);
  EXPECT_EQ(Half(65504.0f).bits, 0x7bff);
  EXPECT_EQ(Half(65520.0f).bits, 0x7c00);  // halfway to the next: overflows
  EXPECT_EQ(Half(65519.996).bits, 0x7bff);
  EXPECT_EQ(Half(0x1p-24).bits, 0x0001);                  // least subnormal
  EXPECT_EQ(Half(0x1p-25).bits, 0x0000);                  // halfway: to even
  EXPECT_EQ(Half(1.0 + 0x1p-11 + 0x1p-40).bits, 0x3c01);  // a detour over float would lose it
  EXPECT_EQ(Half(-0.0f).bits, 0x8000);
  EXPECT_TRUE(static_cast<float>(Half(std::numeric_limits<float>::quiet_NaN())) !=
              static_cast<float>(Half(std::numeric_limits<float>::quiet_NaN())));
}

TEST(DType, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    Half half;
    half.bits = static_cast<uint16_t>(bits);
    const auto value = static_cast<float>(half);
    if (value != value) continue;
    EXPECT_EQ(Half(value).bits, half.bits);
    EXPECT_EQ(Half(static_cast<double>(value)).bits, half.bits);
  }
}

TEST(DType, EveryBFloat16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    BFloat16 narrow;
    narrow.bits = static_cast<uint16_t>(bits);
    const auto value = static_cast<float>(narrow);
    if (value != value) continue;
    EXPECT_EQ(BFloat16(value).bits, narrow.bits);
    EXPECT_EQ(BFloat16(static_cast<double>(value)).bits, narrow.bits);
  }
}

TEST(DType, ParsesNames) {
  for (const DType dtype : kAllDTypes) EXPECT_EQ(parse_dtype(name(dtype)), dtype);
  EXPECT_NE(message_of([] { (void)parse_dtype("float31"); }).find("float32"), std::string::npos);
}

TEST(Scalar, ConvertsLikeCast) {
  EXPECT_EQ(Scalar(2.9).to_int64(), 2);
  EXPECT_EQ(Scalar(-2.9).to_int64(), -2);
  EXPECT_EQ(Scalar(std::numeric_limits<double>::quiet_NaN()).to_int64(), 0);
  EXPECT_EQ(Scalar(1e30).to_int64(), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(Scalar(0.5).to_bool());
  EXPECT_EQ(Scalar(true).dtype(), kBool);
}

}  // namespace
}  // namespace tenon
