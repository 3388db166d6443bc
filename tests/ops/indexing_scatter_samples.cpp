// Gather and scatter.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

using Errors = std::vector<ErrorRow>;

// What every op with (self, dim, index, source…) refuses.
Errors scatter_errors(const std::string& op, const std::vector<Argument>& rest) {
  Errors errors = {
      {"dtype of source",
       {blank({3}), Scalar(0), blank({3}, kInt64), blank({3}, kFloat64)},
       op + ".*same dtype"},
      {"source", {blank({3}), Scalar(0), blank({3}, kInt64), blank({2})}, op + ".*source"},
      {"rank of source",
       {blank({3}), Scalar(0), blank({3}, kInt64), blank({3, 1})},
       op + ".*source"},
      {"dtype of index", {blank({3}), Scalar(0), blank({3}), blank({3})}, op + ".*int64"},
      {"rank", {blank({3, 2}), Scalar(0), blank({3}, kInt64), blank({3})}, op + ".*dimensions"},
      {"size",
       {blank({3, 2}), Scalar(0), blank({3, 4}, kInt64), blank({3, 4})},
       op + ".*\\(3, 4\\).*\\(3, 2\\)"},
      {"dim", {blank({3}), Scalar(1), blank({3}, kInt64), blank({3})}, "out of range"},
      {"empty", {blank({0, 2}), Scalar(0), blank({1, 2}, kInt64), blank({1, 2})}, op + ".*empty"},
      {"too large", {blank({3}), Scalar(0), Array({2}, kInt64, {0, 3}), blank({2})}, "index"},
      {"negative", {blank({3}), Scalar(0), Array({2}, kInt64, {-1, 0}), blank({2})}, "index"}};
  for (ErrorRow& error : errors)
    error.arguments.insert(error.arguments.end(), rest.begin(), rest.end());
  return errors;
}

void add_gather(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "gather";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Indexed& c : kIndexed)
      calls.push_back({{random.array(c.self, dtype, -9, 9), Scalar(c.dim), positions(random, c)}});
    calls.push_back(
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), random.array({3, 2}, kInt32, 0, 4)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &index = call.array(2);
    Array out(index.sizes, self.dtype);
    for_each(index.sizes, [&](const Shape& at, size_t i) {
      out.values[i] =
          self.values[self.offset(target_of(at, dim_of(call, self.sizes), index.values[i]))];
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {
      {"dtype", {blank({3}), Scalar(0), blank({3})}, "gather.*int64.*float32"},
      {"rank", {blank({3, 2}), Scalar(0), blank({3}, kInt64)}, "gather.*dimensions"},
      {"size", {blank({3, 2}), Scalar(0), blank({3, 4}, kInt64)}, "gather.*\\(3, 4\\).*\\(3, 2\\)"},
      {"dim", {blank({3, 2}), Scalar(2), blank({3, 2}, kInt64)}, "out of range|dim.*2"},
      {"empty", {blank({0}), Scalar(0), blank({2}, kInt64)}, "gather.*empty"},
      {"too large", {blank({3}), Scalar(0), Array({2}, kInt64, {0, 3})}, "index"},
      {"negative", {blank({3}), Scalar(0), Array({2}, kInt64, {-1, 0})}, "index"}};
  rows.push_back(std::move(row));
}

void add_take_along_dim(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "take_along_dim";
  row.dtypes = kKinds;
  row.calls = [](DType dtype, Random& random) {
    const auto call = [&](const Shape& self, const Shape& index, int64_t dim, double end) {
      return Call{
          {random.array(self, dtype, -9, 9), random.array(index, kInt64, 0, end), Scalar(dim)}};
    };
    std::vector<Call> calls = {call({3, 5}, {3, 2}, 1, 4), call({3, 5}, {1, 7}, -1, 4),
                               call({1, 5}, {3, 2}, 1, 4), call({2, 1, 4}, {1, 3, 1}, 0, 1),
                               call({}, {}, 0, 0),         call({3, 0}, {1, 0}, 1, 0)};
    calls.push_back({{random.array({3, 5}, dtype, -9, 9), random.array({2, 3}, kInt64, 0, 14)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    Array self = call.array(0), index = call.array(1);
    int64_t dim = call.scalar(2).to_int64();
    if (!call.has(2))
      for (Array* one : {&self, &index}) one->sizes = {one->sizes.numel()};
    if (dim < 0) dim += self.sizes.rank();
    Shape sizes = self.sizes;
    for (int64_t d = 0; d < sizes.rank(); ++d)
      if (d == dim || sizes[d] == 1) sizes[d] = index.sizes[d];
    Array out(sizes, self.dtype);
    for_each(sizes, [&](const Shape& at, size_t i) {
      Shape from = target_of(at, dim, index.at(at));
      for (int64_t d = 0; d < from.rank(); ++d)
        if (self.sizes[d] == 1) from[d] = 0;
      out.values[i] = self.values[self.offset(from)];
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {
      {"dtype", {blank({3}), blank({3}), Scalar(0)}, "take_along_dim.*int64"},
      {"rank", {blank({3, 4}), blank({3}, kInt64), Scalar(0)}, "take_along_dim.*dimensions"},
      {"sizes", {blank({3, 4}), blank({3, 3}, kInt64), Scalar(0)}, "take_along_dim"},
      {"dim", {blank({3, 4}), blank({3, 4}, kInt64), Scalar(-3)}, "out of range"},
      {"too large", {blank({3}), Array({1}, kInt64, {3}), Scalar(0)}, "index"},
      {"negative", {blank({3}), Array({1}, kInt64, {-1})}, "index"}};
  rows.push_back(std::move(row));
}

// ---- scatter, by joining one source after the other ----

using Reduce = ScatterReduction;

double join(Reduce reduce, double value, double source) {
  switch (reduce) {
    case Reduce::kSum:
    case Reduce::kMean:
      return value + source;
    case Reduce::kProd:
      return value * source;
    case Reduce::kAmax:
      return std::isnan(value) || std::isnan(source) ? NAN : std::max(value, source);
    case Reduce::kAmin:
      return std::isnan(value) || std::isnan(source) ? NAN : std::min(value, source);
    default:
      return source;
  }
}

// A number counts as a source of one element.
Array source_of(const Call& call, DType dtype) {
  if (const auto* number = std::get_if<Scalar>(&call.arguments[3])) {
    const double value = number->to_double();
    return Array({}, dtype, {is_floating_point(dtype) ? value : std::trunc(value)});
  }
  return call.array(3);
}

Array scattered(const Call& call, Reduce reduce, bool include_self) {
  const Array &self = call.array(0), &index = call.array(2);
  const Array source = source_of(call, self.dtype);
  Array out = self;
  std::vector<double> counts(out.values.size(), include_self ? 1 : 0);
  for (const double value : out.values) out.magnitudes.push_back(std::fabs(value));
  for_each(index.sizes, [&](const Shape& at, size_t i) {
    const size_t to = out.offset(target_of(at, dim_of(call, self.sizes), index.values[i]));
    const double value = source.sizes.empty() ? source.values[0] : source.values[source.offset(at)];
    out.values[to] = counts[to] == 0 ? value : join(reduce, out.values[to], value);
    counts[to] += 1;
    out.magnitudes[to] += std::fabs(value);
  });
  for (size_t i = 0; i < out.values.size(); ++i) {
    if (reduce == Reduce::kMean && counts[i] > 0) {
      out.values[i] /= counts[i];
      if (!is_floating_point(out.dtype)) out.values[i] = std::floor(out.values[i]);
    }
    out.values[i] = stored(out.values[i], out.dtype);
    // Sums in row-major order: every step may round, f16 and bf16 too.
    out.magnitudes[i] *= 10 * storage_roundings(out.dtype);
  }
  return out;
}

Array scattered_exactly(const Call& call, Reduce reduce, bool include_self) {
  Array out = scattered(call, reduce, include_self);
  out.magnitudes.clear();
  return out;
}

void add_scatter(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "scatter";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    for (const Indexed& c : kIndexed) {
      calls.push_back({{make(c.self), Scalar(c.dim), positions(random, c), make(c.index)}});
      calls.push_back({{make(c.self), Scalar(c.dim), positions(random, c), Scalar(1.5)}});
    }
    // A source larger than index: its first part counts. Positions may be int32.
    calls.push_back({{make({3, 4}), Scalar(0), random.array({2, 3}, kInt32, 0, 2), make({5, 4})}});
    for (const int64_t reduce : {1, 2}) {
      const Array index = random.array({5, 4}, kInt64, 0, 2);
      calls.push_back({{powers(random, {3, 4}, dtype), Scalar(0), index,
                        powers(random, {5, 4}, dtype), Scalar(reduce)}});
      calls.push_back(
          {{powers(random, {3, 4}, dtype), Scalar(0), index, Scalar(1), Scalar(reduce)}});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const auto reduce = static_cast<Reduce>(call.scalar(4).to_int64());
    return std::vector<Array>{scattered_exactly(call, reduce, true)};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    scatter_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), operand_at(o, 2),
             static_cast<Reduce>(scalar_at(o, 3).to_int64()));
  };
  row.errors = scatter_errors("scatter", {});
  row.errors.push_back({"reduction",
                        {blank({3}), Scalar(0), blank({3}, kInt64), blank({3}), Scalar(3)},
                        "scatter.*reduction"});
  row.errors.push_back({"number too large",
                        {blank({3}, kUInt8), Scalar(0), blank({3}, kInt64), Scalar(300)},
                        "scatter.*300.*uint8"});
  rows.push_back(std::move(row));
}

void add_scatter_add(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "scatter_add";
  row.dtypes = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64, kInt32, kBool};
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    for (const Indexed& c : kIndexed)
      calls.push_back({{make(c.self), Scalar(c.dim), positions(random, c), make(c.index)}});
    // A source larger than index: its first part counts. Positions may be int32.
    calls.push_back({{make({3, 4}), Scalar(0), random.array({2, 3}, kInt32, 0, 2), make({5, 4})}});
    return calls;
  };
  row.expect = [](const Call& call) {
    return std::vector<Array>{scattered(call, Reduce::kSum, true)};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    scatter_add_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), tensor_at(o, 2));
  };
  row.errors = scatter_errors("scatter_add", {});
  rows.push_back(std::move(row));
}

std::vector<Call> reduce_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (int64_t reduce = 1; reduce <= 5; ++reduce) {
    if (dtype == kBool && reduce == 3) continue;
    const auto make = [&](const Shape& sizes) {
      return reduce >= 4 ? random.array(sizes, dtype, -9, 9) : powers(random, sizes, dtype);
    };
    for (const Indexed& c : kIndexed) {
      const Array index = positions(random, c);
      for (const bool include_self : {true, false})
        calls.push_back({{make(c.self), Scalar(c.dim), index, make(c.index), Scalar(reduce),
                          Scalar(include_self)}});
    }
    calls.push_back({{make({3, 4}), Scalar(0), random.array({2, 3}, kInt32, 0, 2), make({5, 4}),
                      Scalar(reduce)}});
    if (!is_floating_point(dtype) || reduce < 4) continue;
    const Array special({5}, dtype, {NAN, 1, -INFINITY, INFINITY, 2});
    calls.push_back(
        {{make({4}), Scalar(0), Array({5}, kInt64, {0, 0, 1, 2, 3}), special, Scalar(reduce)},
         false});
  }
  return calls;
}

void add_scatter_reduce(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "scatter_reduce";
  row.dtypes = kKinds;
  row.calls = &reduce_calls;
  row.expect = [](const Call& call) {
    return std::vector<Array>{scattered_exactly(
        call, static_cast<Reduce>(call.scalar(4).to_int64()), call.scalar(5, true).to_bool())};
  };
  row.tolerance = Tolerance::kSum;  // means round once
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    scatter_reduce_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), tensor_at(o, 2),
                    static_cast<Reduce>(scalar_at(o, 3).to_int64()),
                    scalar_at(o, 4, true).to_bool());
  };
  row.errors = scatter_errors("scatter_reduce", {Scalar(4)});
  const Array index = blank({3}, kInt64);
  row.errors.push_back({"reduction",
                        {blank({3}), Scalar(0), index, blank({3}), Scalar(0)},
                        "scatter_reduce.*reduction"});
  row.errors.push_back({"no such reduction",
                        {blank({3}), Scalar(0), index, blank({3}), Scalar(6)},
                        "scatter_reduce.*reduction"});
  row.errors.push_back({"mean of bool",
                        {blank({3}, kBool), Scalar(0), index, blank({3}, kBool), Scalar(3)},
                        "scatter_reduce.*bool"});
  rows.push_back(std::move(row));
}

}  // namespace

void add_gather_samples(std::vector<SampleRow>& rows) {
  add_gather(rows);
  add_take_along_dim(rows);
}

void add_scatter_samples(std::vector<SampleRow>& rows) {
  add_scatter(rows);
  add_scatter_add(rows);
  add_scatter_reduce(rows);
}

}  // namespace tenon::ops_test
