// S16 to S22 of the notes that Tenon grew from: shared host memory, other devices.
#include <array>
#include <span>

#include <tenon/runtime/device_context.h>

#include "autograd/helpers.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const TensorOptions kHost{Device()};

TEST(Seed, S16_HostMemoryIsSharedBothWays) {
  Tensor a = ones({5}, kHost);
  const std::span<float> b(a.data<float>(), 5);
  EXPECT_EQ(b.data(), a.data_ptr());
  a.add_(1);
  EXPECT_THAT(b, Each(2));
  b[0] = 42;
  EXPECT_EQ(a[0].item<float>(), 42);
  const Tensor other = a + 1;
  EXPECT_EQ(b[1], 2);
  EXPECT_NE(other.data_ptr(), a.data_ptr());
}

TEST(Seed, S17_MemoryOfDevicesIsRefused) {
  if (default_device().is_cpu()) {
    EXPECT_NE(ones({2}).data_ptr(), nullptr);
    return;
  }
  const Tensor x = ones({2});
  EXPECT_THAT(message_of([&] { (void)x.data_ptr(); }), HasSubstr(".cpu()"));
  EXPECT_THAT(message_of([&] { (void)x.data<float>(); }), HasSubstr(".cpu()"));
  EXPECT_THAT(std::span(x.cpu().data<float>(), 2), Each(1));
}

TEST(Seed, S17_WrongElementTypesAreRefused) {
  const Tensor x = ones({2}, kHost);
  EXPECT_THAT(message_of([&] { (void)x.data<double>(); }),
              AllOf(HasSubstr("float64"), HasSubstr("float32")));
  const Tensor constant = ones({2}, kHost).requires_grad_().detach();
  EXPECT_THAT(std::span(constant.data<float>(), 2), Each(1));
}

TEST(Seed, S18_ForeignMemoryKeepsItsTypeAndIsReleasedOnce) {
  std::array<double, 6> numbers = {1, 2, 3, 4, 5, 6};
  int released = 0;
  {
    Tensor a = from_blob(numbers.data(), {5}, kFloat64, [&] { ++released; });
    EXPECT_EQ(a.dtype(), kFloat64);
    a.add_(1);
    EXPECT_THAT(numbers, ElementsAre(2, 3, 4, 5, 6, 6));
    const Tensor view = a.slice(0, 1, 3);
    a = a + 1;  // another tensor of that name
    EXPECT_THAT(numbers, ElementsAre(2, 3, 4, 5, 6, 6));
    EXPECT_THAT(values(view), ElementsAre(3, 4));
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(Seed, S18_ForeignStridesAreHonouredNegativeOnesAndNullRefused) {
  std::array<float, 6> numbers = {1, 2, 3, 4, 5, 6};
  const Tensor odd = from_blob(
      numbers.data(), {3}, kFloat32, [] {}, Shape{2});
  EXPECT_THAT(values(odd), ElementsAre(1, 3, 5));
  EXPECT_THROW((void)from_blob(
                   numbers.data() + 5, {3}, kFloat32, [] {}, Shape{-1}),
               Error);
  EXPECT_THROW((void)from_blob(nullptr, {3}, kFloat32, [] {}), Error);
}

TEST(Seed, S19_EveryDTypeMovesToEveryDeviceAndBack) {
  for (const DType dtype : kAllDTypes) {
    const Tensor x = tensor({0., 1., 1.}, dtype);
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_EQ(x.device(), default_device());
    EXPECT_THAT(values(x.clone()), ElementsAre(0, 1, 1)) << name(dtype);
    EXPECT_THAT(values(x.cpu()), ElementsAre(0, 1, 1)) << name(dtype);
    EXPECT_THAT(values(x.cpu().to(default_device())), ElementsAre(0, 1, 1)) << name(dtype);
  }
}

TEST(Seed, S20_AskingForADeviceNeverThrowsNorPrints) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(device_count("no_such_device"), 0);
  EXPECT_GE(device_count("cuda"), 0);
  EXPECT_GE(device_count("cpu"), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Seed, S21_MovingToWhereItIsReturnsSelf) {
  const Tensor x = ones({2});
  EXPECT_TRUE(x.to(x.device()).is_same(x));
  EXPECT_TRUE(x.to(kFloat32).is_same(x));
  EXPECT_FALSE(x.to(kFloat64).is_same(x));
  const Tensor host = x.cpu();
  EXPECT_TRUE(host.cpu().is_same(host));
  EXPECT_EQ(host.is_same(x), default_device().is_cpu());
}

TEST(Seed, S21_AMissingDeviceNamesThePluginThatWasSearched) {
  EXPECT_THAT(message_of([] { (void)ones({2}).to("no_such_device"); }),
              HasSubstr("tenon_no_such_device.so"));
  if (device_count("cuda") > 0) {
    const Tensor x = ones({2}).cuda();
    EXPECT_EQ(x.device().type(), "cuda");
    EXPECT_TRUE(x.cuda().is_same(x));
  } else {
    EXPECT_THAT(message_of([] { (void)ones({2}).cuda(); }), HasSubstr("tenon_cuda.so"));
  }
}

TEST(Seed, S21_DevicesAreNotMixedButZeroDimHostNumbersAreWelcome) {
  EXPECT_THAT(values(ones({2}) * full({}, 0.5, kHost)), Each(0.5));
  if (default_device().is_cpu()) return;
  EXPECT_THAT(message_of([] { (void)(ones({2}) + ones({2}, kHost)); }),
              HasSubstr("must be on one device"));
}

TEST(Seed, S22_ResultsStayAndReadingWaits) {
  const Tensor x = full({64, 64}, 2.0), y = full({64, 64}, 3.0);
  const Tensor sum = x + y;
  EXPECT_EQ(sum.device(), default_device());
  EXPECT_EQ(sum.sum().item<float>(), 5 * 4096);
  EXPECT_THAT(sum.str(), HasSubstr("5."));
  EXPECT_THAT(values(sum), Each(5));
}

TEST(Seed, S22_LateErrorsNameTheirOp) {
  const Tensor x = ones({3, 2});
  EXPECT_THAT(message_of([&] {
                const Tensor y = gather(x, 0, tensor({{7, 0}}));
                synchronize(x.device());
              }),
              AllOf(HasSubstr("gather"), HasSubstr("7"), HasSubstr("3")));
}

}  // namespace
}  // namespace tenon
