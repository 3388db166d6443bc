// Sums over what is not NaN, spread, norms.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/reduction_samples.h"

namespace tenon::ops_test {
namespace {

using Values = std::vector<double>;

struct Result {
  double value, magnitude;
};

// Roundings of a sum of n terms and of the steps around it, relative to the result.
double roundings(size_t count) { return 16 + 2 * std::sqrt(static_cast<double>(count)); }

// One result per group; groups may be of another array than argument 0.
Array each_group(const Array& self, const Shape& dims, bool keepdim,
                 const std::function<Result(const Values&)>& f) {
  Array out(result_sizes(self.sizes, dims, keepdim), self.dtype);
  size_t i = 0;
  for (const Values& group : groups_of(self, dims)) {
    const Result r = f(group);
    out.values[i++] = r.value;
    out.magnitudes.push_back(r.magnitude);
  }
  return out;
}

double mean_of(const Values& values) {
  long double total = 0;
  for (const double value : values) total += value;
  return static_cast<double>(total / static_cast<long double>(values.size()));
}

Result mean_result(const Values& values) {
  double size = 0;
  for (const double value : values) size += std::fabs(value);
  return {mean_of(values), sum_magnitude(values.size(), size) / static_cast<double>(values.size())};
}

// ---- var, std and their pairs: self, dims, correction, keepdim ----

// An error of the mean counts squared; of the root of nothing else it is all there is.
double mean_error(const Values& values, double result, double epsilon, bool root) {
  double greatest = 0;
  for (const double value : values) greatest = std::fmax(greatest, std::fabs(value));
  const auto count = static_cast<double>(values.size());
  const double squared = 16 * count * epsilon * greatest * greatest;
  return root ? std::fmin(4 * std::sqrt(count) * greatest, squared / result) : squared;
}

Result spread(const Values& values, double correction, bool root, double epsilon) {
  const double mean = mean_of(values);
  long double total = 0;
  for (const double value : values) total += (value - mean) * (value - mean);
  const double freedom = std::fmax(0, static_cast<double>(values.size()) - correction);
  const double variance = static_cast<double>(total) / freedom;
  const double result = root ? std::sqrt(variance) : variance;
  return {result, roundings(values.size()) * result + mean_error(values, result, epsilon, root)};
}

std::vector<Call> spread_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Reduced& r : reduced_shapes()) {
    const bool checked = r.sizes.numel() > 1 && r.sizes.numel() <= 40 && r.dims != Shape{0};
    for (const double correction : {1.0, 0.0})
      calls.push_back({{random.array(r.sizes, dtype, -4, 4), r.dims, Scalar(correction),
                        Scalar(correction == 0)},
                       checked});
  }
  const auto with = [&](const Array& self, double correction) {
    calls.push_back({{self, Shape{-1}, Scalar(correction), Scalar(false)}, false});
  };
  with(random.array({2, 8}, dtype, 1000, 1001), 1);  // a mean far from 0
  with(random.array({2, 3}, dtype, -1, 1), 0.5);
  with(random.array({2, 3}, dtype, -1, 1), 5);  // more than there is
  with(Array({3, 0}, dtype), 1);
  Array special = random.array({4, 3}, dtype, -4, 4);
  special.values[1] = NAN, special.values[5] = INFINITY;
  with(special, 1);
  Array equal({2, 4}, dtype);
  for (double& value : equal.values) value = 2.5;
  with(equal, 1);
  return calls;
}

std::vector<ErrorRow> spread_errors(const std::string& op) {
  std::vector<ErrorRow> errors = dim_errors([](const Array& self, const Shape& dims) {
    return std::vector<Argument>{self, dims, Scalar(1), Scalar(false)};
  });
  for (const DType dtype : {kInt64, kBool})
    errors.push_back({std::string(name(dtype)),
                      {blank({3}, dtype), Shape{}, Scalar(1), Scalar(false)},
                      op + ".*float.*" + std::string(name(dtype))});
  errors.push_back({"correction", {blank({3}), Shape{}, Shape{1}, Scalar(false)}, "a number"});
  return errors;
}

void add_spread(std::vector<SampleRow>& rows) {
  for (const bool root : {false, true}) {
    const auto expect = [root](const Call& call) {
      return each_group(call.array(0), call.shape(1), call.scalar(3).to_bool(),
                        [&](const Values& values) {
                          return spread(values, call.scalar(2).to_double(), root,
                                        accumulator_epsilon(call.array(0).dtype));
                        });
    };
    SampleRow row;
    row.op = root ? "std" : "var";
    row.dtypes = kFloats;
    row.calls = spread_calls;
    row.expect = [expect](const Call& call) { return std::vector<Array>{expect(call)}; };
    row.tolerance = Tolerance::kSum;
    row.gradient = true;
    row.errors = spread_errors(row.op);
    SampleRow both = row;
    row.out = [root](Tensor& out, std::span<const Value> a) {
      (root ? &std_out : &var_out)(out, std::get<Tensor>(a[0]), std::get<Shape>(a[1]),
                                   std::get<Scalar>(a[2]), std::get<Scalar>(a[3]).to_bool());
    };
    both.op += "_mean";
    both.expect = [expect](const Call& call) {
      return std::vector<Array>{expect(call), each_group(call.array(0), call.shape(1),
                                                         call.scalar(3).to_bool(), &mean_result)};
    };
    rows.push_back(std::move(row));
    rows.push_back(std::move(both));
  }
}

// ---- logsumexp: self, dims, keepdim ----

Result log_sum(const Values& values) {
  double top = -INFINITY;
  for (const double value : values)
    if (std::isnan(value) || value > top) top = value;
  if (std::isinf(top)) return {top, 0};
  double total = 0;
  for (const double value : values) total += std::exp(value - top);
  return {top + std::log(total), roundings(values.size()) + 2 * std::fabs(top)};
}

void add_logsumexp(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "logsumexp";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Reduced& r : reduced_shapes())
      for (const bool keepdim : {false, true})
        calls.push_back({{random.array(r.sizes, dtype, -6, 6), r.dims, Scalar(keepdim)},
                         r.sizes.numel() <= 40});
    calls.push_back({{Array({0, 3}, dtype), Shape{0}, Scalar(false)}, false});
    if (!is_floating_point(dtype)) return calls;
    calls.push_back({{random.array({3, 4}, dtype, 500, 600), Shape{1}, Scalar(false)}, false});
    calls.push_back(
        {{Array({4, 2}, dtype, {INFINITY, 1, -INFINITY, 1, -INFINITY, -INFINITY, NAN, 2}), Shape{1},
          Scalar(false)},
         false});
    return calls;
  };
  row.expect = [](const Call& call) {
    Array self = call.array(0);
    if (!is_floating_point(self.dtype)) self.dtype = kFloat32;
    return std::vector<Array>{each_group(self, call.shape(1), call.scalar(2).to_bool(), &log_sum)};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.out = [](Tensor& out, std::span<const Value> a) {
    logsumexp_out(out, std::get<Tensor>(a[0]), std::get<Shape>(a[1]),
                  std::get<Scalar>(a[2]).to_bool());
  };
  row.errors = dim_errors([](const Array& self, const Shape& dims) {
    return std::vector<Argument>{self, dims, Scalar(false)};
  });
  rows.push_back(std::move(row));
}

// ---- norms: self, ord, dims, keepdim, dtype ----

Result norm_of(const Values& values, double ord) {
  if (std::isinf(ord)) {
    double best = ord > 0 ? 0 : INFINITY;
    for (const double value : values) {
      const double size = std::fabs(value);
      if (std::isnan(size)) return {size, 0};
      best = ord > 0 ? std::max(best, size) : std::min(best, size);
    }
    return {best, 0};
  }
  long double total = 0;
  for (const double value : values) {
    if (ord == 0)
      total += value != 0;
    else
      total += std::pow(std::fabs(value), ord);
  }
  if (ord == 0) return {static_cast<double>(total), 0};
  const auto result = static_cast<double>(std::pow(total, 1 / ord));
  const double powers = std::max(1.0, 1 / std::fabs(ord));  // an error of the sum is divided by ord
  return {result, 4 * powers * roundings(values.size()) * result};
}

std::vector<Call> norm_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const double ord :
       {2.0, 1.0, 0.0, 3.0, 0.5, -1.0, -2.0, double{INFINITY}, -double{INFINITY}}) {
    const double low = ord < 1 && ord != 0 ? 0.5 : -4;
    const bool needs_values = ord < 0 || std::isinf(ord);
    for (const Reduced& r : reduced_shapes()) {
      if (r.sizes.rank() == 3 && ord != 2 && r.dims != Shape{0, 2}) continue;
      calls.push_back(
          {{random.array(r.sizes, dtype, low, 4), Scalar(ord), r.dims, Scalar(r.dims == Shape{0})},
           r.sizes.numel() <= 15});
    }
    if (!needs_values)
      calls.push_back({{Array({0, 3}, dtype), Scalar(ord), Shape{0}, Scalar(false)}, false});
    Array special = random.array({4, 3}, dtype, 0.5, 4);
    special.values[1] = NAN, special.values[5] = INFINITY;
    for (size_t i = 6; i < 9; ++i) special.values[i] = 0;
    calls.push_back({{special, Scalar(ord), Shape{1}, Scalar(false)}, false});
  }
  if (dtype != kFloat64)
    calls.push_back(
        {{random.array({3, 5}, dtype, -4, 4), Scalar(2), Shape{1}, Scalar(false), kFloat32},
         false});
  return calls;
}

void add_norms(std::vector<SampleRow>& rows) {
  for (const bool vector : {true, false}) {
    SampleRow row;
    row.op = vector ? "linalg_vector_norm" : "norm";
    row.dtypes = kFloats;
    row.calls = norm_calls;
    row.expect = [](const Call& call) {
      return std::vector<Array>{each_group(
          converted(call, 4), call.shape(2), call.scalar(3).to_bool(),
          [&](const Values& values) { return norm_of(values, call.scalar(1).to_double()); })};
    };
    row.tolerance = Tolerance::kSum;
    row.gradient = true;
    row.out = [vector](Tensor& out, std::span<const Value> a) {
      (vector ? &linalg_vector_norm_out : &norm_out)(
          out, std::get<Tensor>(a[0]), std::get<Scalar>(a[1]), std::get<Shape>(a[2]),
          std::get<Scalar>(a[3]).to_bool(),
          a.size() > 4 ? std::optional(std::get<DType>(a[4])) : std::nullopt);
    };
    row.errors = dim_errors([](const Array& self, const Shape& dims) {
      return std::vector<Argument>{self, Scalar(2), dims, Scalar(false)};
    });
    row.errors.push_back({"integers",
                          {blank({3}, kInt64), Scalar(2), Shape{}, Scalar(false)},
                          "norm.*float.*int64"});
    row.errors.push_back({"infinite order of nothing",
                          {blank({0, 3}), Scalar(INFINITY), Shape{0}, Scalar(false)},
                          "order inf has no identity"});
    row.errors.push_back({"negative order of nothing",
                          {blank({0}), Scalar(-1), Shape{}, Scalar(false)},
                          "order -1.* has no identity"});
    row.errors.push_back({"integer dtype",
                          {blank({3}), Scalar(2), Shape{}, Scalar(false), kInt64},
                          "norm.*dtype.*int64"});
    row.errors.push_back({"narrower dtype",
                          {blank({3}), Scalar(2), Shape{}, Scalar(false), kFloat16},
                          "not narrower.*float32.*float16"});
    rows.push_back(std::move(row));
  }
}

// ---- nansum and nanmean: self, dims, keepdim, dtype ----

std::vector<Call> nan_calls(DType dtype, Random& random, std::vector<DType> to) {
  std::vector<Call> calls;
  for (const Reduced& r : reduced_shapes()) {
    Array self = random.array(r.sizes, dtype, -4, 4);
    for (size_t i = 0; is_floating_point(dtype) && i < self.values.size(); i += 3)
      self.values[i] = NAN;
    calls.push_back({{self, r.dims, Scalar(self.values.size() == 7)}, false});
    calls.push_back(
        {{random.array(r.sizes, dtype, -4, 4), r.dims, Scalar(false)}, r.sizes.numel() <= 24});
  }
  calls.push_back({{Array({0, 3}, dtype), Shape{0}, Scalar(true)}, false});
  for (const DType other : to)
    calls.push_back({{random.array({3, 5}, dtype, 0, 4), Shape{1}, Scalar(false), other}, false});
  return calls;
}

SampleRow nan_row(const char* op, std::vector<DType> dtypes, std::vector<DType> to, bool mean) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [to](DType dtype, Random& random) { return nan_calls(dtype, random, to); };
  row.expect = [mean](const Call& call) {
    const Array self = converted(call, 3);
    Array out = each_group(self, call.shape(1), call.scalar(2).to_bool(), [&](const Values& all) {
      Values values;
      for (const double value : all)
        if (!std::isnan(value)) values.push_back(value);
      const Result average = mean_result(values);
      if (mean) return average;
      const auto count = static_cast<double>(values.size());
      if (values.empty()) return Result{0, 0};
      return Result{average.value * count, average.magnitude * count + std::fabs(average.value)};
    });
    if (!is_floating_point(self.dtype)) {
      for (double& value : out.values) value = std::round(value);
      out.dtype = call.has(3) ? self.dtype : kInt64;
    }
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.out = [mean](Tensor& out, std::span<const Value> a) {
    (mean ? &nanmean_out : &nansum_out)(
        out, std::get<Tensor>(a[0]), std::get<Shape>(a[1]), std::get<Scalar>(a[2]).to_bool(),
        a.size() > 3 ? std::optional(std::get<DType>(a[3])) : std::nullopt);
  };
  row.errors = dim_errors([](const Array& self, const Shape& dims) {
    return std::vector<Argument>{self, dims, Scalar(false)};
  });
  return row;
}

void add_nan_sums(std::vector<SampleRow>& rows) {
  rows.push_back(nan_row("nansum", kEvery, {kFloat32, kInt32}, false));
  rows.push_back(nan_row("nanmean", kFloats, {kFloat32}, true));
  rows.back().errors.push_back(
      {"integers", {blank({3}, kInt64), Shape{}, Scalar(false)}, "nanmean.*float.*int64"});
}

// ---- aminmax: self, dim, keepdim ----

Result extreme(const Values& values, bool greatest) {
  double best = values[0];
  for (const double value : values)
    if (std::isnan(value) || (greatest ? value > best : value < best)) best = value;
  for (const double value : values)
    if (std::isnan(value)) best = value;
  return {best, 0};
}

void add_aminmax(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "aminmax";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{7}, Shape{3, 5}, Shape{2, 3, 4}, Shape{2, 130}, Shape{}}) {
      for (int64_t dim = -1; dim < std::max<int64_t>(1, sizes.rank()); ++dim)
        calls.push_back({{random.array(sizes, dtype, -100, 100), Scalar(dim), Scalar(dim == 0)},
                         sizes.numel() <= 40});
      calls.push_back(
          {{random.array(sizes, dtype, -100, 100), {}, Scalar(false)}, sizes.numel() <= 40});
    }
    if (is_floating_point(dtype)) {
      Array special = random.array({4, 3}, dtype, -4, 4);
      special.values[4] = NAN, special.values[7] = INFINITY;
      calls.push_back({{special, Scalar(1), Scalar(false)}, false});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Shape dims =
        call.has(1) && call.array(0).sizes.rank() > 0 ? Shape{call.scalar(1).to_int64()} : Shape{};
    const auto part = [&](bool greatest) {
      return each_group(call.array(0), dims, call.scalar(2).to_bool(),
                        [&](const Values& values) { return extreme(values, greatest); });
    };
    return std::vector<Array>{part(false), part(true)};
  };
  row.gradient = true;
  const std::string range = "Dimension out of range.*";
  row.errors = {
      {"dim", {blank({2, 3}), Scalar(2), Scalar(false)}, range + "\\[-2, 1\\].*2"},
      {"negative dim", {blank({2, 3}), Scalar(-3), Scalar(false)}, range + "\\[-2, 1\\].*-3"},
      {"dim of a number", {blank({}), Scalar(1), Scalar(false)}, range + "\\[-1, 0\\].*1"},
      {"empty", {blank({0, 3}), Scalar(0), Scalar(false)}, "size 0.*no identity"},
      {"all empty", {blank({0}), {}, Scalar(false)}, "size 0.*no identity"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_statistics_samples(std::vector<SampleRow>& rows) {
  add_spread(rows);
  add_logsumexp(rows);
  add_norms(rows);
  add_nan_sums(rows);
  add_aminmax(rows);
}

}  // namespace tenon::ops_test
