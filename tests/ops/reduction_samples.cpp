// Reductions over all or some dimensions.
#include "ops/reduction_samples.h"

#include <cmath>

#include <tenon/runtime/ops/ops.h>

namespace tenon::ops_test {

const std::vector<Reduced>& reduced_shapes() {
  static const std::vector<Reduced> shapes = {
      {{}, {}},       {{7}, {}},        {{3, 5}, {}},        {{3, 5}, {0}},
      {{3, 5}, {-1}}, {{2, 3, 4}, {1}}, {{2, 3, 4}, {0, 2}}, {{2, 3, 4}, {0, 1, 2}},
      {{1, 4}, {0}},  {{2, 130}, {1}},  {{130, 2}, {0}},     {{0, 3}, {1}},
  };
  return shapes;
}

Shape result_sizes(const Shape& sizes, const Shape& dims, bool keepdim) {
  std::vector<bool> reduced(static_cast<size_t>(sizes.rank()), dims.empty());
  for (const int64_t dim : dims)
    reduced[static_cast<size_t>(dim < 0 ? dim + sizes.rank() : dim)] = true;
  Shape result;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    if (!reduced[static_cast<size_t>(d)])
      result.push_back(sizes[d]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

std::vector<std::vector<double>> groups_of(const Array& self, const Shape& dims) {
  const Array kept(result_sizes(self.sizes, dims, true), self.dtype);
  std::vector<std::vector<double>> groups(kept.values.size());
  for_each(self.sizes, [&](const Shape& index, size_t i) {
    Shape at = index;
    for (int64_t d = 0; d < at.rank(); ++d)
      if (kept.sizes[d] == 1) at[d] = 0;
    groups[kept.offset(at)].push_back(self.values[i]);
  });
  return groups;
}

Array converted(const Call& call, size_t dtype_argument) {
  Array self = call.array(0);
  if (!call.has(dtype_argument)) return self;
  self.dtype = std::get<DType>(call.arguments[dtype_argument]);
  for (double& value : self.values) value = rounded(value, self.dtype);
  return self;
}

double sum_magnitude(size_t count, double size) {
  return 2 * std::sqrt(static_cast<double>(count)) * size;
}

std::vector<ErrorRow> dim_errors(
    const std::function<std::vector<Argument>(const Array& self, const Shape& dims)>& with) {
  return {{"dim", with(blank({2, 3}), {2}), "Dimension out of range.*\\[-2, 1\\].*2"},
          {"negative dim", with(blank({2, 3}), {-3}), "Dimension out of range.*\\[-2, 1\\].*-3"},
          {"dim of a number", with(blank({}), {1}), "Dimension out of range.*\\[-1, 0\\].*1"},
          {"twice", with(blank({2, 3}), {0, 0}), "dimension 0 appears twice"},
          {"twice in other words", with(blank({2, 3}), {1, -1}), "dimension -1 appears twice"}};
}

namespace {

bool keepdim_of(const Call& call) { return call.scalar(2, false).to_bool(); }

std::vector<Call> reduce_calls(DType dtype, Random& random, double low, double high,
                               bool empty_ok) {
  std::vector<Call> calls;
  for (const Reduced& r : reduced_shapes()) {
    if (r.sizes.numel() == 0 && !empty_ok && r.dims != Shape{1}) continue;
    const Array self = random.array(r.sizes, dtype, low, high);
    calls.push_back({{self, r.dims, Scalar(false)}, self.values.size() <= 40});
    calls.push_back({{self, r.dims, Scalar(true)}, self.values.size() <= 40});
  }
  if (empty_ok) calls.push_back({{Array({0, 3}, dtype), Shape{0}, Scalar(false)}, false});
  if (is_floating_point(dtype)) {
    Array special = random.array({4, 3}, dtype, low, high);
    special.values[4] = NAN;
    special.values[6] = INFINITY;
    calls.push_back({{special, Shape{1}, Scalar(false)}, false});
  }
  return calls;
}

struct Result {
  double value, magnitude;
};

SampleRow reduction(const char* op, std::vector<DType> dtypes, DType (*result)(DType),
                    Result (*reduce)(const std::vector<double>&), double low = -4, double high = 4,
                    bool empty_ok = true) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [=](DType dtype, Random& random) {
    return reduce_calls(dtype, random, low, high, empty_ok);
  };
  row.expect = [=](const Call& call) {
    const Array self = converted(call, 3);
    const Shape dims = call.shape(1);
    Array out(result_sizes(self.sizes, dims, keepdim_of(call)),
              call.has(3) ? self.dtype : result(self.dtype));
    for (const std::vector<double>& group : groups_of(self, dims)) {
      const Result r = reduce(group);
      out.magnitudes.push_back(r.magnitude);
      // Products that wrap are powers of two, so doubles hold them.
      const bool wraps = out.dtype == kInt64 && r.value >= 0x1p63;
      const double rest = std::fmod(r.value, 0x1p64);
      out.values[out.magnitudes.size() - 1] = !wraps ? r.value : rest == 0x1p63 ? -rest : rest;
    }
    return std::vector<Array>{out};
  };
  row.errors = dim_errors([](const Array& self, const Shape& dims) {
    return std::vector<Argument>{self, dims, Scalar(false)};
  });
  return row;
}

// Calls that convert first; the dtype is argument 3.
void add_dtype_calls(SampleRow& row, std::vector<DType> dtypes) {
  row.calls = [calls = row.calls, dtypes](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    for (const DType to : dtypes) {
      all.push_back({{random.array({3, 5}, dtype, 0.5, 2), Shape{1}, Scalar(false), to}, false});
      all.push_back({{random.array({6}, kInt64, 1, 3), Shape{}, Scalar(true), to}, false});
    }
    return all;
  };
}

template <Tensor& (*kOut)(Tensor&, const Tensor&, const Shape&, bool, std::optional<DType>)>
void out_with_dtype(Tensor& out, std::span<const Value> a) {
  kOut(out, std::get<Tensor>(a[0]), boxing::From<Shape>::get(a[1], 1),
       std::get<Scalar>(a[2]).to_bool(),
       a.size() > 3 ? boxing::From<std::optional<DType>>::get(a[3], 3) : std::nullopt);
}

template <Tensor& (*kOut)(Tensor&, const Tensor&, const Shape&, bool)>
void out_of_dims(Tensor& out, std::span<const Value> a) {
  kOut(out, std::get<Tensor>(a[0]), boxing::From<Shape>::get(a[1], 1),
       std::get<Scalar>(a[2]).to_bool());
}

template <Tensor& (*kOut)(Tensor&, const Tensor&, std::optional<int64_t>, bool)>
void out_of_dim(Tensor& out, std::span<const Value> a) {
  kOut(out, std::get<Tensor>(a[0]), boxing::From<std::optional<int64_t>>::get(a[1], 1),
       std::get<Scalar>(a[2]).to_bool());
}

DType wide(DType dtype) { return is_floating_point(dtype) ? dtype : kInt64; }
DType same(DType dtype) { return dtype; }
DType boolean(DType dtype) { return dtype == kUInt8 ? kUInt8 : kBool; }

Result sum(const std::vector<double>& values) {
  long double total = 0, size = 0;
  for (const double value : values) total += value, size += std::fabs(value);
  const double magnitude =
      2 * std::sqrt(static_cast<double>(values.size())) * static_cast<double>(size);
  return {static_cast<double>(total), magnitude};
}

Result prod(const std::vector<double>& values) {
  long double product = 1;
  for (const double value : values) product *= value;
  const double result = static_cast<double>(product);
  return {result, 2 * static_cast<double>(values.size()) * std::fabs(result)};
}

Result greatest(const std::vector<double>& values) {
  double best = -INFINITY;
  for (const double value : values)
    if (std::isnan(value) || value > best) best = value;
  for (const double value : values)
    if (std::isnan(value)) best = value;
  return {best, 0};
}

Result least(const std::vector<double>& values) {
  double best = INFINITY;
  for (const double value : values)
    if (value < best) best = value;
  for (const double value : values)
    if (std::isnan(value)) best = value;
  return {best, 0};
}

const ErrorRow kNoDType = {
    "not a dtype", {blank({2}), Shape{}, Scalar(false), Scalar(3)}, "argument 4 .*dtype|a dtype"};

void add_sums(std::vector<SampleRow>& rows) {
  rows.push_back(reduction("sum", kEvery, &wide, &sum));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().gradient = true;
  rows.back().out = &out_with_dtype<&sum_out>;
  rows.back().errors.push_back(kNoDType);
  add_dtype_calls(rows.back(), {kFloat32, kBFloat16, kInt32, kInt64});
  rows.push_back(reduction("mean", kFloats, &same, [](const std::vector<double>& values) {
    const Result total = sum(values);
    const auto count = static_cast<double>(values.size());
    return Result{total.value / count, total.magnitude / count};
  }));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().gradient = true;
  rows.back().out = &out_with_dtype<&mean_out>;
  rows.back().errors.push_back(
      {"integers", {blank({2}, kInt64), Shape{}, Scalar(false)}, "mean.*float"});
  rows.back().errors.push_back(
      {"integer dtype", {blank({2}), Shape{}, Scalar(false), kInt64}, "mean.*float.*int64"});
  rows.back().errors.push_back(kNoDType);
  add_dtype_calls(rows.back(), {kFloat32, kBFloat16});
  rows.push_back(reduction("prod", kEvery, &wide, &prod, 0.5, 2));
  rows.back().tolerance = Tolerance::kSum;
  rows.back().gradient = true;
  rows.back().out = &out_with_dtype<&prod_out>;
  rows.back().errors.push_back(kNoDType);
  add_dtype_calls(rows.back(), {kFloat32, kInt32});
}

void add_extremes(std::vector<SampleRow>& rows) {
  for (const bool max : {true, false}) {
    rows.push_back(reduction(max ? "amax" : "amin", kEvery, &same, max ? &greatest : &least, -100,
                             100, false));
    rows.back().gradient = true;
    rows.back().out = max ? &out_of_dims<&amax_out> : &out_of_dims<&amin_out>;
    rows.back().errors.push_back(
        {"empty", {blank({0, 3}), Shape{0}, Scalar(false)}, "size 0.*no identity"});
    rows.back().errors.push_back(
        {"all empty", {blank({0}), Shape{}, Scalar(false)}, "size 0.*no identity"});
  }
  rows.push_back(reduction(
      "all", kEvery, &boolean,
      [](const std::vector<double>& values) {
        bool every = true;
        for (const double value : values) every = every && value != 0;
        return Result{every ? 1.0 : 0.0, 0};
      },
      0, 5));
  rows.back().out = &out_of_dims<&all_out>;
  rows.push_back(reduction(
      "any", kEvery, &boolean,
      [](const std::vector<double>& values) {
        bool some = false;
        for (const double value : values) some = some || value != 0;
        return Result{some ? 1.0 : 0.0, 0};
      },
      0, 1.9));
  rows.back().out = &out_of_dims<&any_out>;
}

// Position of the first extreme value; a NaN is extreme.
double position(const std::vector<double>& values, bool max) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (std::isnan(values[best])) break;
    const bool better = max ? values[i] > values[best] : values[i] < values[best];
    if (better || std::isnan(values[i])) best = i;
  }
  return static_cast<double>(best);
}

std::vector<Call> position_calls(DType dtype, Random& random, bool needs_dim) {
  std::vector<Call> calls;
  for (const Shape& sizes : {Shape{7}, Shape{3, 5}, Shape{2, 3, 4}, Shape{2, 130}, Shape{}}) {
    for (int64_t dim = -1; dim < std::max<int64_t>(1, sizes.rank()); ++dim) {
      const Array self = random.array(sizes, dtype, -100, 100);
      calls.push_back({{self, Scalar(dim), Scalar(false)}, sizes.numel() <= 40});
      calls.push_back({{self, Scalar(dim), Scalar(true)}, sizes.numel() <= 40});
    }
    if (!needs_dim)
      calls.push_back({{random.array(sizes, dtype, -3, 3), {}, Scalar(false)}, false});
  }
  if (is_floating_point(dtype)) {
    Array special = random.array({4, 3}, dtype, -4, 4);
    special.values[4] = special.values[5] = NAN;
    calls.push_back({{special, Scalar(1), Scalar(false)}, false});
  }
  return calls;
}

// argmax, argmin: with None over everything.
std::vector<Array> expect_position(const Call& call, bool max) {
  const Array& self = call.array(0);
  const Shape dims = call.has(1) ? Shape{call.scalar(1).to_int64()} : Shape{};
  const bool scalar = self.sizes.rank() == 0;
  Array out(result_sizes(self.sizes, scalar ? Shape{} : dims, keepdim_of(call)), kInt64);
  size_t i = 0;
  for (const auto& group : groups_of(self, scalar ? Shape{} : dims))
    out.values[i++] = position(group, max);
  return {out};
}

// max(dim), min(dim): values and where they are.
std::vector<Array> expect_values(const Call& call, bool max) {
  const Array index = expect_position(call, max)[0];
  Array values(index.sizes, call.array(0).dtype);
  const bool scalar = call.array(0).sizes.rank() == 0;
  size_t i = 0;
  for (const auto& group :
       groups_of(call.array(0), scalar ? Shape{} : Shape{call.scalar(1).to_int64()})) {
    values.values[i] = group[static_cast<size_t>(index.values[i])];
    ++i;
  }
  return {values, index};
}

void add_positions(std::vector<SampleRow>& rows) {
  for (const bool max : {true, false}) {
    SampleRow arg;
    arg.op = max ? "argmax" : "argmin";
    arg.dtypes = kEvery;
    arg.calls = [](DType dtype, Random& random) { return position_calls(dtype, random, false); };
    arg.expect = [max](const Call& call) { return expect_position(call, max); };
    arg.out = max ? &out_of_dim<&argmax_out> : &out_of_dim<&argmin_out>;
    const std::string range = "Dimension out of range.*";
    arg.errors = {
        {"dim", {blank({2, 3}), Scalar(2), Scalar(false)}, range + "\\[-2, 1\\].*2"},
        {"negative dim", {blank({2, 3}), Scalar(-3), Scalar(false)}, range + "\\[-2, 1\\].*-3"},
        {"dim of a number", {blank({}), Scalar(1), Scalar(false)}, range + "\\[-1, 0\\].*1"},
        {"empty", {blank({0, 3}), Scalar(0), Scalar(false)}, "size 0.*no identity"},
        {"empty along another dim",
         {blank({3, 0}), Scalar(1), Scalar(true)},
         "dimension 1.*size 0"},
        {"list of dims", {blank({2, 3}), Shape{0, 1}, Scalar(false)}, "a number"}};
    SampleRow both = arg;
    both.op = max ? "max" : "min";
    both.out = nullptr;
    both.calls = [](DType dtype, Random& random) { return position_calls(dtype, random, true); };
    both.expect = [max](const Call& call) { return expect_values(call, max); };
    both.gradient = true;
    rows.push_back(std::move(arg));
    rows.push_back(std::move(both));
  }
}

void add_sum_to_size(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "sum_to_size";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    return std::vector<Call>{{{random.array({2, 3}, dtype, -4, 4), Shape{3}}},
                             {{random.array({2, 3}, dtype, -4, 4), Shape{2, 1}}},
                             {{random.array({2, 3, 4}, dtype, -4, 4), Shape{1, 4}}},
                             {{random.array({2, 3}, dtype, -4, 4), Shape{}}},
                             {{random.array({2, 3}, dtype, -4, 4), Shape{2, 3}}}};
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    Array out(call.shape(1), self.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    const int64_t lead = self.sizes.rank() - out.sizes.rank();
    for_each(self.sizes, [&](const Shape& index, size_t i) {
      Shape at = out.sizes;
      for (int64_t d = 0; d < at.rank(); ++d) at[d] = out.sizes[d] == 1 ? 0 : index[d + lead];
      out.values[out.offset(at)] += self.values[i];
      out.magnitudes[out.offset(at)] += 10 * std::fabs(self.values[i]);
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"sizes", {blank({2, 3}), Shape{2}}, "sum_to_size.*\\(2\\).*\\(2, 3\\)|must match|broadcast"},
      {"more dimensions",
       {blank({3}), Shape{2, 3}},
       "sum_to_size.*\\(2, 3\\) must broadcast.*\\(3\\)"},
      {"larger", {blank({1, 3}), Shape{2, 3}}, "sum_to_size.*\\(2, 3\\).*\\(1, 3\\)"},
      {"other size", {blank({2, 3}), Shape{2, 4}}, "sum_to_size|\\(2, 4\\)"},
      {"empty", {blank({2, 3}), Shape{0, 3}}, "sum_to_size|\\(0, 3\\)"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_reduction_samples(std::vector<SampleRow>& rows) {
  add_sums(rows);
  add_extremes(rows);
  add_positions(rows);
  add_sum_to_size(rows);
  add_statistics_samples(rows);
}

}  // namespace tenon::ops_test
