// Copies and conversions.
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

const std::vector<Shape> kSizes = {{3, 5}, {}, {7}, {0, 3}, {2, 3, 4}, {2, 67}};

// PROGRAM.md section 3: toward zero, NaN is 0, out of range is clamped; to bool is ≠ 0.
double converted(double value, DType from, DType to) {
  if (to == kBool) return value != 0 ? 1 : 0;
  if (is_floating_point(to)) {
    if (to == kFloat32 || to == kFloat64) return rounded(value, to);
    // f16 and bf16 round once, whatever they come from.
    return to == kFloat16 ? static_cast<float>(Half(value)) : static_cast<float>(BFloat16(value));
  }
  if (!is_floating_point(from)) return wrapped(static_cast<int64_t>(value), to);
  if (std::isnan(value)) return 0;
  const double least =
      to == kUInt8 ? 0 : -std::ldexp(1.0, static_cast<int>(size_bytes(to) * 8 - 1));
  const double greatest =
      to == kUInt8 ? 255 : std::ldexp(1.0, static_cast<int>(size_bytes(to) * 8 - 1)) - 1;
  return std::trunc(std::clamp(value, least, greatest));
}

Array converted(const Array& array, DType to) {
  Array out(array.sizes, to);
  for (size_t i = 0; i < out.values.size(); ++i)
    out.values[i] = converted(array.values[i], array.dtype, to);
  return out;
}

SampleRow copies(const char* op) {
  SampleRow row;
  row.op = op;
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes)
      calls.push_back({{random.array(sizes, dtype, -9, 9)}, sizes.numel() < 60});
    return calls;
  };
  row.expect = [](const Call& call) { return std::vector<Array>{call.array(0)}; };
  row.gradient = true;
  row.errors = {{"undefined", {std::monostate()}, "defined"},
                {"number", {Scalar(1)}, "argument 0 must be a tensor"},
                {"sizes", {Shape{2}}, "argument 0 must be a tensor"},
                {"dtype", {kFloat32}, "argument 0 must be a tensor"},
                {"too many", {blank({2}), Scalar(1), Scalar(2), Scalar(3)}, "at most"}};
  return row;
}

// Values that conversions treat differently.
Array telling(DType dtype) {
  if (!is_floating_point(dtype))
    return Array({4}, dtype, {0, 1, dtype == kBool ? 1.0 : 100, dtype == kBool ? 0.0 : 77});
  Array array({8}, dtype, {NAN, INFINITY, -INFINITY, 0.5, -0.5, -1.75, 300, 1e5});
  for (double& value : array.values) value = rounded(value, dtype);
  return array;
}

void add_to(std::vector<SampleRow>& rows) {
  SampleRow row = copies("to");
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const DType target : kEvery) {
      calls.push_back({{random.array({3, 5}, dtype, -9, 9), target}, target == dtype});
      calls.push_back({{telling(dtype), target}, false});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    return std::vector<Array>{converted(call.array(0), std::get<DType>(call.arguments[1]))};
  };
  row.errors.push_back({"options", {blank({2}), Scalar(1)}, "a dtype or a device"});
  rows.push_back(std::move(row));
}

void add_copy(std::vector<SampleRow>& rows) {
  SampleRow row = copies("copy_");
  row.writes_self = true;
  row.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes, DType d) { return random.array(sizes, d, -9, 9); };
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes)
      calls.push_back({{make(sizes, dtype), make(sizes, dtype)}, sizes.numel() < 60});
    calls.push_back({{make({3, 5}, dtype), make({5}, dtype)}});
    calls.push_back({{make({2, 3}, dtype), make({}, dtype)}});
    for (const DType source : {kFloat32, kInt64, kBool})
      calls.push_back({{make({3, 5}, dtype), make({3, 5}, source)},
                       source == kFloat32 && is_floating_point(dtype)});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), source = converted(call.array(1), self.dtype);
    Array out(self.sizes, self.dtype);
    for_each(out.sizes, [&](const Shape& index, size_t i) { out.values[i] = source.at(index); });
    return std::vector<Array>{out};
  };
  row.errors = {{"sizes", {blank({2, 3}), blank({4})}, "copy_.*\\(2, 3\\).*\\(4\\)"},
                {"grows", {blank({3}), blank({2, 3})}, "copy_.*\\(3\\).*\\(2, 3\\)"},
                {"grows from nothing", {blank({0}), blank({1, 0})}, "copy_.*\\(0\\).*\\(1, 0\\)"},
                {"undefined", {blank({3}), std::monostate()}, "defined"},
                {"undefined self", {std::monostate(), blank({3})}, "defined"},
                {"number", {blank({3}), Scalar(1)}, "argument 1 must be a tensor"}};
  rows.push_back(std::move(row));
}

void add_fill(std::vector<SampleRow>& rows) {
  SampleRow fill = copies("fill_");
  fill.writes_self = true;
  fill.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : kSizes) {
      const Array self = random.array(sizes, dtype, -9, 9);
      calls.push_back({{self, Scalar(1)}});
      calls.push_back({{self, Scalar(2.5)}});
      calls.push_back({{self, Scalar(0)}});
      calls.push_back({{self, random.array({}, dtype, 1, 5)}});
    }
    return calls;
  };
  fill.expect = [](const Call& call) {
    Array out = call.array(0);
    for (double& value : out.values) {
      if (const auto* scalar = std::get_if<Scalar>(&call.arguments[1]))
        value = converted(scalar->to_double(), scalar->is_double() ? kFloat64 : kInt64, out.dtype);
      else
        value = call.array(1).values[0];
    }
    return std::vector<Array>{out};
  };
  fill.errors = {{"value", {blank({2, 3}), blank({3})}, "fill_.*(number|0-dim)"},
                 {"value of one element", {blank({2, 3}), blank({1})}, "fill_.*0-dim.*\\(1\\)"},
                 {"empty value", {blank({2, 3}), blank({0})}, "fill_.*0-dim.*\\(0\\)"},
                 {"no value", {blank({2, 3})}, "argument 1 must be a tensor or a number"},
                 {"undefined", {std::monostate(), Scalar(1)}, "defined"}};
  SampleRow zero = copies("zero_");
  zero.writes_self = true;
  zero.expect = [](const Call& call) {
    return std::vector<Array>{Array(call.array(0).sizes, call.array(0).dtype)};
  };
  rows.push_back(std::move(fill));
  rows.push_back(std::move(zero));
}

}  // namespace

void add_copy_samples(std::vector<SampleRow>& rows) {
  rows.push_back(copies("clone"));
  rows.push_back(copies("contiguous"));
  add_to(rows);
  add_copy(rows);
  add_fill(rows);
}

}  // namespace tenon::ops_test
