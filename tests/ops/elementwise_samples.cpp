// Arithmetic, comparisons and logic of two operands and more.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

using Floats = double (*)(double, double);
using Integers = int64_t (*)(int64_t, int64_t);

// Pairs of sizes: equal, broadcast either way, 0-dim, empty, longer than a vector register.
const std::vector<std::pair<Shape, Shape>> kPairs = {
    {{3, 5}, {3, 5}}, {{2, 3, 4}, {4}}, {{3, 1}, {1, 4}},   {{}, {2, 3}},        {{5}, {}},
    {{}, {}},         {{0, 3}, {3}},    {{2, 67}, {2, 67}}, {{2, 1, 3}, {4, 1}},
};

struct Domain {
  double low = -4, high = 4;
};

const std::vector<double> kSpecials = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 0.5, -2.5, 1e-3};

// Every special value against every other.
Call special_pairs(DType dtype) {
  Array a({static_cast<int64_t>(kSpecials.size()), 1}, dtype),
      b({static_cast<int64_t>(kSpecials.size())}, dtype);
  for (size_t i = 0; i < kSpecials.size(); ++i) {
    a.values[i] = rounded(kSpecials[i], dtype);
    b.values[i] = a.values[i];
  }
  return {{a, b}, false};
}

Array least_and_greatest(DType dtype) {
  if (dtype == kUInt8) return {{4}, dtype, {0, 1, 254, 255}};
  if (dtype == kInt8) return {{4}, dtype, {-128, -1, 1, 127}};
  if (dtype == kInt16) return {{4}, dtype, {-32768, -1, 1, 32767}};
  if (dtype == kInt32) return {{4}, dtype, {-2147483648.0, -1, 1, 2147483647}};
  return {{4}, dtype, {-0x1p25, -1, 1, 0x1p25}};
}

std::vector<Call> pair_calls(DType dtype, Random& random, Domain a, Domain b) {
  std::vector<Call> calls;
  for (const auto& [left, right] : kPairs)
    calls.push_back(
        {{random.array(left, dtype, a.low, a.high), random.array(right, dtype, b.low, b.high)},
         left.numel() < 60});
  if (is_floating_point(dtype)) calls.push_back(special_pairs(dtype));
  if (is_integral(dtype))
    calls.push_back({{least_and_greatest(dtype), least_and_greatest(dtype)}, false});
  return calls;
}

// A number of the host on the right.
void add_number_calls(std::vector<Call>& calls, DType dtype, Random& random, Domain a,
                      double number) {
  Scalar scalar = is_floating_point(dtype) ? Scalar(number) : Scalar(static_cast<int64_t>(number));
  if (dtype == kBool) scalar = Scalar(true);
  calls.push_back({{random.array({2, 3}, dtype, a.low, a.high), scalar}});
}

Array filled_with(const Scalar& scalar, DType dtype) {
  return {{}, dtype, {rounded(scalar.to_double(), dtype)}};
}

// Operand i as an array of the dtype that the call computes in.
Array operand(const Call& call, size_t i, DType dtype) {
  if (const auto* scalar = std::get_if<Scalar>(&call.arguments[i]))
    return filled_with(*scalar, dtype);
  Array array = call.array(i);
  for (double& value : array.values) value = rounded(value, dtype);
  return array;
}

DType dtype_of_call(const Call& call) {
  for (const Argument& argument : call.arguments)
    if (const auto* array = std::get_if<Array>(&argument)) return array->dtype;
  return kFloat32;
}

// Element by element in `compute`, stored as `result`.
Array zip(const Call& call, DType compute, DType result, Floats floats, Integers integers) {
  const Array a = operand(call, 0, compute), b = operand(call, 1, compute);
  Array out(broadcast(a.sizes, b.sizes), result);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const double x = a.at(index), y = b.at(index);
    if (is_floating_point(compute))
      out.values[i] = rounded(floats(x, y), result);
    else
      out.values[i] = wrapped(integers(static_cast<int64_t>(x), static_cast<int64_t>(y)), result);
  });
  return out;
}

DType float_dtype(DType dtype) { return is_floating_point(dtype) ? dtype : kFloat32; }

SampleRow pairs(const char* op, std::vector<DType> dtypes, Floats floats, Integers integers,
                Domain a = {}, Domain b = {}) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [a, b](DType dtype, Random& random) {
    std::vector<Call> calls = pair_calls(dtype, random, a, b);
    add_number_calls(calls, dtype, random, a, 2);
    return calls;
  };
  row.expect = [floats, integers](const Call& call) {
    const DType dtype = dtype_of_call(call);
    return std::vector<Array>{zip(call, dtype, dtype, floats, integers)};
  };
  return row;
}

SampleRow compares(const char* op, Floats floats, Integers integers) {
  SampleRow row = pairs(op, kEvery, floats, integers, {-2, 2}, {-2, 2});
  row.expect = [floats, integers](const Call& call) {
    return std::vector<Array>{zip(call, dtype_of_call(call), kBool, floats, integers)};
  };
  row.errors = {{"sizes", {blank({2, 3}), blank({2})}, "\\(2, 3\\).*\\(2\\)"}};
  return row;
}

std::vector<ErrorRow> broadcast_errors(const char* op) {
  return {{"sizes", {blank({2, 3}), blank({4})}, std::string(op) + ".*\\(2, 3\\).*\\(4\\)"}};
}

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

void add_sums(std::vector<SampleRow>& rows) {
  SampleRow add;
  add.op = "add";
  add.dtypes = kEvery;
  add.calls = scaled_calls;
  add.expect = [](const Call& call) { return expect_scaled(call, 1); };
  add.gradient = true;
  add.in_place = [](Tensor& self, std::span<const Value> others) {
    const Scalar alpha = others.size() > 1 ? std::get<Scalar>(others[1]) : Scalar(1);
    self.add_(boxing::From<Operand>::get(others[0], 0), alpha);
  };
  add.out = [](Tensor& out, std::span<const Value> a) {
    add_out(out, boxing::From<Operand>::get(a[0], 0), boxing::From<Operand>::get(a[1], 1),
            a.size() > 2 ? std::get<Scalar>(a[2]) : Scalar(1));
  };
  add.errors = broadcast_errors("add");
  add.errors.push_back(
      {"alpha", {blank({2}, kInt64), blank({2}, kInt64), Scalar(1.5)}, "add.*1\\.5"});

  SampleRow sub = add;
  sub.op = "sub";
  sub.dtypes = kNumbers;
  sub.expect = [](const Call& call) { return expect_scaled(call, -1); };
  sub.in_place = [](Tensor& self, std::span<const Value> others) {
    const Scalar alpha = others.size() > 1 ? std::get<Scalar>(others[1]) : Scalar(1);
    self.sub_(boxing::From<Operand>::get(others[0], 0), alpha);
  };
  sub.out = [](Tensor& out, std::span<const Value> a) {
    sub_out(out, boxing::From<Operand>::get(a[0], 0), boxing::From<Operand>::get(a[1], 1),
            a.size() > 2 ? std::get<Scalar>(a[2]) : Scalar(1));
  };
  sub.errors = broadcast_errors("sub");
  sub.errors.push_back({"bool", {blank({2}, kBool), blank({2}, kBool)}, "sub.*bool"});
  rows.push_back(std::move(add));
  rows.push_back(std::move(sub));
}

void add_products(std::vector<SampleRow>& rows) {
  SampleRow mul = pairs(
      "mul", kEvery, [](double x, double y) { return x * y; },
      [](int64_t x, int64_t y) { return x * y; });
  mul.gradient = true;
  mul.in_place = [](Tensor& self, std::span<const Value> others) {
    self.mul_(boxing::From<Operand>::get(others[0], 0));
  };
  mul.out = [](Tensor& out, std::span<const Value> a) {
    mul_out(out, boxing::From<Operand>::get(a[0], 0), boxing::From<Operand>::get(a[1], 1));
  };
  mul.errors = broadcast_errors("mul");
  rows.push_back(std::move(mul));

  SampleRow div =
      pairs("div", kEvery, [](double x, double y) { return x / y; }, nullptr, {}, {0.5, 4});
  div.expect = [](const Call& call) {
    const DType dtype = float_dtype(dtype_of_call(call));
    return std::vector<Array>{zip(
        call, dtype, dtype, [](double x, double y) { return x / y; }, nullptr)};
  };
  div.gradient = true;
  div.in_place = [](Tensor& self, std::span<const Value> others) {
    self.div_(boxing::From<Operand>::get(others[0], 0));
  };
  div.out = [](Tensor& out, std::span<const Value> a) {
    div_out(out, boxing::From<Operand>::get(a[0], 0), boxing::From<Operand>::get(a[1], 1));
  };
  div.errors = broadcast_errors("div");
  rows.push_back(std::move(div));
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
    for (const auto& [left, right] : kPairs)
      calls.push_back(
          {{random.array(left, dtype, base.low, base.high), random.array(right, dtype, -3, 5)},
           left.numel() < 60});
    if (real) calls.push_back(special_pairs(dtype));
    add_number_calls(calls, dtype, random, base, 3);
    return calls;
  };
  pow.tolerance = Tolerance::kUlp8;
  pow.gradient = true;
  pow.errors = broadcast_errors("pow");
  pow.errors.push_back({"bool", {blank({2}, kBool), blank({2}, kBool)}, "pow.*bool"});
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
  maximum.errors = broadcast_errors("maximum");
  SampleRow minimum =
      pairs("minimum", kEvery, &lesser_nan, [](int64_t x, int64_t y) { return std::min(x, y); });
  minimum.gradient = true;
  minimum.errors = broadcast_errors("minimum");
  rows.push_back(std::move(maximum));
  rows.push_back(std::move(minimum));
}

void add_comparisons(std::vector<SampleRow>& rows) {
  rows.push_back(compares(
      "eq", [](double x, double y) -> double { return x == y; },
      [](int64_t x, int64_t y) -> int64_t { return x == y; }));
  rows.push_back(compares(
      "ne", [](double x, double y) -> double { return x != y; },
      [](int64_t x, int64_t y) -> int64_t { return x != y; }));
  rows.push_back(compares(
      "lt", [](double x, double y) -> double { return x < y; },
      [](int64_t x, int64_t y) -> int64_t { return x < y; }));
  rows.push_back(compares(
      "le", [](double x, double y) -> double { return x <= y; },
      [](int64_t x, int64_t y) -> int64_t { return x <= y; }));
  rows.push_back(compares(
      "gt", [](double x, double y) -> double { return x > y; },
      [](int64_t x, int64_t y) -> int64_t { return x > y; }));
  rows.push_back(compares(
      "ge", [](double x, double y) -> double { return x >= y; },
      [](int64_t x, int64_t y) -> int64_t { return x >= y; }));
  rows.push_back(compares(
      "logical_and", [](double x, double y) -> double { return x != 0 && y != 0; },
      [](int64_t x, int64_t y) -> int64_t { return x != 0 && y != 0; }));
  rows.push_back(compares(
      "logical_or", [](double x, double y) -> double { return x != 0 || y != 0; },
      [](int64_t x, int64_t y) -> int64_t { return x != 0 || y != 0; }));
}

void add_where(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "where";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [left, right] : kPairs)
      calls.push_back({{random.array(left, kBool, 0, 1), random.array(right, dtype, -4, 4),
                        random.array(left, dtype, -4, 4)},
                       left.numel() < 60});
    calls.push_back({{Array({3}, kBool, {1, 0, 1}), random.array({3}, dtype, -4, 4),
                      dtype == kBool ? Scalar(true) : Scalar(1)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const DType dtype = call.array(1).dtype;
    const Array condition = call.array(0), a = operand(call, 1, dtype), b = operand(call, 2, dtype);
    Array out(broadcast(condition.sizes, broadcast(a.sizes, b.sizes)), dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      out.values[i] = condition.at(index) != 0 ? a.at(index) : b.at(index);
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {
      {"condition", {blank({2}), blank({2}), blank({2})}, "where.*bool"},
      {"sizes", {blank({2}, kBool), blank({3}), blank({3})}, "\\(2\\).*\\(3\\)|\\(3\\).*\\(2\\)"}};
  rows.push_back(std::move(row));
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
  for (const auto& [left, right] : kPairs)
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
  mul.in_place = [](Tensor& self, std::span<const Value> o) {
    self.addcmul_(std::get<Tensor>(o[0]), std::get<Tensor>(o[1]),
                  o.size() > 2 ? std::get<Scalar>(o[2]) : Scalar(1));
  };
  mul.errors = {{"sizes", {blank({2}), blank({3}), blank({3})}, "addcmul.*\\(.\\)"}};
  SampleRow div = mul;
  div.op = "addcdiv";
  div.expect = [](const Call& call) { return expect_addc(call, true); };
  div.in_place = [](Tensor& self, std::span<const Value> o) {
    self.addcdiv_(std::get<Tensor>(o[0]), std::get<Tensor>(o[1]),
                  o.size() > 2 ? std::get<Scalar>(o[2]) : Scalar(1));
  };
  div.errors = {{"sizes", {blank({2}), blank({3}), blank({3})}, "addcdiv.*\\(.\\)"}};
  rows.push_back(std::move(mul));
  rows.push_back(std::move(div));
}

}  // namespace

void add_elementwise_samples(std::vector<SampleRow>& rows) {
  add_sums(rows);
  add_products(rows);
  add_pow(rows);
  add_extremes(rows);
  add_comparisons(rows);
  add_where(rows);
  add_addc(rows);
}

}  // namespace tenon::ops_test
