// Functions of one tensor that keep its dtype, bounds, and tests of single values.
#include <algorithm>

#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

SampleRow predicate(const char* op, double (*f)(double)) {
  SampleRow row = same(op, kEvery, f, false);
  row.expect = [f](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), kBool, f)};
  };
  return row;
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

void add_same(std::vector<SampleRow>& rows) {
  rows.push_back(same(
      "neg", kNumbers, [](double x) { return -x; }, true));
  rows.push_back(same(
      "abs", kNumbers, [](double x) { return std::fabs(x); }, true));
  rows.push_back(same("sign", kEvery, &sign, true));
  rows.push_back(same(
      "floor", kNumbers, [](double x) { return std::floor(x); }, true));
  rows.push_back(same(
      "ceil", kNumbers, [](double x) { return std::ceil(x); }, true));
  rows.push_back(same(
      "round", kNumbers, [](double x) { return std::nearbyint(x); }, true));
  rows.push_back(same(
      "trunc", kNumbers, [](double x) { return std::trunc(x); }, true));
  rows.push_back(same(
      "frac", kFloats, [](double x) { return x - std::trunc(x); }, true));
  rows.push_back(same(
      "positive", kNumbers, [](double x) { return x; }, true));
  rows.back().errors = {{"bool", {blank({2}, kBool)}, "positive.*bool"}};
}

// Bool gives int64.
void add_square(std::vector<SampleRow>& rows) {
  SampleRow row = same("square", kEvery, nullptr, true);
  row.expect = [](const Call& call) {
    const DType dtype = call.array(0).dtype == kBool ? kInt64 : call.array(0).dtype;
    return std::vector<Array>{mapped(call.array(0), dtype, [](double x) { return x * x; })};
  };
  // No integer overflows a double that keeps its low bits, but for i32's extremes.
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {});
    if (dtype == kInt32) calls.pop_back();
    return calls;
  };
  rows.push_back(std::move(row));
}

// ---- bounds ----

Scalar bound(DType dtype, double value) {
  return is_floating_point(dtype) ? Scalar(value) : Scalar(static_cast<int64_t>(value));
}

double greater(double x, double bound) {
  return std::isnan(x) || std::isnan(bound) ? NAN : std::max(x, bound);
}
double lesser(double x, double bound) {
  return std::isnan(x) || std::isnan(bound) ? NAN : std::min(x, bound);
}

// Bounds are arguments 1 and 2; either may be missing, a number or a tensor.
std::vector<Array> expect_bounds(const Call& call, bool has_min, bool has_max) {
  const Array& x = call.array(0);
  const DType dtype = x.dtype;
  const Array low = has_min ? operand(call, 1, dtype) : Array({}, dtype);
  const Array high = has_max ? operand(call, has_min ? 2 : 1, dtype) : Array({}, dtype);
  Array out(broadcast(x.sizes, broadcast(low.sizes, high.sizes)), dtype);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    double value = x.at(index);
    if (has_min) value = greater(value, low.at(index));
    if (has_max) value = lesser(value, high.at(index));
    out.values[i] = value;
  });
  return {out};
}

std::vector<Array> expect_clamp(const Call& call) {
  Call packed = call;
  if (!call.has(1)) packed.arguments.erase(packed.arguments.begin() + 1);
  return expect_bounds(packed, call.has(1), call.has(2));
}

void add_clamp(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "clamp";
  row.dtypes = kNumbers;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (Call& call : unary_calls(dtype, random, {})) {
      Call low = call, high = call, both = call;
      low.arguments.insert(low.arguments.end(), {bound(dtype, 1.25), std::monostate{}});
      high.arguments.insert(high.arguments.end(), {std::monostate{}, bound(dtype, 1.25)});
      both.arguments.insert(both.arguments.end(), {bound(dtype, 1.25), bound(dtype, 2.5)});
      calls.insert(calls.end(), {low, high, both});
    }
    for (const auto& [left, right] : size_pairs()) {
      const Array x = random.array(left, dtype, -4, 4), low = random.array(right, dtype, -4, 0),
                  high = random.array(right, dtype, 0, 4);
      const bool small = left.numel() < 60;
      calls.push_back({{x, low, high}, small});
      calls.push_back({{x, high, low}, small});  // min above max
      calls.push_back({{x, low, std::monostate{}}, small});
      calls.push_back({{x, std::monostate{}, high}, small});
      calls.push_back({{x, low, bound(dtype, 2.5)}, small});
    }
    return calls;
  };
  row.expect = expect_clamp;
  row.gradient = true;
  row.errors = {{"no bound", {blank({2})}, "clamp.*(min|max)"},
                {"bool", {blank({2}, kBool), blank({2}, kBool)}, "clamp.*bool"}};
  rows.push_back(std::move(row));
}

void add_one_bound(std::vector<SampleRow>& rows, const char* op, bool is_min) {
  SampleRow row;
  row.op = op;
  row.dtypes = kNumbers;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = pair_calls(dtype, random, {}, {});
    add_number_calls(calls, dtype, random, {}, 1.25);
    return calls;
  };
  row.expect = [is_min](const Call& call) { return expect_bounds(call, is_min, !is_min); };
  row.gradient = true;
  row.errors = {{"bool", {blank({2}, kBool), blank({2}, kBool)}, "clamp.*bool"},
                {"no bound", {blank({2})}, "argument 1 must be"}};
  rows.push_back(std::move(row));
}

double greatest(DType dtype) {
  switch (dtype) {
    case kFloat16:
      return 65504;
    case kBFloat16:
      return 255 * 0x1p120;
    case kFloat32:
      return 0xffffff * 0x1p104;
    default:
      return 0x1.fffffffffffffp1023;
  }
}

void add_nan_to_num(std::vector<SampleRow>& rows) {
  SampleRow row = same("nan_to_num", kEvery, nullptr, true);
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {});
    Call given = calls.back();
    given.arguments.insert(given.arguments.end(), {Scalar(1.5), Scalar(7.0), std::monostate{}});
    calls.push_back(given);
    return calls;
  };
  row.expect = [](const Call& call) {
    const DType dtype = call.array(0).dtype;
    const double high = greatest(dtype);
    return std::vector<Array>{mapped(call.array(0), dtype, [&](double x) {
      if (std::isnan(x)) return call.scalar(1, 0.0).to_double();
      if (!std::isinf(x)) return x;
      return x > 0 ? call.scalar(2, high).to_double() : call.scalar(3, -high).to_double();
    })};
  };
  rows.push_back(std::move(row));
}

}  // namespace

void add_elementwise_unary_samples(std::vector<SampleRow>& rows) {
  const size_t first = rows.size();
  add_same(rows);
  add_square(rows);
  add_float_rows(rows);
  add_clamp(rows);
  add_one_bound(rows, "clamp_min", true);
  add_one_bound(rows, "clamp_max", false);
  add_nan_to_num(rows);
  rows.push_back(predicate("isnan", [](double x) -> double { return std::isnan(x); }));
  rows.push_back(predicate("isinf", [](double x) -> double { return std::isinf(x); }));
  rows.push_back(predicate("isfinite", [](double x) -> double { return std::isfinite(x); }));
  add_standard_errors(rows, first);
}

}  // namespace tenon::ops_test
