// Reading and writing by index tensors.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

struct Indexed {
  Shape self, index;
  int64_t dim;
};
const std::vector<Indexed> kIndexed = {
    {{3, 5}, {3, 2}, 1}, {{3, 5}, {4, 5}, 0}, {{3, 5}, {2, 3}, 0}, {{2, 3, 4}, {2, 6, 4}, 1},
    {{7}, {9}, 0},       {{}, {}, 0},         {{3, 5}, {0, 5}, 0}, {{4, 6}, {4, 3}, -1},
};

int64_t extent_of(const Indexed& c) {
  return c.self.rank() == 0 ? 1 : c.self[c.dim < 0 ? c.dim + c.self.rank() : c.dim];
}
int64_t dim_of(const Call& call, const Shape& sizes) {
  const int64_t dim = call.scalar(1).to_int64();
  return dim < 0 ? dim + sizes.rank() : dim;
}

// Where element `index` of an index tensor points to.
Shape target_of(const Shape& index, int64_t dim, double position) {
  Shape at = index;
  if (at.rank() > 0) at[dim] = static_cast<int64_t>(position);
  return at;
}

void add_gather(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "gather";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Indexed& c : kIndexed)
      calls.push_back({{random.array(c.self, dtype, -9, 9), Scalar(c.dim),
                        random.array(c.index, kInt64, 0, static_cast<double>(extent_of(c) - 1))}});
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
      {"too large", {blank({3}), Scalar(0), Array({2}, kInt64, {0, 3})}, "index"},
      {"negative", {blank({3}), Scalar(0), Array({2}, kInt64, {-1, 0})}, "index"}};
  rows.push_back(std::move(row));
}

void add_scatter_add(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "scatter_add";
  row.dtypes = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64, kInt32};
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Indexed& c : kIndexed) {
      const Array index = random.array(c.index, kInt64, 0, static_cast<double>(extent_of(c) - 1));
      calls.push_back({{random.array(c.self, dtype, -9, 9), Scalar(c.dim), index,
                        random.array(c.index, dtype, -9, 9)}});
    }
    // A source larger than index: its first part counts.
    calls.push_back({{random.array({3, 4}, dtype, -9, 9), Scalar(0),
                      random.array({2, 3}, kInt64, 0, 2), random.array({5, 4}, dtype, -9, 9)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &index = call.array(2), &source = call.array(3);
    Array out = self;
    for (const double value : out.values) out.magnitudes.push_back(std::fabs(value));
    for_each(index.sizes, [&](const Shape& at, size_t i) {
      const size_t to = out.offset(target_of(at, dim_of(call, self.sizes), index.values[i]));
      const double value = source.values[source.offset(at)];
      out.values[to] += value;
      out.magnitudes[to] += std::fabs(value);
    });
    // Sums in row-major order: every step may round, f16 and bf16 too.
    for (double& magnitude : out.magnitudes) magnitude *= 10 * storage_roundings(out.dtype);
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    scatter_add_(self, std::get<Scalar>(o[0]).to_int64(), std::get<Tensor>(o[1]),
                 std::get<Tensor>(o[2]));
  };
  row.errors = {
      {"dtype",
       {blank({3}), Scalar(0), blank({3}, kInt64), blank({3}, kFloat64)},
       "scatter_add.*same dtype"},
      {"source", {blank({3}), Scalar(0), blank({3}, kInt64), blank({2})}, "scatter_add.*source"},
      {"too large", {blank({3}), Scalar(0), Array({2}, kInt64, {0, 3}), blank({2})}, "index"}};
  rows.push_back(std::move(row));
}

void add_index_select(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_select";
  row.dtypes = kKinds;
  row.calls = [](DType dtype, Random& random) {
    return std::vector<Call>{
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), random.array({4}, kInt64, 0, 4)}},
        {{random.array({3, 5}, dtype, -9, 9), Scalar(0), random.array({7}, kInt64, 0, 2)}},
        {{random.array({2, 3, 4}, dtype, -9, 9), Scalar(-2), random.array({2}, kInt64, 0, 2)}},
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), random.array({}, kInt64, 0, 4)}},
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), Array({0}, kInt64)}}};
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &index = call.array(2);
    const int64_t dim = dim_of(call, self.sizes);
    Shape sizes = self.sizes;
    sizes[dim] = index.sizes.numel();
    Array out(sizes, self.dtype);
    for_each(sizes, [&](const Shape& at, size_t i) {
      out.values[i] =
          self.values[self.offset(target_of(at, dim, index.values[static_cast<size_t>(at[dim])]))];
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {
      {"rank", {blank({3, 2}), Scalar(0), blank({1, 2}, kInt64)}, "index_select.*one dimension"},
      {"too large", {blank({3, 2}), Scalar(1), Array({1}, kInt64, {2})}, "index"}};
  rows.push_back(std::move(row));
}

void add_one_hot(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "one_hot";
  row.dtypes = {kInt64};
  row.calls = [](DType dtype, Random& random) {
    return std::vector<Call>{{{random.array({5}, dtype, 0, 3), Scalar(4)}},
                             {{random.array({2, 3}, dtype, 0, 3), Scalar(6)}},
                             {{random.array({2, 3}, dtype, 0, 3)}},
                             {{random.array({}, dtype, 0, 3), Scalar(4)}},
                             {{Array({0}, dtype), Scalar(4)}}};
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    double greatest = 0;
    for (const double value : self.values) greatest = std::max(greatest, value);
    const int64_t classes = call.scalar(1, static_cast<int64_t>(greatest) + 1).to_int64();
    Array out(self.sizes + Shape{classes}, kInt64);
    for (size_t i = 0; i < self.values.size(); ++i)
      out.values[i * static_cast<size_t>(classes) + static_cast<size_t>(self.values[i])] = 1;
    return std::vector<Array>{out};
  };
  row.errors = {{"dtype", {blank({2}), Scalar(3)}, "one_hot.*int64"},
                {"classes", {blank({2}, kInt64), Scalar(0)}, "one_hot.*classes.*0"},
                {"too large", {Array({1}, kInt64, {4}), Scalar(4)}, "index"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_indexing_samples(std::vector<SampleRow>& rows) {
  add_gather(rows);
  add_scatter_add(rows);
  add_index_select(rows);
  add_one_hot(rows);
}

}  // namespace tenon::ops_test
