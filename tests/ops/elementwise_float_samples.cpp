// Functions of one tensor that are defined for floats.
#include <algorithm>

#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

// ln(x/(1 − x)), of x brought into [eps, 1 − eps] where there is an eps.
std::vector<Array> expect_logit(const Call& call) {
  const Array& x = call.array(0);
  const double eps = call.has(1) ? call.scalar(1).to_double() : -1;
  Array result = mapped(x, float_dtype(x.dtype), [eps](double value) {
    if (eps >= 0 && !std::isnan(value)) value = std::clamp(value, eps, 1 - eps);
    return std::log(value / (1 - value));
  });
  // Near x = ½ the quotient is near 1, where the logarithm has nothing left of its rounding.
  for (const double value : result.values)
    result.magnitudes.push_back(std::isfinite(value) ? 2 : 0);
  return {result};
}

void add_logit(std::vector<SampleRow>& rows) {
  SampleRow row = real("logit", nullptr, {}, Tolerance::kUlp8);
  row.calls = [](DType dtype, Random& random) {
    const Domain domain = is_floating_point(dtype) ? Domain{0.1, 0.9} : Domain{0, 1};
    std::vector<Call> calls = unary_calls(dtype, random, domain);
    if (dtype == kInt32) calls.pop_back();
    const size_t plain = calls.size();
    for (size_t i = 0; i < plain; ++i) {
      calls.push_back(calls[i]);
      calls.back().arguments.emplace_back(Scalar(0.25));
    }
    return calls;
  };
  row.expect = expect_logit;
  rows.push_back(std::move(row));
}

}  // namespace

void add_float_rows(std::vector<SampleRow>& rows) {
  rows.push_back(real("exp", [](double x) { return std::exp(x); }, {-5, 5}));
  rows.push_back(real("expm1", [](double x) { return std::expm1(x); }, {-2, 4}));
  rows.push_back(real("exp2", [](double x) { return std::exp2(x); }, {-5, 5}));
  rows.push_back(real("log", [](double x) { return std::log(x); }, {0.1, 9}));
  rows.push_back(real("log1p", [](double x) { return std::log1p(x); }, {-0.8, 9}));
  rows.push_back(real("log2", [](double x) { return std::log2(x); }, {0.1, 9}));
  rows.push_back(real(
      "log10", [](double x) { return std::log10(x); }, {0.1, 9}, Tolerance::kUlp8));
  rows.push_back(real(
      "sqrt", [](double x) { return std::sqrt(x); }, {0.1, 9}, Tolerance::kExact));
  rows.push_back(real("rsqrt", [](double x) { return 1 / std::sqrt(x); }, {0.1, 9}));
  rows.push_back(real("reciprocal", [](double x) { return 1 / x; }, {0.3, 5}));
  rows.push_back(real("sin", [](double x) { return std::sin(x); }, {-20, 20}));
  rows.push_back(real("cos", [](double x) { return std::cos(x); }, {-20, 20}));
  rows.push_back(real(
      "tan", [](double x) { return std::tan(x); }, {-1.4, 1.4}, Tolerance::kUlp8));
  rows.push_back(real("asin", [](double x) { return std::asin(x); }, {-0.9, 0.9}));
  rows.push_back(real("acos", [](double x) { return std::acos(x); }, {-0.9, 0.9}));
  rows.push_back(real("atan", [](double x) { return std::atan(x); }, {-5, 5}));
  rows.push_back(real(
      "sinh", [](double x) { return std::sinh(x); }, {-4, 4}, Tolerance::kUlp8));
  rows.push_back(real(
      "cosh", [](double x) { return std::cosh(x); }, {-4, 4}, Tolerance::kUlp8));
  rows.push_back(real("tanh", [](double x) { return std::tanh(x); }, {-4, 4}));
  rows.push_back(real(
      "asinh", [](double x) { return std::asinh(x); }, {-5, 5}, Tolerance::kUlp8));
  rows.push_back(real(
      "acosh", [](double x) { return std::acosh(x); }, {1.1, 6}, Tolerance::kUlp8));
  rows.push_back(real(
      "atanh", [](double x) { return std::atanh(x); }, {-0.9, 0.9}, Tolerance::kUlp8));
  rows.push_back(real("sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, {-8, 8}));
  rows.push_back(real("erf", [](double x) { return std::erf(x); }, {-3, 3}));
  rows.push_back(real(
      "erfc", [](double x) { return std::erfc(x); }, {-2, 3}, Tolerance::kUlp8));
  add_logit(rows);
}

}  // namespace tenon::ops_test
