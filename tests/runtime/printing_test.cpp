// Printing. The texts were made with PyTorch 1.13; dtypes are spelt tenon.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

const TensorOptions kHost{Device()};

Tensor ramp(const Shape& sizes, DType dtype = kFloat32) {
  return arange(sizes.numel(), TensorOptions(dtype, Device())).view(sizes);
}

TEST(Print, WholeFloatsEndInAPoint) {
  EXPECT_EQ(ramp({2, 3}).str(), "tensor([[0., 1., 2.],\n        [3., 4., 5.]])");
  EXPECT_EQ(scalar_tensor(5, kHost).str(), "tensor(5.)");
}

TEST(Print, FourDecimalsRightAligned) {
  EXPECT_EQ(tensor({0.5f, -12.25f, 3.f}, kHost).str(), "tensor([  0.5000, -12.2500,   3.0000])");
}

TEST(Print, ScientificForWideRangesAndTinyValues) {
  EXPECT_EQ(tensor({1e-5f, 1.f}, kHost).str(), "tensor([1.0000e-05, 1.0000e+00])");
  EXPECT_EQ(tensor({0.5f, 501.f}, kHost).str(), "tensor([5.0000e-01, 5.0100e+02])");
  EXPECT_EQ(tensor({2e8f, 1e8f}, kHost).str(), "tensor([2.0000e+08, 1.0000e+08])");
}

TEST(Print, NonFiniteValues) {
  EXPECT_EQ(tensor({1.f, NAN, -INFINITY}, kHost).str(), "tensor([1., nan, -inf])");
  EXPECT_EQ(tensor({1.5f, NAN, INFINITY}, kHost).str(), "tensor([1.5000,    nan,    inf])");
  EXPECT_EQ(tensor({-0.f, 0.f}, kHost).str(), "tensor([-0., 0.])");
}

TEST(Print, IntegersAndBool) {
  EXPECT_EQ(tensor<int64_t>({-1, 200}, kHost).str(), "tensor([ -1, 200])");
  EXPECT_EQ(tensor({true, false}, kHost).str(), "tensor([ True, False])");
}

TEST(Print, DTypesOtherThanTheDefaultOnes) {
  EXPECT_EQ(tensor({-1}, kHost.dtype(kInt32)).str(), "tensor([-1], dtype=tenon.int32)");
  EXPECT_EQ(ramp({2}, kFloat64).str(), "tensor([0., 1.], dtype=tenon.float64)");
  EXPECT_EQ(ramp({1}, kBFloat16).str(), "tensor([0.], dtype=tenon.bfloat16)");
}

TEST(Print, EmptyTensorsSayTheirSizes) {
  EXPECT_EQ(zeros({0}, kHost).str(), "tensor([])");
  EXPECT_EQ(zeros({0, 3}, kHost).str(), "tensor([], size=(0, 3))");
  EXPECT_EQ(zeros({0}, kHost.dtype(kInt64)).str(), "tensor([], dtype=tenon.int64)");
}

TEST(Print, BlocksAreSetApart) {
  EXPECT_EQ(ramp({2, 1, 2}).str(), "tensor([[[0., 1.]],\n\n        [[2., 3.]]])");
}

TEST(Print, LongRowsAreBroken) {
  EXPECT_EQ(ramp({20}).str(),
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
            "        14., 15., 16., 17., 18., 19.])");
}

TEST(Print, OnlyEdgesAboveAThousandElements) {
  EXPECT_EQ(ramp({1001}, kInt64).str(), "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  EXPECT_EQ(ramp({20, 100}, kInt64).str(),
            "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
            "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
            "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
            "        ...,\n"
            "        [1700, 1701, 1702,  ..., 1797, 1798, 1799],\n"
            "        [1800, 1801, 1802,  ..., 1897, 1898, 1899],\n"
            "        [1900, 1901, 1902,  ..., 1997, 1998, 1999]])");
}

TEST(Print, ViewsReadAsTheyLook) {
  EXPECT_EQ(ramp({2, 3}).t().str(), "tensor([[0., 3.],\n        [1., 4.],\n        [2., 5.]])");
}

TEST(Print, NamesDevicesOtherThanTheHost) {
  const Tensor x = ones({1});
  const std::string suffix = x.device().is_cpu() ? "" : ", device='" + x.device().str() + "'";
  EXPECT_EQ(x.str(), "tensor([1.]" + suffix + ")");
}

TEST(Print, TellsItsHistory) {
  const Tensor x = ones({2}, kHost).requires_grad_();
  EXPECT_EQ(x.str(), "tensor([1., 1.], requires_grad=True)");
  EXPECT_EQ(x.add(2).str(), "tensor([3., 3.], grad_fn=<AddBackward0>)");
}

TEST(Print, ToAStream) {
  std::ostringstream stream;
  stream << ramp({2}) << " " << Tensor();
  EXPECT_EQ(stream.str(), "tensor([0., 1.]) tensor(undefined)");
}

}  // namespace
}  // namespace tenon
