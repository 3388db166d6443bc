// Copies between layouts, dtypes and devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr DType kAll[] = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64,
                          kInt32,   kInt16,   kInt8,    kUInt8,    kBool};

std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }

// Every device of this build that works.
std::vector<Device> devices_here() {
  return {Device(), default_device(), Device("reference"), Device("opaque")};
}

// Host memory of a dtype with values that tell its elements apart.
Tensor pattern(DType dtype) {
  return tensor({0, 1, 2, 3, 5, 0}, TensorOptions(dtype, Device())).view({2, 3});
}

TEST(Copy, MovesEveryDTypeBetweenAllDevices) {
  for (const DType dtype : kAll) {
    const std::vector<double> want = pattern(dtype).to_vector<double>();
    for (const Device& from : devices_here()) {
      for (const Device& to : devices_here()) {
        SCOPED_TRACE(join_text(dtype, " from ", from, " to ", to));
        const Tensor moved = pattern(dtype).to(from).to(to);
        EXPECT_EQ(moved.device(), to);
        EXPECT_EQ(moved.dtype(), dtype);
        EXPECT_EQ(moved.to_vector<double>(), want);
        // Through layouts that are not dense on either side.
        Tensor target = empty({3, 4}, TensorOptions(dtype, to)).slice(1, 0, 4, 2);
        target.copy_(pattern(dtype).to(from).t());
        EXPECT_EQ(target.t().to_vector<double>(), want);
      }
    }
  }
}

TEST(Copy, ConvertsAcrossDevices) {
  for (const Device& from : devices_here()) {
    for (const Device& to : devices_here()) {
      const Tensor source = tensor({-1.75f, 2.5f, NAN}, TensorOptions(from));
      Tensor target = zeros({3}, TensorOptions(kInt32, to));
      target.copy_(source);
      EXPECT_THAT(target.to_vector<int32_t>(), ElementsAre(-1, 2, 0));
      EXPECT_EQ(source.to(TensorOptions(kBool, to)).to_vector<bool>(),
                (std::vector<bool>{true, true, true}));
    }
  }
}

TEST(Copy, BroadcastsTheSourceOnly) {
  Tensor x = zeros({2, 3}, kFloat32);
  x.copy_(tensor({1.f, 2.f, 3.f}));
  EXPECT_THAT(values(x), ElementsAre(1, 2, 3, 1, 2, 3));
  EXPECT_THAT(message_of([&] { x.copy_(zeros({2, 2, 3}, kFloat32)); }), HasSubstr("(2, 2, 3)"));
}

TEST(Copy, ReadsAllBeforeItWritesWhereMemoryOverlaps) {
  Tensor x = arange(6, kFloat32);
  x.narrow(0, 1, 5).copy_(x.narrow(0, 0, 5));
  EXPECT_THAT(values(x), ElementsAre(0, 0, 1, 2, 3, 4));
  Tensor y = arange(4, kFloat32).view({2, 2});
  y.copy_(y.t());
  EXPECT_THAT(values(y), ElementsAre(0, 2, 1, 3));
  const uint32_t version = y.version();
  y.copy_(y);
  EXPECT_EQ(y.version(), version);  // nothing to do
  Tensor wide = zeros({1, 3}, kFloat32).expand({2, 3});
  EXPECT_THAT(message_of([&] { wide.copy_(zeros({2, 3}, kFloat32)); }), HasSubstr("clone"));
}

TEST(Copy, DifferentiatesBothSides) {
  const Tensor x = ones({2, 2}, kFloat32).requires_grad_();
  const Tensor row = tensor({1., 2.}, kFloat64).requires_grad_();
  if (!(default_device() == Device())) return;  // f64 is optional on other devices
  Tensor y = x.mul(3);
  y.select(0, 0).copy_(row);
  EXPECT_EQ(y.dtype(), kFloat32);
  (y * y).sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(0, 0, 18, 18));
  EXPECT_THAT(values(row.grad()), ElementsAre(2, 4));
  EXPECT_EQ(row.grad().dtype(), kFloat64);
}

TEST(Copy, DifferentiatesAcrossDevices) {
  const Tensor x = ones({2}, TensorOptions(kFloat32, Device())).requires_grad_();
  Tensor y = zeros({2}, kFloat32);
  y.copy_(x);
  (y * tensor({2.f, 3.f})).sum().backward();
  EXPECT_EQ(x.grad().device(), Device());
  EXPECT_THAT(values(x.grad()), ElementsAre(2, 3));
}

TEST(Copy, ReturnsSelfWhereNothingChanges) {
  const Tensor x = arange(6, kFloat32).view({2, 3});
  EXPECT_TRUE(x.contiguous().is_same(x));
  EXPECT_TRUE(x.to(kFloat32).is_same(x));
  EXPECT_TRUE(x.to(x.device()).is_same(x));
  EXPECT_FALSE(x.clone().is_same(x));
  const Tensor dense = x.t().contiguous();
  EXPECT_TRUE(dense.is_contiguous());
  EXPECT_THAT(values(dense), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_TRUE(x.t().clone().is_contiguous());
  EXPECT_TRUE(x.t().to(kInt64).is_contiguous());
}

}  // namespace
}  // namespace tenon
