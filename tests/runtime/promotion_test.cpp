// Which dtype a result has. The tables are PyTorch's result_type for every pair of dtypes, each
// kind of right operand; the letters stand for dtypes in the order of kAllDTypes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kLetters = "?ucsilhBfd";

// Rows: dtype of the left tensor. Columns: dtype of the right one, both with dimensions or both
// without.
constexpr std::string_view kTensors[] = {
    "?ucsilhBfd", "uussilhBfd", "cscsilhBfd", "ssssilhBfd", "iiiiilhBfd",
    "llllllhBfd", "hhhhhhhffd", "BBBBBBfBfd", "fffffffffd", "dddddddddd",
};
// The right operand has no dimensions.
constexpr std::string_view kZeroDim[] = {
    "?ucsilhBfd", "uuuuuuhBfd", "cccccchBfd", "sssssshBfd", "iiiiiihBfd",
    "llllllhBfd", "hhhhhhhhhh", "BBBBBBBBBB", "ffffffffff", "dddddddddd",
};
// The right operand is a number: true, 1, 1.5.
constexpr std::string_view kNumbers[] = {"?lf", "uuf", "ccf", "ssf", "iif",
                                         "llf", "hhh", "BBB", "fff", "ddd"};

DType dtype_of_letter(char letter) { return kAllDTypes[kLetters.find(letter)]; }

// The dtype of a and b together. The result is empty, so that no device need compute it.
DType together(const Operand& a, const Operand& b) {
  return where(zeros({0}, kBool), a, b).dtype();
}

class DefaultDType {
 public:
  explicit DefaultDType(DType dtype) : previous_(default_dtype()) { set_default_dtype(dtype); }
  ~DefaultDType() { set_default_dtype(previous_); }
  DefaultDType(const DefaultDType&) = delete;
  DefaultDType& operator=(const DefaultDType&) = delete;

 private:
  DType previous_;
};

TEST(Promotion, OfTwoTensorsWithDimensions) {
  for (size_t i = 0; i < kLetters.size(); ++i)
    for (size_t k = 0; k < kLetters.size(); ++k) {
      const DType a = kAllDTypes[i], b = kAllDTypes[k], want = dtype_of_letter(kTensors[i][k]);
      EXPECT_EQ(together(empty({0}, a), empty({0}, b)), want) << name(a) << " and " << name(b);
      EXPECT_EQ(promote(a, b), want) << name(a) << " and " << name(b);
    }
}

TEST(Promotion, OfTwoTensorsWithoutDimensions) {
  for (size_t i = 0; i < kLetters.size(); ++i)
    for (size_t k = 0; k < kLetters.size(); ++k) {
      const DType a = kAllDTypes[i], b = kAllDTypes[k];
      EXPECT_EQ(together(zeros({}, a), zeros({}, b)), dtype_of_letter(kTensors[i][k]))
          << name(a) << " and " << name(b);
    }
}

TEST(Promotion, OfATensorAndOneWithoutDimensions) {
  for (size_t i = 0; i < kLetters.size(); ++i)
    for (size_t k = 0; k < kLetters.size(); ++k) {
      const DType a = kAllDTypes[i], b = kAllDTypes[k], want = dtype_of_letter(kZeroDim[i][k]);
      EXPECT_EQ(together(empty({0}, a), zeros({}, b)), want) << name(a) << " and " << name(b);
      EXPECT_EQ(together(zeros({}, b), empty({0}, a)), want) << name(b) << " and " << name(a);
    }
}

TEST(Promotion, OfATensorAndANumber) {
  const Scalar kValues[] = {true, 1, 1.5};
  for (size_t i = 0; i < kLetters.size(); ++i)
    for (size_t k = 0; k < 3; ++k) {
      const DType a = kAllDTypes[i], want = dtype_of_letter(kNumbers[i][k]);
      EXPECT_EQ(together(empty({0}, a), kValues[k]), want) << name(a) << ", number " << k;
      EXPECT_EQ(together(kValues[k], empty({0}, a)), want) << name(a) << ", number " << k;
      EXPECT_EQ(together(zeros({}, a), kValues[k]), want) << name(a) << ", number " << k;
    }
}

TEST(Promotion, OfThreeKinds) {
  const Tensor whole = empty({0}, kInt8), flag = zeros({}, kBool);
  EXPECT_EQ(clamp(whole, zeros({}, kInt64), 1.5).dtype(), kFloat32);
  EXPECT_EQ(clamp(whole, zeros({}, kFloat64), 1.5).dtype(), kFloat64);
  EXPECT_EQ(clamp(whole, flag, 7).dtype(), kInt8);
}

TEST(Promotion, OfIntegersAndAFloatNumberIsTheDefaultDType) {
  const DefaultDType scope(kFloat64);
  EXPECT_EQ((empty({0}, kInt64) + 1.5).dtype(), kFloat64);
  EXPECT_EQ((empty({0}, kBool) * 0.5).dtype(), kFloat64);
  EXPECT_EQ((empty({0}, kFloat32) + 1.5).dtype(), kFloat32);
  EXPECT_EQ(sqrt(empty({0}, kInt64)).dtype(), kFloat64);
  EXPECT_EQ((empty({0}, kInt64) / empty({0}, kInt64)).dtype(), kFloat64);
}

TEST(Promotion, TrueDivisionMakesFloats) {
  EXPECT_THAT((tensor({1, 3}) / tensor({2, 2})).to_vector<float>(), ElementsAre(0.5f, 1.5f));
  EXPECT_EQ((tensor({1, 3}) / 2).dtype(), kFloat32);
  EXPECT_EQ(div(tensor({1, 3}), 2, Rounding::kFloor).dtype(), kInt64);
  EXPECT_EQ(div(tensor({-3, 3}), 2, Rounding::kTrunc).to_vector<int64_t>(),
            (std::vector<int64_t>{-1, 1}));
  EXPECT_EQ(floor_divide(tensor({-3, 3}), 2).to_vector<int64_t>(), (std::vector<int64_t>{-2, 1}));
}

TEST(Promotion, BoolsAddAsOrAndMultiplyAsAnd) {
  const Tensor a = tensor({false, false, true, true}), b = tensor({false, true, false, true});
  EXPECT_EQ((a + b).dtype(), kBool);
  EXPECT_THAT((a + b).to_vector<int64_t>(), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT((a * b).to_vector<int64_t>(), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT((a + 1).to_vector<int64_t>(), ElementsAre(1, 1, 2, 2));
  EXPECT_EQ((a + 1).dtype(), kInt64);
  EXPECT_EQ(square(a).dtype(), kInt64);
  EXPECT_THAT(message_of([&] { (void)(a - b); }), HasSubstr("sub: bool"));
  EXPECT_THAT(message_of([&] { (void)(a - true); }), HasSubstr("sub: bool"));
  EXPECT_THAT((a - 1).to_vector<int64_t>(), ElementsAre(-1, -1, 0, 0));
}

TEST(Promotion, ComparisonsComputeInTheCommonDType) {
  const Tensor x = tensor({1, 2});
  EXPECT_THAT(lt(x, 1.5).to_vector<int64_t>(), ElementsAre(1, 0));
  EXPECT_EQ(lt(x, 1.5).dtype(), kBool);
  EXPECT_THAT(eq(x, tensor({1., 2.5})).to_vector<int64_t>(), ElementsAre(1, 0));
}

TEST(Promotion, InPlaceKeepsTheDTypeOrRefuses) {
  Tensor whole = tensor({1, 2}), real = tensor({1., 2.});
  EXPECT_THAT(message_of([&] { whole += 1.5; }),
              HasSubstr("result type Float can't be cast to the desired output type Long"));
  EXPECT_THAT(message_of([&] { whole.div_(2); }), HasSubstr("can't be cast"));
  EXPECT_THAT(message_of([&] { whole.exp_(); }), HasSubstr("can't be cast"));
  EXPECT_THAT(whole.to_vector<int64_t>(), ElementsAre(1, 2));
  whole.div_(2, Rounding::kFloor);
  EXPECT_THAT(whole.to_vector<int64_t>(), ElementsAre(0, 1));
  whole.eq_(1.0);
  EXPECT_EQ(whole.dtype(), kInt64);
  EXPECT_THAT(whole.to_vector<int64_t>(), ElementsAre(0, 1));
  real += tensor({1, 1});
  EXPECT_EQ(real.dtype(), kFloat32);
  EXPECT_THAT(real.to_vector<float>(), ElementsAre(2, 3));
}

}  // namespace
}  // namespace tenon
