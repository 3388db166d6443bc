// Arithmetic of two operands and more.
#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

// x ± alpha·y, rounded after each step.
std::vector<Array> expect_scaled(const Call& call, double sign) {
  const DType dtype = dtype_of_call(call);
  const Array a = operand(call, 0, dtype), b = operand(call, 1, dtype);
  const Scalar alpha = call.scalar(2, 1);
  Array out(broadcast(a.sizes, b.sizes), dtype);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    if (dtype == kBool) {
      out.values[i] = a.at(index) != 0 || b.at(index) != 0;
    } else if (is_floating_point(dtype)) {
      const double scaled = rounded(rounded(alpha.to_double(), dtype) * b.at(index), dtype);
      out.values[i] = rounded(a.at(index) + sign * scaled, dtype);
    } else {
      const auto scaled =
          static_cast<int64_t>(wrapped(static_cast<int64_t>(wrapped(alpha.to_int64(), dtype)) *
                                           static_cast<int64_t>(b.at(index)),
                                       dtype));
      out.values[i] =
          wrapped(static_cast<int64_t>(a.at(index)) + static_cast<int64_t>(sign) * scaled, dtype);
    }
  });
  return {out};
}

std::vector<Call> scaled_calls(DType dtype, Random& random) {
  std::vector<Call> calls = pair_calls(dtype, random, {}, {});
  add_number_calls(calls, dtype, random, {}, 3);
  if (dtype == kBool) return calls;
  for (const double alpha : {2.0, -3.0, 0.0}) {
    const Scalar scalar =
        is_floating_point(dtype) ? Scalar(alpha * 1.25) : Scalar(static_cast<int64_t>(alpha));
    calls.push_back(
        {{random.array({2, 3}, dtype, -4, 4), random.array({3}, dtype, -4, 4), scalar}});
  }
  return calls;
}

std::vector<Array> expect_rsub(const Call& call) {
  Call swapped = call;
  std::swap(swapped.arguments[0], swapped.arguments[1]);
  return expect_scaled(swapped, -1);
}

const std::vector<ErrorRow> kAlphaErrors = {
    {"alpha", {blank({2}, kInt64), blank({2}, kInt64), Scalar(1.5)}, "1\\.5.*floating"}};

void add_sums(std::vector<SampleRow>& rows) {
  SampleRow add;
  add.op = "add";
  add.dtypes = kEvery;
  add.calls = scaled_calls;
  add.expect = [](const Call& call) { return expect_scaled(call, 1); };
  add.gradient = true;
  add.errors = kAlphaErrors;
  SampleRow sub = add;
  sub.op = "sub";
  sub.dtypes = kNumbers;
  sub.expect = [](const Call& call) { return expect_scaled(call, -1); };
  SampleRow rsub = sub;
  rsub.op = "rsub";
  rsub.expect = expect_rsub;
  rsub.errors.push_back({"bool", {blank({2}, kBool), blank({2}, kBool)}, "sub.*bool"});
  rows.push_back(std::move(add));
  rows.push_back(std::move(sub));
  rows.push_back(std::move(rsub));
}

// ---- quotients ----

// PROGRAM.md: x / 0 is 0 and so is x rem 0.
int64_t truncated_quotient(int64_t x, int64_t y) { return y == 0 ? 0 : x / y; }
int64_t truncated_remainder(int64_t x, int64_t y) { return y == 0 ? 0 : x % y; }
int64_t floored_quotient(int64_t x, int64_t y) {
  if (y == 0) return 0;
  return x / y - (x % y != 0 && (x % y < 0) != (y < 0) ? 1 : 0);
}
int64_t floored_remainder(int64_t x, int64_t y) {
  if (y == 0) return 0;
  const int64_t rest = x % y;
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
double floored_remainder_of_floats(double x, double y) {
  const double rest = std::fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
double floored_quotient_of_floats(double x, double y) {
  if (y == 0) return x / y;
  const double rest = std::fmod(x, y);
  double whole = (x - rest) / y;
  if (rest != 0 && (rest < 0) != (y < 0)) whole -= 1;
  return std::nearbyint(whole);
}

constexpr int64_t kTrunc = 1, kFloor = 2;  // Rounding

std::vector<Array> expect_div(const Call& call) {
  const DType dtype = dtype_of_call(call), real = float_dtype(dtype);
  const int64_t rounding = call.scalar(2, 0).to_int64();
  if (rounding == kFloor)
    return {zip(call, dtype, dtype, &floored_quotient_of_floats, &floored_quotient)};
  if (rounding == kTrunc && !is_floating_point(dtype))
    return {zip(call, dtype, dtype, nullptr, &truncated_quotient)};
  const Floats divide = [](double x, double y) { return x / y; };
  if (rounding == 0) return {zip(call, real, real, divide, nullptr)};
  // Halves are divided in f32.
  const DType wide = dtype == kFloat64 ? kFloat64 : kFloat32;
  Array result = zip(call, dtype, wide, divide, nullptr);
  for (double& value : result.values) value = rounded(std::trunc(value), dtype);
  result.dtype = dtype;
  return {result};
}

void add_quotients(std::vector<SampleRow>& rows) {
  SampleRow div = pairs("div", kEvery, nullptr, nullptr, {}, {0.5, 4});
  div.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = pair_calls(dtype, random, {}, {0.5, 4});
    add_number_calls(calls, dtype, random, {}, 2);
    if (dtype == kBool) return calls;
    const size_t plain = calls.size();
    for (const int64_t rounding : {kTrunc, kFloor})
      for (size_t i = 0; i < plain; ++i) {
        calls.push_back(calls[i]);
        calls.back().arguments.resize(2);
        calls.back().arguments.emplace_back(Scalar(rounding));
      }
    return calls;
  };
  div.expect = expect_div;
  div.gradient = true;
  const Array two = blank({2}), flags = blank({2}, kBool);
  div.errors = {{"rounding", {two, two, Scalar(3)}, "div: rounding must be .*3"},
                {"floor of bool", {flags, flags, Scalar(kFloor)}, "div.*bool"},
                {"trunc of bool", {flags, flags, Scalar(kTrunc)}, "div.*bool"}};
  rows.push_back(std::move(div));

  rows.push_back(pairs("floor_divide", kNumbers, &floored_quotient_of_floats, &floored_quotient, {},
                       {0.5, 4}));
  rows.back().gradient = true;
  rows.back().errors = {{"bool", {flags, flags}, "div.*bool"}};
  rows.push_back(
      pairs("remainder", kNumbers, &floored_remainder_of_floats, &floored_remainder, {}, {0.5, 4}));
  rows.back().gradient = true;
  rows.push_back(pairs("fmod", kNumbers, [](double x, double y) { return std::fmod(x, y); },
                       &truncated_remainder, {}, {0.5, 4}));
  rows.back().gradient = true;
}

void add_mul(std::vector<SampleRow>& rows) {
  rows.push_back(pairs(
      "mul", kEvery, [](double x, double y) { return x * y; },
      [](int64_t x, int64_t y) { return x * y; }));
  rows.back().gradient = true;
}

// PROGRAM.md section 2: integers wrap, negative exponents truncate 1/base.
int64_t integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i) result *= static_cast<uint64_t>(base);
  return static_cast<int64_t>(result);
}

void add_pow(std::vector<SampleRow>& rows) {
  SampleRow pow = pairs("pow", kNumbers, [](double x, double y) { return std::pow(x, y); },
                        &integer_power, {0.2, 3}, {-3, 3});
  pow.calls = [](DType dtype, Random& random) {
    const bool real = is_floating_point(dtype);
    const Domain base = real ? Domain{0.2, 3} : Domain{-3, 3};
    std::vector<Call> calls;
    for (const auto& [left, right] : size_pairs())
      calls.push_back(
          {{random.array(left, dtype, base.low, base.high), random.array(right, dtype, -3, 5)},
           left.numel() < 60});
    if (real) calls.push_back(special_pairs(dtype));
    add_number_calls(calls, dtype, random, base, 3);
    return calls;
  };
  pow.tolerance = Tolerance::kUlp8;
  pow.gradient = true;
  pow.errors = {{"integers to a negative number",
                 {blank({2}, kInt64), Scalar(-1)},
                 "pow: integers to negative integer powers.*-1"}};
  rows.push_back(std::move(pow));
}

double greater_nan(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y);
}
double lesser_nan(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y);
}

void add_extremes(std::vector<SampleRow>& rows) {
  SampleRow maximum =
      pairs("maximum", kEvery, &greater_nan, [](int64_t x, int64_t y) { return std::max(x, y); });
  maximum.gradient = true;
  SampleRow minimum =
      pairs("minimum", kEvery, &lesser_nan, [](int64_t x, int64_t y) { return std::min(x, y); });
  minimum.gradient = true;
  rows.push_back(std::move(maximum));
  rows.push_back(std::move(minimum));
}

// self + value · (a ∘ b), rounded after each step.
std::vector<Array> expect_addc(const Call& call, bool divides) {
  DType dtype = call.array(0).dtype;
  if (divides) dtype = float_dtype(dtype);
  const Array self = operand(call, 0, dtype), a = operand(call, 1, dtype),
              b = operand(call, 2, dtype);
  const double value = rounded(call.scalar(3, 1).to_double(), dtype);
  Array out(broadcast(self.sizes, broadcast(a.sizes, b.sizes)), dtype);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const double scaled = rounded(value * a.at(index), dtype);
    const double term = divides ? scaled / b.at(index) : scaled * b.at(index);
    out.values[i] = rounded(self.at(index) + rounded(term, dtype), dtype);
  });
  return {out};
}

std::vector<Call> addc_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const auto& [left, right] : size_pairs())
    calls.push_back({{random.array(broadcast(left, right), dtype, -4, 4),
                      random.array(left, dtype, -3, 3), random.array(right, dtype, 1, 3)},
                     left.numel() < 60});
  const Scalar value = is_floating_point(dtype) ? Scalar(-0.75) : Scalar(2);
  calls.push_back({{random.array({2, 3}, dtype, -4, 4), random.array({3}, dtype, -3, 3),
                    random.array({2, 1}, dtype, 1, 3), value}});
  return calls;
}

void add_addc(std::vector<SampleRow>& rows) {
  SampleRow mul;
  mul.op = "addcmul";
  mul.dtypes = kNumbers;
  mul.calls = addc_calls;
  mul.expect = [](const Call& call) { return expect_addc(call, false); };
  mul.gradient = true;
  const Array two = blank({2});
  mul.errors = {{"value",
                 {blank({2}, kInt64), blank({2}, kInt64), blank({2}, kInt64), Scalar(1.5)},
                 "1\\.5.*floating"},
                {"a number", {two, Scalar(2), two}, "argument 1 must be a tensor"}};
  SampleRow div = mul;
  div.op = "addcdiv";
  div.expect = [](const Call& call) { return expect_addc(call, true); };
  div.dtypes = kFloats;
  div.errors = {
      {"integers", {two, blank({2}, kInt64), blank({2}, kInt64)}, "addcdiv.*floating point"}};
  rows.push_back(std::move(mul));
  rows.push_back(std::move(div));
}

}  // namespace

void add_elementwise_samples(std::vector<SampleRow>& rows) {
  const size_t first = rows.size();
  add_sums(rows);
  add_mul(rows);
  add_quotients(rows);
  add_pow(rows);
  add_extremes(rows);
  add_addc(rows);
  add_logic_rows(rows);
  add_binary_rows(rows);
  add_standard_errors(rows, first);
}

}  // namespace tenon::ops_test
