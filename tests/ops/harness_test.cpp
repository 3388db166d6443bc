// The op tests' own tools: that they see what they are there to see.
#include <gtest/gtest.h>

#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/operands.h"

namespace tenon::ops_test {
namespace {

TEST(Harness, SeesOneUlp) {
  const Array want({1}, kFloat32, {1}), near({1}, kFloat32, {1 + 0x1p-23});
  EXPECT_EQ(difference(want, want, Tolerance::kExact), "");
  EXPECT_NE(difference(near, want, Tolerance::kExact), "");
  EXPECT_EQ(difference(near, want, Tolerance::kUlp4), "");
  EXPECT_NE(difference({{1}, kFloat32, {1 + 0x1p-20}}, want, Tolerance::kUlp4), "");
}

TEST(Harness, TellsNanSizesAndDTypesApart) {
  const Array nan({1}, kFloat32, {NAN}), one({1}, kFloat32, {1});
  EXPECT_EQ(difference(nan, nan, Tolerance::kExact), "");
  EXPECT_NE(difference(nan, one, Tolerance::kSum), "");
  EXPECT_NE(difference(one, nan, Tolerance::kSum), "");
  EXPECT_NE(difference({{}, kFloat32, {1}}, one, Tolerance::kSum), "");
  EXPECT_NE(difference({{1}, kFloat64, {1}}, one, Tolerance::kSum), "");
}

TEST(Harness, RoundsAsTheDTypesDo) {
  EXPECT_EQ(rounded(1 + 0x1p-12, kFloat16), 1);
  EXPECT_EQ(ulp(1, kFloat32), 0x1p-23);
  EXPECT_EQ(ulp(1, kBFloat16), 0x1p-7);
  EXPECT_EQ(ulp(0, kFloat16), 0x1p-24);
  EXPECT_EQ(wrapped(300, kInt8), 44);
}

TEST(Harness, LaysOperandsOutInsideGuards) {
  const Array array({2, 3}, kFloat32, {0, 1, 2, 3, 4, 5});
  for (const Layout layout : {kContiguous, kOffset, kTransposed, kStep2}) {
    const Guarded operand = guard(array, layout, default_device());
    EXPECT_EQ(operand.tensor.to_vector<double>(), array.values) << layout_name(layout);
    EXPECT_EQ(operand.tensor.is_contiguous(), layout == kContiguous || layout == kOffset);
  }
}

TEST(Harness, SeesStrayWrites) {
  const Array array({2, 3}, kFloat32, {0, 1, 2, 3, 4, 5});
  Guarded operand = guard(array, kStep2, default_device());
  operand.tensor.fill_(8);
  EXPECT_EQ(operand.changed(false), "");
  EXPECT_NE(operand.changed(true), "");
  Tensor stray = operand.buffer.narrow(0, operand.offset + 1, 1);
  stray.fill_(8);
  EXPECT_NE(operand.changed(false), "");
}

}  // namespace
}  // namespace tenon::ops_test
