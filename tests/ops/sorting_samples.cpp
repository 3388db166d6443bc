// Order along a dimension.
#include "ops/sorting_samples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tenon::ops_test {

std::vector<Line> lines_of(const Array& self, int64_t dim) {
  if (self.sizes.rank() == 0) return {{{0}, self.values}};
  Shape others = self.sizes;
  others[dim] = 1;
  std::vector<Line> lines;
  for_each(others, [&](const Shape& index, size_t) {
    Line& line = lines.emplace_back();
    Shape at = index;
    for (int64_t i = 0; i < self.sizes[dim]; ++i) {
      at[dim] = i;
      line.places.push_back(self.offset(at));
      line.values.push_back(self.values[self.offset(at)]);
    }
  });
  return lines;
}

bool before(double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

int64_t dim_argument(const Call& call, size_t i, int64_t fallback) {
  const int64_t rank = std::max<int64_t>(1, call.array(0).sizes.rank());
  return wrapped_dim(call.scalar(i, fallback).to_int64(), rank);
}

SampleRow ordered_row(const char* op, std::vector<Sample> samples,
                      std::function<std::vector<Array>(const Call&)> expect,
                      std::vector<ErrorRow> errors) {
  SampleRow row = view_list_row(op, {}, std::move(expect), std::move(errors));
  row.dtypes = kEvery;
  row.calls = [samples = std::move(samples)](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Sample& sample : samples) {
      calls.push_back({{random.array(sample.self, dtype, -9, 9)}});
      calls.push_back({{random.array(sample.self, dtype, -9, 9)}, false});  // with ties
      Array& tied = std::get<Array>(calls.back().arguments[0]);
      for (double& value : tied.values) value = rounded(std::trunc(value / 4), dtype);
      if (is_floating_point(dtype) && tied.values.size() > 3) {
        tied.values[1] = NAN;
        tied.values[2] = std::numeric_limits<double>::infinity();
        tied.values.back() = NAN;
      }
      for (size_t i = calls.size() - 2; i < calls.size(); ++i)
        for (const Argument& argument : sample.arguments) calls[i].arguments.push_back(argument);
    }
    return calls;
  };
  return row;
}

namespace {

// Stable order of a line.
std::vector<int64_t> order_of(const Line& line, bool descending) {
  std::vector<int64_t> order(line.values.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const double x = line.values[static_cast<size_t>(a)], y = line.values[static_cast<size_t>(b)];
    return descending ? before(y, x) : before(x, y);
  });
  return order;
}

std::vector<Array> sorted(const Array& self, int64_t dim, bool descending) {
  std::vector<Array> results = {self, Array(self.sizes, kInt64)};
  for (const Line& line : lines_of(self, dim)) {
    const std::vector<int64_t> order = order_of(line, descending);
    for (size_t i = 0; i < order.size(); ++i) {
      results[0].values[line.places[i]] = line.values[static_cast<size_t>(order[i])];
      results[1].values[line.places[i]] = static_cast<double>(order[i]);
    }
  }
  return results;
}

void add_sorts(std::vector<SampleRow>& rows) {
  const std::vector<Sample> samples = {{{7}, {}},
                                       {{3, 5}, {Scalar(0)}},
                                       {{3, 5}, {Scalar(-1), Scalar(true)}},
                                       {{2, 4, 3}, {Scalar(1), Scalar(false), Scalar(true)}},
                                       {{}, {}},
                                       {{}, {Scalar(0), Scalar(true)}},
                                       {{0}, {}},
                                       {{3, 0}, {Scalar(0)}}};
  const std::vector<ErrorRow> errors =
      joined_rows({{"dim", {blank({2, 3}), Scalar(2)}, "sort.*range.*2"},
                   {"dim below", {blank({2, 3}), Scalar(-3)}, "sort.*range.*-3"},
                   {"scalar", {blank({}), Scalar(1)}, "sort.*range.*1"}},
                  self_misuse({}));
  const auto both = [](const Call& call) {
    return sorted(call.array(0), dim_argument(call, 1, -1), call.scalar(2, 0).to_bool());
  };
  rows.push_back(ordered_row("sort", samples, both, errors));
  rows.push_back(ordered_row(
      "argsort", samples, [both](const Call& call) { return std::vector{both(call)[1]}; }, errors));
  rows.back().gradient = false;
  rows.push_back(ordered_row(
      "msort", {{{7}, {}}, {{3, 5}, {}}, {{}, {}}, {{0, 2}, {}}},
      [](const Call& call) { return std::vector{sorted(call.array(0), 0, false)[0]}; },
      joined_rows({{"self is a list", {Shape{2}}, "argument 0 must be a tensor"},
                   {"second argument", {blank({2}), Scalar(0)}, "at most 1 arguments"}},
                  self_misuse({}))));
}

// Positions [begin, begin + count) of the sorted lines; without `keepdim` the dimension goes.
std::vector<Array> part(const std::vector<Array>& all, int64_t dim, int64_t begin, int64_t count,
                        bool keepdim) {
  if (all[0].sizes.rank() == 0) return all;
  std::vector<Array> results;
  for (const Array& one : all) {
    results.push_back(sliced(one, dim, begin, begin + count, 1));
    if (!keepdim) results.back().sizes = without(results.back().sizes, dim);
  }
  return results;
}

void add_choices(std::vector<SampleRow>& rows) {
  rows.push_back(ordered_row(
      "topk",
      {{{7}, {Scalar(3)}},
       {{3, 5}, {Scalar(2), Scalar(0)}},
       {{3, 5}, {Scalar(5), Scalar(-1), Scalar(false)}},
       {{2, 4, 3}, {Scalar(2), Scalar(1), Scalar(true), Scalar(false)}},
       {{}, {Scalar(1)}},
       {{4}, {Scalar(0)}},
       {{2, 0}, {Scalar(0)}}},
      [](const Call& call) {
        const int64_t dim = dim_argument(call, 2, -1);
        return part(sorted(call.array(0), dim, call.scalar(3, 1).to_bool()), dim, 0,
                    call.scalar(1).to_int64(), true);
      },
      joined_rows({{"k above", {blank({2, 3}), Scalar(4)}, "topk.*between 0 and 3.*4"},
                   {"k below", {blank({2, 3}), Scalar(-1)}, "topk.*between 0 and 3.*-1"},
                   {"scalar", {blank({}), Scalar(2)}, "topk.*between 0 and 1.*2"},
                   {"dim", {blank({2, 3}), Scalar(1), Scalar(2)}, "topk.*range.*2"},
                   {"bool", {blank({3}, kBool), Scalar(1)}, "topk.*numbers.*bool"}},
                  self_misuse({Scalar(1)}))));
  rows.back().dtypes = kNumbers;
  rows.push_back(ordered_row(
      "kthvalue",
      {{{7}, {Scalar(3)}},
       {{3, 5}, {Scalar(2), Scalar(0)}},
       {{3, 5}, {Scalar(5), Scalar(-1), Scalar(true)}},
       {{}, {Scalar(1)}},
       {{0, 3}, {Scalar(2), Scalar(1)}}},
      [](const Call& call) {
        const int64_t dim = dim_argument(call, 2, -1);
        return part(sorted(call.array(0), dim, false), dim, call.scalar(1).to_int64() - 1, 1,
                    call.scalar(3, 0).to_bool());
      },
      joined_rows({{"k above", {blank({2, 3}), Scalar(4)}, "kthvalue.*between 1 and 3.*4"},
                   {"k below", {blank({2, 3}), Scalar(0)}, "kthvalue.*between 1 and 3.*0"},
                   {"nothing", {blank({2, 0}), Scalar(1)}, "kthvalue.*between 1 and 0"},
                   {"dim", {blank({2, 3}), Scalar(1), Scalar(2)}, "kthvalue.*range.*2"},
                   {"bool", {blank({3}, kBool), Scalar(1)}, "kthvalue.*numbers.*bool"}},
                  self_misuse({Scalar(1)}))));
  rows.back().dtypes = kNumbers;
}

// Position in the sorted line.
size_t median_place(const Line& line, bool skips_nan) {
  const auto is_nan = [](double x) { return std::isnan(x); };
  const auto nans =
      static_cast<size_t>(std::count_if(line.values.begin(), line.values.end(), is_nan));
  const size_t n = line.values.size();
  if (!skips_nan) return nans > 0 ? n - nans : (n - 1) / 2;
  return nans == n ? 0 : (n - nans - 1) / 2;
}

std::vector<Array> median(const Call& call, bool skips_nan) {
  Array self = call.array(0);
  if (!call.has(1)) {
    self.sizes = {self.sizes.numel()};
    Array out({}, self.dtype);
    out.values[0] = NAN;
    if (self.values.empty()) return {out};
    const Line line = lines_of(self, 0)[0];
    out.values[0] =
        line.values[static_cast<size_t>(order_of(line, false)[median_place(line, skips_nan)])];
    return {out};
  }
  const int64_t dim = dim_argument(call, 1, 0);
  std::vector<Array> results;
  const std::vector<Array> all = sorted(self, dim, false);
  Shape sizes = self.sizes;
  if (sizes.rank() > 0) sizes[dim] = 1;
  results = {Array(sizes, self.dtype), Array(sizes, kInt64)};
  const std::vector<Line> lines = lines_of(self, dim);
  for (size_t i = 0; i < lines.size(); ++i) {
    const int64_t place = order_of(lines[i], false)[median_place(lines[i], skips_nan)];
    results[0].values[i] = lines[i].values[static_cast<size_t>(place)];
    results[1].values[i] = static_cast<double>(place);
  }
  if (!call.scalar(2, 0).to_bool() && sizes.rank() > 0)
    for (Array& result : results) result.sizes = without(sizes, dim);
  return results;
}

void add_medians(std::vector<SampleRow>& rows) {
  for (const bool skips_nan : {false, true}) {
    const std::string name = skips_nan ? "nanmedian" : "median";
    SampleRow row = ordered_row(
        name.c_str(),
        {{{7}, {}},
         {{2, 4}, {}},
         {{}, {}},
         {{3, 5}, {Scalar(0)}},
         {{3, 6}, {Scalar(-1), Scalar(true)}},
         {{2, 4, 3}, {Scalar(1), Scalar(false)}},
         {{}, {Scalar(0)}},
         {{0, 3}, {Scalar(1)}}},
        [skips_nan](const Call& call) { return median(call, skips_nan); },
        joined_rows({{"dim", {blank({2, 3}), Scalar(2)}, name + ".*range.*2"},
                     {"empty dim", {blank({2, 0}), Scalar(1)}, name + ".*dimension 1.*empty"},
                     {"nothing", {blank({0}, kInt64)}, name + ".*median of nothing"},
                     {"bool", {blank({3}, kBool)}, name + ".*numbers.*bool"},
                     {"bool along", {blank({3}, kBool), Scalar(0)}, name + ".*numbers.*bool"}},
                    self_misuse({})));
    row.dtypes = kNumbers;
    row.calls = [calls = row.calls](DType dtype, Random& random) {
      std::vector<Call> all = calls(dtype, random);
      if (!is_floating_point(dtype)) return all;
      all.push_back({{Array({0}, dtype)}, false});
      all.push_back({{Array({2, 3}, dtype, {NAN, NAN, NAN, 1, NAN, 0}), Scalar(1)}, false});
      all.push_back({{Array({3}, dtype, {NAN, NAN, NAN})}, false});
      return all;
    };
    rows.push_back(std::move(row));
  }
}

}  // namespace

void add_sorting_samples(std::vector<SampleRow>& rows) {
  add_sorts(rows);
  add_choices(rows);
  add_medians(rows);
  add_scan_samples(rows);
  add_search_samples(rows);
}

}  // namespace tenon::ops_test
