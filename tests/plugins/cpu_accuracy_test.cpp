// Accuracy of every f32 function of programs, at each instruction set of this machine, against the
// C library in f64 (in long double where f64 is short), over values spread through all bit
// patterns.
//
// TENON_ACCURACY_STEP=1 walks all 2^32 values (minutes per function).
#include "cpu_host.h"

#include <bit>
#include <cmath>
#include <cstdio>

namespace tenon::test {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32;

struct Function {
  const char* name;
  uint32_t opcode;
  double (*exact)(double);
  double limit_ulp;
  double largest;  // |x| up to which the limit holds
};

const Function kFunctions[] = {
    {"sqrt", TN_PROGRAM_SQRT, [](double x) { return std::sqrt(x); }, 0.5, INFINITY},
    {"rsqrt", TN_PROGRAM_RSQRT, [](double x) { return 1 / std::sqrt(x); }, 4, INFINITY},
    {"recip", TN_PROGRAM_RECIP, [](double x) { return 1 / x; }, 0.5, INFINITY},
    {"exp", TN_PROGRAM_EXP, [](double x) { return std::exp(x); }, 4, INFINITY},
    {"expm1", TN_PROGRAM_EXPM1, [](double x) { return std::expm1(x); }, 4, INFINITY},
    {"exp2", TN_PROGRAM_EXP2, [](double x) { return std::exp2(x); }, 4, INFINITY},
    {"log", TN_PROGRAM_LOG, [](double x) { return std::log(x); }, 4, INFINITY},
    {"log1p", TN_PROGRAM_LOG1P, [](double x) { return std::log1p(x); }, 4, INFINITY},
    {"log2", TN_PROGRAM_LOG2, [](double x) { return std::log2(x); }, 4, INFINITY},
    {"sin", TN_PROGRAM_SIN, [](double x) { return std::sin(x); }, 4, 0x1p20},
    {"cos", TN_PROGRAM_COS, [](double x) { return std::cos(x); }, 4, 0x1p20},
    {"tan", TN_PROGRAM_TAN, [](double x) { return std::tan(x); }, 8, 0x1p20},
    {"asin", TN_PROGRAM_ASIN, [](double x) { return std::asin(x); }, 4, INFINITY},
    {"acos", TN_PROGRAM_ACOS, [](double x) { return std::acos(x); }, 4, INFINITY},
    {"atan", TN_PROGRAM_ATAN, [](double x) { return std::atan(x); }, 4, INFINITY},
    {"sinh", TN_PROGRAM_SINH, [](double x) { return std::sinh(x); }, 8, INFINITY},
    {"cosh", TN_PROGRAM_COSH, [](double x) { return std::cosh(x); }, 8, INFINITY},
    {"tanh", TN_PROGRAM_TANH, [](double x) { return std::tanh(x); }, 4, INFINITY},
    {"asinh", TN_PROGRAM_ASINH, [](double x) { return std::asinh(x); }, 8, INFINITY},
    {"acosh", TN_PROGRAM_ACOSH, [](double x) { return std::acosh(x); }, 8, INFINITY},
    {"atanh", TN_PROGRAM_ATANH, [](double x) { return std::atanh(x); }, 8, INFINITY},
    {"erf", TN_PROGRAM_ERF, [](double x) { return std::erf(x); }, 4, INFINITY},
    {"erfc", TN_PROGRAM_ERFC, [](double x) { return std::erfc(x); }, 8, INFINITY},
    {"sigmoid", TN_PROGRAM_SIGMOID, [](double x) { return 1 / (1 + std::exp(-x)); }, 4, INFINITY},
    {"neg", TN_PROGRAM_NEG, [](double x) { return -x; }, 0, INFINITY},
    {"abs", TN_PROGRAM_ABS, [](double x) { return std::fabs(x); }, 0, INFINITY},
    {"floor", TN_PROGRAM_FLOOR, [](double x) { return std::floor(x); }, 0, INFINITY},
    {"ceil", TN_PROGRAM_CEIL, [](double x) { return std::ceil(x); }, 0, INFINITY},
    {"trunc", TN_PROGRAM_TRUNC, [](double x) { return std::trunc(x); }, 0, INFINITY},
    {"round", TN_PROGRAM_ROUND, [](double x) { return std::nearbyint(x); }, 0, INFINITY},
};

// Error in units of the last place of the exact result; infinities and NaN must be met.
double error_ulp(float got, double exact) {
  if (std::isnan(exact) || std::isnan(got)) {
    return std::isnan(exact) == std::isnan(got) ? 0.0 : INFINITY;
  }
  const float nearest = static_cast<float>(exact);
  if (std::isinf(nearest) || std::isinf(got)) {
    if (nearest == got) return 0.0;
    const bool edge = std::fabs(exact) > 3.4028e38 && std::fabs(got) > 3.4028e38;
    return edge ? 1.0 : INFINITY;
  }
  if (exact == 0.0 && got == 0.0f) return std::signbit(exact) == std::signbit(got) ? 0.0 : INFINITY;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs(static_cast<double>(got) - exact) / ulp;
}

uint64_t step() {
  const char* text = std::getenv("TENON_ACCURACY_STEP");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 8191;
}

const float kSpecial[] = {0.0f,    -0.0f,   1.0f,      -1.0f,   INFINITY, -INFINITY,  NAN,
                          1e-45f,  -1e-45f, 0x1p-126f, 0.5f,    -0.5f,    1e38f,      -1e38f,
                          88.72f,  88.8f,   -87.3f,    -103.9f, -104.5f,  1e-8f,      -1e-8f,
                          0x1p20f, 9.0f,    -9.0f,     2.5f,    -3.5f,    16777217.0f};

void check_function(const std::string& isa, const Function& f) {
  CpuHost host(isa);
  constexpr int64_t kBlock = 4099;  // whole vectors and a rest
  TestTensor x(host, kF32, {kBlock});
  TestTensor y(host, kF32, {kBlock});
  TestProgram p{1, {}, {}, {}};
  p.outputs = {p.add(f.opcode, kF32, 0)};
  Prepared kernel(host, {"program", {&y}, {&x}, {}, {}, &p});
  ASSERT_EQ(kernel.status, TN_OK) << kernel.answer.reason;
  double worst = 0;
  float worst_at = 0;
  uint64_t bits = 0;
  size_t special = 0;
  while (bits < (uint64_t{1} << 32)) {
    for (int64_t i = 0; i < kBlock; ++i, bits += step()) {
      x.at<float>(i) = special < std::size(kSpecial)
                           ? kSpecial[special++]
                           : std::bit_cast<float>(static_cast<uint32_t>(bits));
    }
    ASSERT_EQ(kernel.launch(), TN_OK);
    for (int64_t i = 0; i < kBlock; ++i) {
      const float at = x.at<float>(i);
      if (std::fabs(at) > f.largest) continue;
      const double error = error_ulp(y.at<float>(i), f.exact(static_cast<double>(at)));
      if (error > worst) worst = error, worst_at = at;
    }
  }
  y.expect_guards();
  std::printf("| %s | %s | %.2f | at %a\n", f.name, isa.c_str(), worst,
              static_cast<double>(worst_at));
  EXPECT_LE(worst, f.limit_ulp) << f.name << " on " << isa << " at " << worst_at;
}

class CpuAccuracy : public testing::TestWithParam<Function> {};

TEST_P(CpuAccuracy, WithinProgramMd) {
  for (const std::string& isa : CpuHost::levels()) check_function(isa, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Functions, CpuAccuracy, testing::ValuesIn(kFunctions),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace tenon::test
