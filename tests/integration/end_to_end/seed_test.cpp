// The notes that Tenon grew from, as one program (the example 01_tensor_tour), on devices chosen by
// the environment alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;

Outcome run_seed(const std::string& device) {
  return run({.arguments = {program("01_tensor_tour"), "--exact"},
              .environment = {{"TENON_DEVICE", device}}});
}

// How many floats lie between a and b.
double ulps_between(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const float larger = static_cast<float>(std::max(std::abs(a), std::abs(b)));
  const float ulp = std::nextafter(larger, INFINITY) - larger;
  return std::abs(a - b) / static_cast<double>(ulp);
}

// Word by word: equal, or numbers at most 1 ULP of float32 apart.
void expect_same_output(const std::string& expected, const std::string& actual) {
  std::istringstream left(expected), right(actual);
  std::string a, b, label;
  while (left >> a) {
    ASSERT_TRUE(right >> b) << "output ends early, at " << a;
    if (a.starts_with("S")) label = a;
    if (a == b) continue;
    ASSERT_TRUE(a.find("0x") != std::string::npos && b.find("0x") != std::string::npos)
        << label << ": " << a << " and " << b;
    const double ulps =
        ulps_between(std::strtod(a.c_str(), nullptr), std::strtod(b.c_str(), nullptr));
    EXPECT_LE(ulps, 1) << label << ": " << a << " and " << b;
  }
  EXPECT_FALSE(right >> b) << "output goes on with " << b;
}

TEST(Seed, HoldsOnCpu) {
  const Outcome outcome = run_seed("cpu");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.describe();
  for (const char* statement : {"S37", "S47"})
    EXPECT_THAT(outcome.out,
                HasSubstr(statement + std::string(" x.grad() float32 [2] [2] 0x1.2p+2 0x1.2p+2 "
                                                  "0x1.2p+2 0x1.2p+2\n")))
        << "x.grad is 4.5 everywhere";
}

class SeedOn : public ::testing::TestWithParam<const char*> {};

TEST_P(SeedOn, HoldsAndPrintsWhatCpuPrints) {
  const Outcome cpu = run_seed("cpu"), device = run_seed(GetParam());
  ASSERT_EQ(device.exit_code, 0) << device.describe();
  expect_same_output(cpu.out, device.out);
}
INSTANTIATE_TEST_SUITE_P(Devices, SeedOn, ::testing::Values("reference", "opaque"),
                         [](const auto& row) { return std::string(row.param); });

}  // namespace
}  // namespace tenon::integration
