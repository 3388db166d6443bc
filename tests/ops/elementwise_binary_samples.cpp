// Functions of two operands and more.
#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

double times_log(double x, double y) { return std::isnan(y) ? y : x == 0 ? 0 : x * std::log(y); }

double log_of_sum(double x, double y) {
  if (x == y) return x + std::log(2.0);
  return std::isnan(x) || std::isnan(y) ? NAN
                                        : std::fmax(x, y) + std::log1p(std::exp(-std::fabs(x - y)));
}

double sign_from(double x, double y) { return std::isnan(y) ? std::fabs(x) : std::copysign(x, y); }

void add_functions(std::vector<SampleRow>& rows) {
  rows.push_back(real_pairs(
      "atan2", [](double x, double y) { return std::atan2(x, y); }, {}, {0.5, 4},
      Tolerance::kUlp4));
  rows.push_back(real_pairs(
      "hypot", [](double x, double y) { return std::hypot(x, y); }, {}, {0.5, 4},
      Tolerance::kUlp4));
  rows.back().dtypes = kFloats;
  rows.push_back(real_pairs("copysign", &sign_from, {0.3, 4}, {0.3, 4}, Tolerance::kExact));
  rows.push_back(real_pairs("xlogy", &times_log, {0.3, 4}, {0.2, 4}, Tolerance::kUlp8));
  rows.push_back(real_pairs("logaddexp", &log_of_sum, {}, {}, Tolerance::kUlp8));
  rows.back().dtypes = kFloats;
  // max(x, y) and the rest may cancel.
  rows.back().expect = [](const Call& call) {
    const DType dtype = dtype_of_call(call);
    Array result = zip(call, dtype, dtype, &log_of_sum, nullptr);
    const Array size = zip(
        call, kFloat64, kFloat64,
        [](double x, double y) { return std::isfinite(x + y) ? std::fabs(x) + std::fabs(y) : 0; },
        nullptr);
    result.magnitudes = size.values;
    return std::vector<Array>{result};
  };
}

// 0 below 0, the second operand at 0, 1 above.
void add_heaviside(std::vector<SampleRow>& rows) {
  SampleRow row = pairs(
      "heaviside", kEvery, [](double x, double y) { return x == 0  ? y
                                                           : x > 0 ? 1.0
                                                                   : 0.0; },
      [](int64_t x, int64_t y) { return x == 0 ? y : int64_t{x > 0}; }, {-2, 2}, {-2, 2});
  row.calls = [](DType dtype, Random& random) {
    return pair_calls(dtype, random, {-2, 2}, {-2, 2});
  };
  row.errors = {{"two dtypes", {blank({2}), blank({2}, kFloat64)}, "heaviside.*float32.*float64"},
                {"a number", {blank({2}), Scalar(1)}, "argument 1 must be a tensor"}};
  rows.push_back(std::move(row));
}

// self + weight·(end − self)
std::vector<Array> expect_lerp(const Call& call) {
  const DType dtype = dtype_of_call(call);
  const Array self = operand(call, 0, dtype), end = operand(call, 1, dtype);
  const Array weight = operand(call, 2, kFloat64);
  Array out(broadcast(broadcast(self.sizes, end.sizes), weight.sizes), dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const double a = self.at(index), b = end.at(index), w = weight.at(index);
    out.values[i] = std::fabs(w) < 0.5 ? a + w * (b - a) : b - (b - a) * (1 - w);
    const double size = 2 * (std::fabs(a) + std::fabs(b)) * (1 + std::fabs(w));
    if (std::isfinite(size)) out.magnitudes[i] = size;
  });
  return {out};
}

void add_lerp(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "lerp";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [left, right] : size_pairs())
      calls.push_back({{random.array(left, dtype, -4, 4), random.array(right, dtype, -4, 4),
                        random.array(left, dtype, -1, 2)},
                       left.numel() < 60});
    for (const double weight : {0.0, 0.25, 0.5, 1.0, -1.5}) {
      Call special = special_pairs(dtype);
      special.arguments.emplace_back(Scalar(weight));
      calls.push_back(
          {{random.array({2, 3}, dtype, -4, 4), random.array({3}, dtype, -4, 4), Scalar(weight)}});
      calls.push_back(special);
    }
    return calls;
  };
  row.expect = expect_lerp;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array two = blank({2}), wide = blank({2}, kFloat64);
  row.errors = {{"two dtypes", {two, wide, two}, "lerp.*float32.*float64"},
                {"dtype of the weight", {two, two, wide}, "lerp.*float32.*float64"},
                {"end is a number", {two, Scalar(1), two}, "argument 1 must be a tensor"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_binary_rows(std::vector<SampleRow>& rows) {
  add_functions(rows);
  add_heaviside(rows);
  add_lerp(rows);
}

}  // namespace tenon::ops_test
