// Distinct values, places in sorted rows, counts.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/sorting_samples.h"

namespace tenon::ops_test {
namespace {

// ---- unique ----

using Row = std::vector<double>;

bool same(const Row& a, const Row& b) { return a == b; }  // NaN differs from itself

bool row_before(const Row& a, const Row& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (before(a[i], b[i])) return true;
    if (before(b[i], a[i])) return false;
  }
  return false;
}

// Results for rows in the order given: of each run the first; where each row's run is; lengths.
std::vector<Array> distinct(const Call& call, bool sorts, size_t first_flag) {
  const Array& self = call.array(0);
  const bool along = call.has(first_flag + 2);
  const int64_t dim =
      along ? wrapped_dim(call.scalar(first_flag + 2).to_int64(), self.sizes.rank()) : 0;
  const int64_t n = along ? self.sizes[dim] : self.sizes.numel();
  std::vector<Row> rows(static_cast<size_t>(n));
  for_each(self.sizes, [&](const Shape& at, size_t i) {
    rows[along ? static_cast<size_t>(at[dim]) : i].push_back(self.values[i]);
  });
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (sorts)
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return row_before(rows[a], rows[b]); });
  std::vector<size_t> chosen;
  std::vector<double> inverse(rows.size()), counts;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !same(rows[order[i - 1]], rows[order[i]])) {
      chosen.push_back(order[i]);
      counts.push_back(0);
    }
    inverse[order[i]] = static_cast<double>(chosen.size() - 1);
    counts.back() += 1;
  }
  const auto m = static_cast<int64_t>(chosen.size());
  std::vector<Array> results;
  if (along) {
    Shape sizes = self.sizes;
    sizes[dim] = m;
    results.push_back(picked(self, sizes, [&](Shape at) {
      at[dim] = static_cast<int64_t>(chosen[static_cast<size_t>(at[dim])]);
      return at;
    }));
  } else {
    results.emplace_back(Shape{m}, self.dtype);
    for (size_t i = 0; i < chosen.size(); ++i) results[0].values[i] = self.values[chosen[i]];
  }
  if (call.scalar(first_flag, 0).to_bool())
    results.emplace_back(along ? Shape{n} : self.sizes, kInt64, inverse);
  if (call.scalar(first_flag + 1, 0).to_bool()) results.emplace_back(Shape{m}, kInt64, counts);
  return results;
}

void add_unique(std::vector<SampleRow>& rows) {
  const Scalar yes(true), no(false);
  rows.push_back(ordered_row(
      "unique",
      {{{12}, {}},
       {{3, 5}, {yes, yes, yes}},
       {{3, 5}, {no, yes}},
       {{3, 5}, {yes, no, yes}},
       {{}, {yes, yes, yes}},
       {{0, 3}, {yes, yes, yes}},
       {{9, 2}, {yes, yes, yes, Scalar(0)}},
       {{2, 9}, {yes, no, yes, Scalar(-1)}},
       {{3, 2, 2}, {yes, yes, yes, Scalar(0)}}},
      [](const Call& call) { return distinct(call, true, 2); },
      joined_rows({{"dim", {blank({2, 3}), yes, no, no, Scalar(2)}, "unique.*range.*2"},
                   {"scalar", {blank({}), yes, no, no, Scalar(0)}, "unique.*0-dim"}},
                  self_misuse({}))));
  rows.back().gradient = false;
  rows.push_back(ordered_row(
      "unique_consecutive",
      {{{12}, {}},
       {{3, 5}, {yes, yes}},
       {{3, 5}, {no, yes}},
       {{}, {yes, yes}},
       {{0}, {yes, yes}},
       {{9, 1}, {yes, yes, Scalar(0)}},
       {{2, 9}, {yes, yes, Scalar(-1)}}},
      [](const Call& call) { return distinct(call, false, 1); },
      joined_rows({{"dim", {blank({2, 3}), no, no, Scalar(2)}, "unique_consecutive.*range.*2"},
                   {"scalar", {blank({}), no, no, Scalar(0)}, "unique_consecutive.*0-dim"}},
                  self_misuse({}))));
  rows.back().gradient = false;
}

// ---- searchsorted ----

// How many of a row are below x, or not above it.
double count_before(const std::vector<double>& row, double x, bool right) {
  double count = 0;
  for (const double element : row)
    count += right ? (before(x, element) ? 0 : 1) : (before(element, x) ? 1 : 0);
  return std::isnan(x) ? static_cast<double>(row.size()) : count;
}

// `values` is an Array or a number.
Array searched(Array sequence, const Argument& values, bool int32, bool right,
               const Array* sorter) {
  const int64_t last = std::max<int64_t>(0, sequence.sizes.rank() - 1);
  std::vector<Line> lines = lines_of(sequence, last);
  if (sorter != nullptr) {
    const std::vector<Line> orders = lines_of(*sorter, last);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::vector<double> given = lines[i].values;
      for (size_t k = 0; k < given.size(); ++k)
        lines[i].values[k] = given[static_cast<size_t>(orders[i].values[k])];
    }
  }
  Array wanted;
  if (const auto* number = std::get_if<Scalar>(&values))
    wanted = Array({}, kFloat64, {number->to_double()});
  else
    wanted = std::get<Array>(values);
  Array out(wanted.sizes, int32 ? kInt32 : kInt64);
  const size_t per_line = sequence.sizes.rank() == 1
                              ? wanted.values.size()
                              : static_cast<size_t>(std::max<int64_t>(1, wanted.sizes.back()));
  for (size_t i = 0; i < wanted.values.size(); ++i)
    out.values[i] = count_before(lines[i / per_line].values, wanted.values[i], right);
  return out;
}

Array ascending(Array rows) {
  for (const Line& line : lines_of(rows, rows.sizes.rank() - 1)) {
    std::vector<double> values = line.values;
    std::stable_sort(values.begin(), values.end(), before);
    for (size_t i = 0; i < values.size(); ++i) rows.values[line.places[i]] = values[i];
  }
  return rows;
}

void add_searches(std::vector<SampleRow>& rows) {
  const Scalar yes(true), no(false);
  SampleRow row;
  row.op = "searchsorted";
  row.dtypes = kNumbers;
  row.layouts =
      kAllLayouts & ~(kBroadcast | kMixed);  // rows repeated along dimension 0 lose their order
  row.calls = [yes, no](DType dtype, Random& random) {
    const auto values = [&](const Shape& sizes) {
      Array made = random.array(sizes, dtype, -9, 9);
      for (double& value : made.values) value = std::trunc(value);
      return made;
    };
    std::vector<Call> calls = {{{ascending(values({6})), values({5})}},
                               {{ascending(values({7})), values({2, 3}), no, yes}},
                               {{ascending(values({8})), Scalar(3), yes}},
                               {{ascending(values({1})), values({})}},
                               {{ascending(values({2, 5})), values({2, 3}), no, yes}},
                               {{ascending(values({2, 2, 4})), values({2, 2, 1})}},
                               {{Array({0}, dtype), values({3})}},
                               {{ascending(values({5})), Array({0, 2}, dtype)}},
                               {{ascending(values({2, 3})), Array({2, 0}, dtype)}}};
    Array unsorted = values({4});
    Array order({4}, kInt64, {0, 1, 2, 3});
    std::stable_sort(order.values.begin(), order.values.end(), [&](double a, double b) {
      return unsorted.values[static_cast<size_t>(a)] < unsorted.values[static_cast<size_t>(b)];
    });
    calls.push_back({{unsorted, values({3}), no, no, order}});
    if (is_floating_point(dtype)) {
      calls.push_back(
          {{Array({4}, dtype, {-1, 2, INFINITY, NAN}), Array({3}, dtype, {NAN, 2, INFINITY})}});
      calls.push_back({{Array({4}, dtype, {-1, 2, 3, NAN}), Array({2}, dtype, {NAN, 2}), no, yes}});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    return std::vector{searched(call.array(0), call.arguments[1], call.scalar(2, 0).to_bool(),
                                call.scalar(3, 0).to_bool(),
                                call.has(4) ? &call.array(4) : nullptr)};
  };
  row.errors = {
      {"scalar sequence", {blank({}), blank({2})}, "searchsorted.*dimension"},
      {"leading sizes", {blank({2, 3}), blank({3, 3})}, "searchsorted.*\\(2, 3\\).*\\(3, 3\\)"},
      {"rank", {blank({2, 3}), blank({2})}, "searchsorted.*\\(2, 3\\).*\\(2\\)"},
      {"number for rows", {blank({2, 3}), Scalar(1)}, "searchsorted.*\\(2, 3\\)"},
      {"bool", {blank({3}, kBool), blank({2}, kBool)}, "searchsorted.*numbers.*bool"},
      {"sorter dtype", {blank({3}), blank({2}), no, no, blank({3})}, "searchsorted.*sorter.*int64"},
      {"sorter sizes",
       {blank({3}), blank({2}), no, no, blank({2}, kInt64)},
       "searchsorted.*sorter.*\\(3\\).*\\(2\\)"},
      {"undefined", {std::monostate(), blank({2})}, "defined"}};
  SampleRow buckets = row;
  rows.push_back(std::move(row));
  buckets.op = "bucketize";
  buckets.calls = [yes, no](DType dtype, Random& random) {
    const auto values = [&](const Shape& sizes) {
      Array made = random.array(sizes, dtype, -9, 9);
      for (double& value : made.values) value = std::trunc(value);
      return made;
    };
    return std::vector<Call>{{{values({5}), ascending(values({6}))}},
                             {{values({2, 3}), ascending(values({7})), no, yes}},
                             {{Scalar(3), ascending(values({8})), yes}},
                             {{values({}), ascending(values({1}))}},
                             {{values({3}), Array({0}, dtype)}},
                             {{Array({0, 2}, dtype), ascending(values({5}))}}};
  };
  buckets.expect = [](const Call& call) {
    return std::vector{searched(call.array(1), call.arguments[0], call.scalar(2, 0).to_bool(),
                                call.scalar(3, 0).to_bool(), nullptr)};
  };
  buckets.errors = {{"rows", {blank({2}), blank({2, 3})}, "bucketize.*one dimension.*\\(2, 3\\)"},
                    {"scalar", {blank({2}), blank({})}, "bucketize.*one dimension"},
                    {"bool", {blank({2}, kBool), blank({3})}, "bucketize.*numbers.*bool"},
                    {"list", {Shape{1}, blank({3})}, "argument 0 must be a tensor or a number"},
                    {"undefined", {blank({2}), std::monostate()}, "defined"}};
  rows.push_back(std::move(buckets));
}

// ---- histc ----

void add_histc(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "histc";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    // Quarters, so that no rounding moves a value to the next bin.
    const auto quarters = [&](const Shape& sizes) {
      Array made = random.array(sizes, kInt64, -16, 16);
      for (double& value : made.values) value /= 4;
      made.dtype = dtype;
      return made;
    };
    return std::vector<Call>{
        {{quarters({20}), Scalar(8), Scalar(-2), Scalar(2)}},
        {{quarters({4, 5}), Scalar(4), Scalar(-4), Scalar(4)}},
        {{Array({3}, dtype, {1, 1, 1}), Scalar(4)}},
        {{Array({4}, dtype, {0, 1, 2, 4}), Scalar(4)}},
        {{Array({4}, dtype, {0, NAN, 2, -INFINITY}), Scalar(4), Scalar(0), Scalar(2)}},
        {{quarters({}), Scalar(2), Scalar(-8), Scalar(8)}},
        {{Array({0}, dtype), Scalar(3)}},
        {{quarters({6})}}};
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    const int64_t bins = call.scalar(1, 100).to_int64();
    double low = call.scalar(2, 0).to_double(), high = call.scalar(3, 0).to_double();
    if (low == high && !self.values.empty()) {
      low = *std::min_element(self.values.begin(), self.values.end());
      high = *std::max_element(self.values.begin(), self.values.end());
    }
    if (low == high) low -= 1, high += 1;
    Array out({bins}, self.dtype);
    for (const double value : self.values) {
      if (!(value >= low && value <= high)) continue;
      const auto bin =
          static_cast<int64_t>((value - low) / (high - low) * static_cast<double>(bins));
      out.values[static_cast<size_t>(std::min(bin, bins - 1))] += 1;
    }
    return std::vector{out};
  };
  row.errors = {{"bins", {blank({3}), Scalar(0)}, "histc.*one bin.*0"},
                {"order", {blank({3}), Scalar(4), Scalar(2), Scalar(1)}, "histc.*min <= max.*2.*1"},
                {"infinite", {blank({3}), Scalar(4), Scalar(0), Scalar(INFINITY)}, "histc.*finite"},
                {"nan", {Array({2}, kFloat32, {NAN, 1}), Scalar(4)}, "histc.*finite"},
                {"dtype", {blank({3}, kInt64), Scalar(4)}, "histc.*floating.*int64"},
                {"undefined", {std::monostate(), Scalar(4)}, "defined"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_search_samples(std::vector<SampleRow>& rows) {
  add_unique(rows);
  add_searches(rows);
  add_histc(rows);
}

}  // namespace tenon::ops_test
