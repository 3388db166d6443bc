// Running totals along a dimension.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tenon/runtime/ops/sorting.h>

#include "ops/sorting_samples.h"

namespace tenon::ops_test {
namespace {

// ---- cumsum and cumprod ----

int64_t wide(double value) { return static_cast<int64_t>(value); }

// Integers wrap in 64 bits; doubles above 2^53 are avoided by the samples.
Array scanned(const Call& call, bool product) {
  const Array& given = call.array(0);
  DType from = given.dtype;
  if (call.has(2)) from = std::get<DType>(call.arguments[2]);
  Array self = given;
  for (double& value : self.values) value = rounded(value, from);
  Array out(self.sizes, is_floating_point(from) || call.has(2) ? from : kInt64);
  if (is_floating_point(from)) out.magnitudes.assign(out.values.size(), 0);
  for (const Line& line : lines_of(self, dim_argument(call, 1, 0))) {
    double total = product ? 1 : 0, magnitude = 0;
    for (size_t i = 0; i < line.values.size(); ++i) {
      total = product ? total * line.values[i] : total + line.values[i];
      magnitude = product ? std::fabs(total) * static_cast<double>(i + 1)
                          : magnitude + std::fabs(line.values[i]);
      out.values[line.places[i]] =
          is_floating_point(out.dtype) ? total : wrapped(wide(total), out.dtype);
      if (is_floating_point(from))
        out.magnitudes[line.places[i]] = std::isfinite(magnitude) ? 4 * magnitude : 0;
    }
  }
  return out;
}

void add_totals(std::vector<SampleRow>& rows) {
  for (const bool product : {false, true}) {
    const std::string name = product ? "cumprod" : "cumsum";
    SampleRow row = copy_row(
        name.c_str(), {}, [product](const Call& call) { return scanned(call, product); },
        joined_rows({{"dim", {blank({2, 3}), Scalar(2)}, name + ".*range.*2"},
                     {"dim below", {blank({2, 3}), Scalar(-3)}, name + ".*range.*-3"},
                     {"scalar", {blank({}), Scalar(1)}, name + ".*range.*1"},
                     {"missing", {blank({2})}, "argument 1 must be a number"}},
                    self_misuse({Scalar(0)})));
    row.calls = [product](DType dtype, Random& random) {
      const double bound = product ? 2 : 9;
      const auto make = [&](const Shape& sizes) {
        return random.array(sizes, dtype, -bound, bound);
      };
      std::vector<Call> calls = {{{make({7}), Scalar(0)}},
                                 {{make({3, 5}), Scalar(0)}},
                                 {{make({3, 5}), Scalar(-1)}},
                                 {{make({2, 4, 3}), Scalar(1)}},
                                 {{make({}), Scalar(0)}},
                                 {{make({1}), Scalar(-1)}},
                                 {{make({0}), Scalar(0)}},
                                 {{make({3, 0}), Scalar(0)}},
                                 {{make({2, 3}), Scalar(0), kFloat32}, false, false}};
      if (dtype != kBool) calls.push_back({{make({2, 3}), Scalar(1), kInt32}, false, false});
      if (dtype != kFloat64) calls.push_back({{make({2, 3}), Scalar(1), kInt64}, false, false});
      // Zeros, one and several, first and last.
      Array zeros = make({3, 5});
      for (const size_t i : {0u, 5u, 7u, 14u}) zeros.values[i] = 0;
      calls.push_back({{zeros, Scalar(1)}});
      if (is_floating_point(dtype))
        calls.push_back({{Array({6}, dtype, {1, 2, INFINITY, -1, NAN, 3}), Scalar(0)}, false});
      return calls;
    };
    row.tolerance = Tolerance::kSum;
    row.in_place = [product](Tensor& self, std::span<const Value> o) {
      const int64_t dim = std::get<Scalar>(o[0]).to_int64();
      product ? cumprod_(self, dim) : cumsum_(self, dim);
    };
    row.out = [product](Tensor& out, std::span<const Value> o) {
      const Tensor& self = std::get<Tensor>(o[0]);
      const int64_t dim = std::get<Scalar>(o[1]).to_int64();
      std::optional<DType> dtype;
      if (o.size() > 2) dtype = std::get<DType>(o[2]);
      product ? cumprod_out(out, self, dim, dtype) : cumsum_out(out, self, dim, dtype);
    };
    rows.push_back(std::move(row));
  }
}

// ---- extremes ----

std::vector<Array> extremes(const Call& call, bool greatest) {
  const Array& self = call.array(0);
  std::vector<Array> results = {self, Array(self.sizes, kInt64)};
  for (const Line& line : lines_of(self, dim_argument(call, 1, 0))) {
    size_t best = 0;
    for (size_t i = 0; i < line.values.size(); ++i) {
      const double value = line.values[i], held = line.values[best];
      if (std::isnan(value) || (!std::isnan(held) && (greatest ? value >= held : value <= held)))
        best = i;
      results[0].values[line.places[i]] = line.values[best];
      results[1].values[line.places[i]] = static_cast<double>(best);
    }
  }
  return results;
}

void add_extremes(std::vector<SampleRow>& rows) {
  for (const bool greatest : {true, false}) {
    const std::string name = greatest ? "cummax" : "cummin";
    rows.push_back(ordered_row(
        name.c_str(),
        {{{7}, {Scalar(0)}},
         {{3, 5}, {Scalar(0)}},
         {{3, 6}, {Scalar(-1)}},
         {{2, 9, 3}, {Scalar(1)}},
         {{}, {Scalar(0)}},
         {{0}, {Scalar(0)}},
         {{3, 0}, {Scalar(0)}}},
        [greatest](const Call& call) { return extremes(call, greatest); },
        joined_rows({{"dim", {blank({2, 3}), Scalar(2)}, name + ".*range.*2"},
                     {"dim below", {blank({2, 3}), Scalar(-3)}, name + ".*range.*-3"},
                     {"scalar", {blank({}), Scalar(1)}, name + ".*range.*1"}},
                    self_misuse({Scalar(0)}))));
  }
}

// ---- logcumsumexp and diff ----

Array logs(const Call& call) {
  Array out = call.array(0);
  out.magnitudes.assign(out.values.size(), 0);
  for (const Line& line : lines_of(call.array(0), dim_argument(call, 1, 0))) {
    double total = -INFINITY;
    for (size_t i = 0; i < line.values.size(); ++i) {
      const double x = line.values[i], greater = std::max(total, x);
      if (std::isnan(x) || std::isnan(total))
        total = NAN;
      else if (std::isfinite(greater))
        total = greater + std::log(std::exp(total - greater) + std::exp(x - greater));
      else
        total = greater;
      out.values[line.places[i]] = total;
      // Every level of the tree rounds a number of this size, and the functions give 4 ULP.
      if (std::isfinite(total)) out.magnitudes[line.places[i]] = 8 * (1 + std::fabs(total));
    }
  }
  return out;
}

void add_logs(std::vector<SampleRow>& rows) {
  SampleRow row = copy_row(
      "logcumsumexp",
      {{{7}, {Scalar(0)}},
       {{3, 5}, {Scalar(0)}},
       {{3, 6}, {Scalar(-1)}},
       {{2, 9, 3}, {Scalar(1)}},
       {{}, {Scalar(0)}},
       {{0}, {Scalar(0)}},
       {{3, 0}, {Scalar(0)}}},
      logs,
      joined_rows({{"dim", {blank({2, 3}), Scalar(2)}, "logcumsumexp.*range.*2"},
                   {"scalar", {blank({}), Scalar(1)}, "logcumsumexp.*range.*1"},
                   {"dtype", {blank({3}, kInt64), Scalar(0)}, "logcumsumexp.*floating.*int64"},
                   {"bool", {blank({3}, kBool), Scalar(0)}, "logcumsumexp.*floating.*bool"}},
                  self_misuse({Scalar(0)})));
  row.dtypes = kFloats;
  row.tolerance = Tolerance::kSum;
  row.calls = [calls = row.calls](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    all.push_back({{Array({5}, dtype, {-INFINITY, -INFINITY, 1, INFINITY, 2}), Scalar(0)}, false});
    all.push_back({{Array({4}, dtype, {1, NAN, 1, INFINITY}), Scalar(0)}, false});
    all.push_back({{Array({4}, dtype, {-2000, 0, 2000, 2000}), Scalar(0)}, false});
    return all;
  };
  rows.push_back(std::move(row));
}

Array differences(const Call& call) {
  Array x = call.array(0);
  const int64_t n = call.scalar(1, 1).to_int64(), dim = dim_argument(call, 2, -1);
  std::vector<Array> parts;
  for (const size_t i : {size_t{3}, size_t{0}, size_t{4}})
    if (call.has(i)) parts.push_back(call.array(i));
  x = joined(parts, dim);
  for (int64_t i = 0; i < n && x.sizes[dim] > 0; ++i) {
    Shape sizes = x.sizes;
    --sizes[dim];
    Array next(sizes, x.dtype);
    for_each(sizes, [&](const Shape& at, size_t k) {
      Shape other = at;
      ++other[dim];
      const double a = x.values[x.offset(at)], b = x.values[x.offset(other)];
      next.values[k] = x.dtype == kBool             ? (a != b ? 1 : 0)
                       : is_floating_point(x.dtype) ? rounded(b - a, x.dtype)
                                                    : wrapped(wide(b - a), x.dtype);
    });
    x = next;
  }
  return x;
}

void add_diff(std::vector<SampleRow>& rows) {
  SampleRow row =
      copy_row("diff", {}, differences,
               joined_rows({{"n", {blank({3}), Scalar(-1)}, "diff.*n must be >= 0.*-1"},
                            {"scalar", {blank({})}, "diff.*one dimension"},
                            {"dim", {blank({3}), Scalar(1), Scalar(1)}, "diff.*range.*1"},
                            {"prepend",
                             {blank({2, 3}), Scalar(1), Scalar(1), blank({3, 1})},
                             "\\(3, 1\\).*\\(2, 3\\)"},
                            {"append",
                             {blank({2, 3}), Scalar(1), Scalar(1), std::monostate(), blank({2})},
                             "\\(2\\)"}},
                           self_misuse({})));
  row.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    const std::monostate none;
    return std::vector<Call>{{{make({5})}},
                             {{make({3, 5}), Scalar(1), Scalar(0)}},
                             {{make({3, 5}), Scalar(2)}},
                             {{make({3}), Scalar(0)}},
                             {{make({3}), Scalar(5)}},
                             {{make({0})}},
                             {{make({3, 2}), Scalar(1), Scalar(0), make({1, 2})}},
                             {{make({3, 2}), Scalar(1), Scalar(1), make({3, 1}), make({3, 2})}},
                             {{make({4}), Scalar(2), Scalar(0), none, make({2})}}};
  };
  rows.push_back(std::move(row));
}

}  // namespace

void add_scan_samples(std::vector<SampleRow>& rows) {
  add_totals(rows);
  add_extremes(rows);
  add_logs(rows);
  add_diff(rows);
}

}  // namespace tenon::ops_test
