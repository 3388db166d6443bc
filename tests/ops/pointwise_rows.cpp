#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

const std::vector<Shape> kSizes = {{}, {7}, {3, 5}, {2, 3, 4}, {0, 3}, {1, 1}, {2, 67}};
const std::vector<double> kSpecials = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 0.5, -2.5, 1e-3};

Array specials(DType dtype) {
  Array array({static_cast<int64_t>(kSpecials.size())}, dtype, kSpecials);
  for (double& value : array.values) value = rounded(value, dtype);
  return array;
}

Array least_and_greatest(DType dtype) {
  if (dtype == kUInt8) return {{4}, dtype, {0, 1, 254, 255}};
  if (dtype == kInt8) return {{4}, dtype, {-128, -1, 1, 127}};
  if (dtype == kInt16) return {{4}, dtype, {-32768, -1, 1, 32767}};
  if (dtype == kInt32) return {{4}, dtype, {-2147483648.0, -1, 1, 2147483647}};
  return {{4}, dtype, {-0x1p25, -1, 1, 0x1p25}};
}

Array filled_with(const Scalar& scalar, DType dtype) {
  return {{}, dtype, {rounded(scalar.to_double(), dtype)}};
}

}  // namespace

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

Array mapped(const Array& x, DType result, const std::function<double(double)>& f) {
  Array out(x.sizes, result);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const double value = f(x.values[i]);
    out.values[i] =
        is_floating_point(result) ? value : wrapped(static_cast<int64_t>(value), result);
  }
  return out;
}

SampleRow same(const char* op, std::vector<DType> dtypes, std::function<double(double)> f,
               bool gradient, Domain domain) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [domain](DType dtype, Random& random) { return unary_calls(dtype, random, domain); };
  row.expect = [f = std::move(f)](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), call.array(0).dtype, f)};
  };
  row.gradient = gradient;
  return row;
}

SampleRow real(const char* op, std::function<double(double)> f, Domain domain,
               Tolerance tolerance) {
  SampleRow row = same(op, kRealKinds, f, true, domain);
  row.expect = [f = std::move(f)](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), float_dtype(call.array(0).dtype), f)};
  };
  row.tolerance = tolerance;
  row.calls = [domain](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, dtype == kBool ? Domain{0, 1} : domain);
    if (dtype == kInt32) calls.pop_back();  // sin and cos hold up to 2^20
    return calls;
  };
  return row;
}

void loosen(SampleRow& row, double times) {
  row.expect = [plain = row.expect, times](const Call& call) {
    std::vector<Array> results = plain(call);
    for (Array& result : results) {
      if (!is_floating_point(result.dtype)) continue;
      result.magnitudes.assign(result.values.size(), 0);
      for (size_t i = 0; i < result.values.size(); ++i)
        if (std::isfinite(result.values[i]))
          result.magnitudes[i] = times * std::fabs(result.values[i]);
    }
    return results;
  };
}

const std::vector<std::pair<Shape, Shape>>& size_pairs() {
  static const std::vector<std::pair<Shape, Shape>> kPairs = {
      {{3, 5}, {3, 5}}, {{2, 3, 4}, {4}}, {{3, 1}, {1, 4}},   {{}, {2, 3}},        {{5}, {}},
      {{}, {}},         {{0, 3}, {3}},    {{2, 67}, {2, 67}}, {{2, 1, 3}, {4, 1}},
  };
  return kPairs;
}

Call special_pairs(DType dtype) {
  const Array values = specials(dtype);
  return {{Array({values.sizes[0], 1}, dtype, values.values), values}, false};
}

std::vector<Call> pair_calls(DType dtype, Random& random, Domain a, Domain b) {
  std::vector<Call> calls;
  for (const auto& [left, right] : size_pairs())
    calls.push_back(
        {{random.array(left, dtype, a.low, a.high), random.array(right, dtype, b.low, b.high)},
         left.numel() < 60});
  if (is_floating_point(dtype)) calls.push_back(special_pairs(dtype));
  if (is_integral(dtype))
    calls.push_back({{least_and_greatest(dtype), least_and_greatest(dtype)}, false});
  return calls;
}

void add_number_calls(std::vector<Call>& calls, DType dtype, Random& random, Domain a,
                      double number) {
  Scalar scalar = is_floating_point(dtype) ? Scalar(number) : Scalar(static_cast<int64_t>(number));
  if (dtype == kBool) scalar = Scalar(true);
  calls.push_back({{random.array({2, 3}, dtype, a.low, a.high), scalar}});
}

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

SampleRow pairs(const char* op, std::vector<DType> dtypes, Floats floats, Integers integers,
                Domain a, Domain b) {
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

SampleRow real_pairs(const char* op, Floats floats, Domain a, Domain b, Tolerance tolerance) {
  SampleRow row = pairs(op, kRealKinds, floats, nullptr, a, b);
  row.expect = [floats](const Call& call) {
    const DType dtype = float_dtype(dtype_of_call(call));
    return std::vector<Array>{zip(call, dtype, dtype, floats, nullptr)};
  };
  row.tolerance = tolerance;
  row.gradient = true;
  return row;
}

}  // namespace tenon::ops_test
