// Functions of one tensor.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

using Function = double (*)(double);

const std::vector<Shape> kSizes = {{}, {7}, {3, 5}, {2, 3, 4}, {0, 3}, {1, 1}, {2, 67}};

struct Domain {
  double low, high;
};

Array specials(DType dtype) {
  Array array({10}, dtype, {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 0.5, -2.5, 1e-3});
  for (double& value : array.values) value = rounded(value, dtype);
  return array;
}

std::vector<Call> unary_calls(DType dtype, Random& random, Domain domain) {
  std::vector<Call> calls;
  for (const Shape& sizes : kSizes)
    calls.push_back({{random.array(sizes, dtype, domain.low, domain.high)}, sizes.numel() < 60});
  if (is_floating_point(dtype)) calls.push_back({{specials(dtype)}, false});
  if (dtype == kInt8) calls.push_back({{Array({3}, kInt8, {-128, -1, 127})}, false});
  if (dtype == kInt32)
    calls.push_back({{Array({3}, kInt32, {-2147483648.0, -1, 2147483647})}, false});
  return calls;
}

// f in double, stored as the result's dtype. Integers that stay integers wrap.
Array mapped(const Array& x, DType result, Function f) {
  Array out(x.sizes, result);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const double value = f(x.values[i]);
    out.values[i] =
        is_floating_point(result) ? value : wrapped(static_cast<int64_t>(value), result);
  }
  return out;
}

// The dtype stays.
SampleRow same(const char* op, std::vector<DType> dtypes, Function f, bool gradient,
               Domain domain = {-4, 4}) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [domain](DType dtype, Random& random) { return unary_calls(dtype, random, domain); };
  row.expect = [f](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), call.array(0).dtype, f)};
  };
  row.gradient = gradient;
  return row;
}

// Integers and bool become f32.
SampleRow real(const char* op, Function f, Domain domain, Tolerance tolerance = Tolerance::kUlp4) {
  SampleRow row =
      same(op, {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64, kInt32, kBool}, f, true, domain);
  row.expect = [f](const Call& call) {
    const DType dtype = call.array(0).dtype;
    return std::vector<Array>{
        mapped(call.array(0), is_floating_point(dtype) ? dtype : kFloat32, f)};
  };
  row.tolerance = tolerance;
  row.calls = [domain](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, domain);
    if (dtype == kInt32) calls.pop_back();  // sin and cos hold up to 2^20
    return calls;
  };
  return row;
}

SampleRow predicate(const char* op, Function f) {
  SampleRow row = same(op, kEvery, f, false);
  row.expect = [f](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), kBool, f)};
  };
  return row;
}

double sign(double x) { return std::isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0; }
double relu(double x) { return std::isnan(x) || x > 0 ? x : 0; }

void add_same(std::vector<SampleRow>& rows) {
  rows.push_back(same(
      "neg", kNumbers, [](double x) { return -x; }, true));
  rows.back().errors = {{"bool", {blank({2}, kBool)}, "neg.*bool"}};
  rows.push_back(same(
      "abs", kEvery, [](double x) { return std::fabs(x); }, true));
  rows.push_back(same("sign", kEvery, &sign, true));
  rows.push_back(same(
      "square", kEvery, [](double x) { return x * x; }, true));
  // No integer overflows a double that keeps its low bits, but for i32's extremes.
  rows.back().calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {-4, 4});
    if (dtype == kInt32) calls.pop_back();
    return calls;
  };
  rows.push_back(same(
      "floor", kEvery, [](double x) { return std::floor(x); }, true));
  rows.push_back(same(
      "ceil", kEvery, [](double x) { return std::ceil(x); }, true));
  rows.push_back(same(
      "round", kEvery, [](double x) { return std::nearbyint(x); }, true));
  rows.push_back(same(
      "trunc", kEvery, [](double x) { return std::trunc(x); }, true));
  rows.push_back(same("relu", kNumbers, &relu, true));
  rows.back().in_place = [](Tensor& self, std::span<const Value>) { relu_(self); };
  rows.back().errors = {{"bool", {blank({2}, kBool)}, "relu.*bool"}};
}

void add_real(std::vector<SampleRow>& rows) {
  rows.push_back(real("exp", [](double x) { return std::exp(x); }, {-5, 5}));
  rows.push_back(real("expm1", [](double x) { return std::expm1(x); }, {-2, 4}));
  rows.push_back(real("log", [](double x) { return std::log(x); }, {0.1, 9}));
  rows.push_back(real("log1p", [](double x) { return std::log1p(x); }, {-0.8, 9}));
  rows.push_back(real(
      "sqrt", [](double x) { return std::sqrt(x); }, {0.1, 9}, Tolerance::kExact));
  rows.push_back(real("rsqrt", [](double x) { return 1 / std::sqrt(x); }, {0.1, 9}));
  rows.push_back(real("reciprocal", [](double x) { return 1 / x; }, {0.3, 5}));
  rows.push_back(real("sin", [](double x) { return std::sin(x); }, {-20, 20}));
  rows.push_back(real("cos", [](double x) { return std::cos(x); }, {-20, 20}));
  rows.push_back(real("tanh", [](double x) { return std::tanh(x); }, {-4, 4}));
  rows.push_back(real("sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, {-8, 8}));
  rows.push_back(real("silu", [](double x) { return x / (1 + std::exp(-x)); }, {-6, 6}));
  rows.back().dtypes = {kFloat32, kFloat64, kInt64, kInt32, kBool};  // f16, bf16 round twice
  rows.push_back(real("erf", [](double x) { return std::erf(x); }, {-3, 3}));
}

Scalar bound(DType dtype, double value) {
  return is_floating_point(dtype) ? Scalar(value) : Scalar(static_cast<int64_t>(value));
}

void add_clamp(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "clamp";
  row.dtypes = kNumbers;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (Call& call : unary_calls(dtype, random, {-4, 4})) {
      Call low = call, high = call, both = call;
      low.arguments.insert(low.arguments.end(), {bound(dtype, 1.25), std::monostate{}});
      high.arguments.insert(high.arguments.end(), {std::monostate{}, bound(dtype, 1.25)});
      both.arguments.insert(both.arguments.end(), {bound(dtype, 1.25), bound(dtype, 2.5)});
      calls.insert(calls.end(), {low, high, both});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    Array out = call.array(0);
    for (double& value : out.values) {
      if (std::isnan(value)) continue;
      if (call.has(1)) value = std::max(value, rounded(call.scalar(1).to_double(), out.dtype));
      if (call.has(2)) value = std::min(value, rounded(call.scalar(2).to_double(), out.dtype));
    }
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> others) {
    clamp_(self, boxing::From<std::optional<Scalar>>::get(others[0], 0),
           boxing::From<std::optional<Scalar>>::get(others[1], 1));
  };
  row.errors = {{"no bound", {blank({2})}, "clamp.*(min|max)"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_elementwise_unary_samples(std::vector<SampleRow>& rows) {
  add_same(rows);
  add_real(rows);
  add_clamp(rows);
  rows.push_back(predicate("isnan", [](double x) -> double { return std::isnan(x); }));
  rows.push_back(predicate("logical_not", [](double x) -> double { return x == 0; }));
}

}  // namespace tenon::ops_test
