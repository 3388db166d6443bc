// Whole slices along a dimension.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

// self, dim, number of positions
struct Slices {
  Shape self;
  int64_t dim, count;
};
const std::vector<Slices> kSlices = {{{3, 5}, 1, 4}, {{3, 5}, 0, 7},  {{2, 3, 4}, -2, 2},
                                     {{5}, 0, 3},    {{3, 5}, -1, 0}, {{2, 0, 3}, 0, 2}};

int64_t extent(const Slices& c) { return c.self[c.dim < 0 ? c.dim + c.self.rank() : c.dim]; }

Array vector_of(Random& random, const Slices& c) {
  return random.array({c.count}, kInt64, 0, static_cast<double>(extent(c) - 1));
}

Shape source_sizes(const Slices& c) {
  Shape sizes = c.self;
  sizes[c.dim < 0 ? c.dim + c.self.rank() : c.dim] = c.count;
  return sizes;
}

// Calls (self, dim, index, source).
std::vector<Call> write_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
  for (const Slices& c : kSlices)
    calls.push_back({{make(c.self), Scalar(c.dim), vector_of(random, c), make(source_sizes(c))}});
  calls.push_back({{make({3, 5}), Scalar(1), random.array({}, kInt64, 0, 4), make({3, 1})}});
  calls.push_back({{make({}), Scalar(0), Array({1}, kInt64), make({1})}});
  calls.push_back({{make({}), Scalar(-1), Array({}, kInt64), make({})}});
  return calls;
}

// f(old value, position k, row-major number in source) for every element written, in order.
Array written(const Call& call, const std::function<double(double, const Shape&)>& f) {
  Array out = call.array(0);
  const Array& index = call.array(2);
  if (out.sizes.empty()) {
    for (size_t k = 0; k < index.values.size(); ++k) out.values[0] = f(out.values[0], {});
    return out;
  }
  const int64_t dim = dim_of(call, out.sizes);
  Shape sizes = out.sizes;
  sizes[dim] = index.sizes.numel();
  for_each(sizes, [&](const Shape& at, size_t) {
    double position = index.values[static_cast<size_t>(at[dim])];
    if (position < 0) position += static_cast<double>(out.sizes[dim]);
    double& value = out.values[out.offset(target_of(at, dim, position))];
    value = f(value, at);
  });
  return out;
}

double source_at(const Call& call, const Shape& at) {
  const Array& source = call.array(3);
  return source.values[at.empty() ? 0 : source.offset(at)];
}

std::vector<ErrorRow> write_errors(const std::string& op) {
  return {{"dtype of index", {blank({3}), Scalar(0), blank({1}), blank({1})}, op + ".*int64"},
          {"rank of index",
           {blank({3}), Scalar(0), blank({1, 1}, kInt64), blank({1})},
           op + ".*one dimension"},
          {"dtype of source",
           {blank({3}), Scalar(0), blank({1}, kInt64), blank({1}, kFloat64)},
           op + ".*same dtype"},
          {"number of slices",
           {blank({3}), Scalar(0), blank({2}, kInt64), blank({1})},
           op + ".*\\(2\\).*\\(1\\)"},
          {"other sizes",
           {blank({3, 4}), Scalar(0), blank({2}, kInt64), blank({2, 3})},
           op + ".*\\(2, 4\\).*\\(2, 3\\)"},
          {"rank of source",
           {blank({3, 4}), Scalar(0), blank({1}, kInt64), blank({4})},
           op + ".*\\(1, 4\\).*\\(4\\)"},
          {"two for a number",
           {blank({}), Scalar(0), blank({2}, kInt64), blank({2})},
           op + ".*0-dim.*\\(2\\)"},
          {"dim", {blank({3}), Scalar(1), blank({1}, kInt64), blank({1})}, "out of range"},
          {"too large", {blank({3}), Scalar(0), Array({1}, kInt64, {3}), blank({1})}, "index"},
          {"negative", {blank({3}), Scalar(0), Array({1}, kInt64, {-1}), blank({1})}, "index"}};
}

void add_index_select(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_select";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Slices& c : kSlices)
      calls.push_back({{random.array(c.self, dtype, -9, 9), Scalar(c.dim), vector_of(random, c)}});
    calls.push_back(
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), random.array({}, kInt64, 0, 4)}});
    calls.push_back(
        {{random.array({3, 5}, dtype, -9, 9), Scalar(1), random.array({6}, kInt32, 0, 4)}});
    calls.push_back({{random.array({}, dtype, -9, 9), Scalar(0), Array({1}, kInt64)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &index = call.array(2);
    if (self.sizes.empty()) return std::vector<Array>{self};
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
  row.out = [](Tensor& out, std::span<const Value> a) {
    index_select_out(out, tensor_at(a, 0), scalar_at(a, 1).to_int64(), tensor_at(a, 2));
  };
  row.errors = {
      {"rank", {blank({3, 2}), Scalar(0), blank({1, 2}, kInt64)}, "index_select.*one dimension"},
      {"dtype", {blank({3, 2}), Scalar(0), blank({2})}, "index_select.*int64"},
      {"dim", {blank({3, 2}), Scalar(2), blank({2}, kInt64)}, "out of range"},
      {"two of a number", {blank({}), Scalar(0), blank({2}, kInt64)}, "index_select.*0-dim"},
      {"empty", {blank({0}), Scalar(0), blank({2}, kInt64)}, "index_select.*empty"},
      {"too large", {blank({3, 2}), Scalar(1), Array({1}, kInt64, {2})}, "index"},
      {"negative", {blank({3, 2}), Scalar(1), Array({1}, kInt64, {-1})}, "index"}};
  rows.push_back(std::move(row));
}

void add_index_add(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_add";
  row.dtypes = {kFloat32, kFloat64, kFloat16, kBFloat16, kInt64, kInt32, kBool};
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = write_calls(dtype, random);
    calls.push_back({{random.array({3, 5}, dtype, -4, 4), Scalar(1),
                      random.array({2}, kInt32, 0, 4), random.array({3, 2}, dtype, -4, 4)}});
    if (dtype != kBool)
      calls.push_back(
          {{random.array({3, 5}, dtype, -4, 4), Scalar(0), random.array({6}, kInt64, 0, 2),
            random.array({6, 5}, dtype, -4, 4), Scalar(2)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const double alpha = call.scalar(4, 1).to_double();
    Array sizes = call.array(0);
    for (double& value : sizes.values) value = std::fabs(value);
    Call absolute = call;
    absolute.arguments[0] = sizes;
    Array out = written(
        call, [&](double old, const Shape& at) { return old + alpha * source_at(call, at); });
    for (double& value : out.values) value = stored(value, out.dtype);
    out.magnitudes = written(absolute, [&](double old, const Shape& at) {
                       return old + std::fabs(alpha * source_at(call, at));
                     }).values;
    for (double& magnitude : out.magnitudes) magnitude *= 10 * storage_roundings(out.dtype);
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    index_add_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), tensor_at(o, 2),
               scalar_at(o, 3, 1));
  };
  row.errors = write_errors("index_add");
  rows.push_back(std::move(row));
}

void add_index_copy(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_copy";
  row.dtypes = kEvery;
  row.calls = &write_calls;
  row.expect = [](const Call& call) {
    return std::vector<Array>{
        written(call, [&](double, const Shape& at) { return source_at(call, at); })};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    index_copy_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), tensor_at(o, 2));
  };
  row.errors = write_errors("index_copy");
  row.errors.push_back({"narrow index",
                        {blank({3}), Scalar(0), blank({1}, kInt32), blank({1})},
                        "index_copy.*int64"});
  rows.push_back(std::move(row));
}

void add_index_fill(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_fill";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    for (const Slices& c : kSlices) {
      Array index = vector_of(random, c);
      calls.push_back({{make(c.self), Scalar(c.dim), index, Scalar(2.5)}});
      for (double& position : index.values) position -= static_cast<double>(extent(c));
      calls.push_back({{make(c.self), Scalar(c.dim), index, make({})}});
    }
    calls.push_back({{make({}), Scalar(0), Array({1}, kInt64), Scalar(1)}});
    calls.push_back({{make({4}), Scalar(0), Array({}, kInt64), Scalar(true)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const DType dtype = call.array(0).dtype;
    const auto* number = std::get_if<Scalar>(&call.arguments[3]);
    const double value = number == nullptr ? call.array(3).values[0] : number->to_double();
    const double filled = is_floating_point(dtype) ? value : std::trunc(value);
    return std::vector<Array>{written(call, [&](double, const Shape&) {
      return number == nullptr ? value : stored(filled, dtype);
    })};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    index_fill_(self, scalar_at(o, 0).to_int64(), tensor_at(o, 1), operand_at(o, 2));
  };
  row.errors = {
      {"dtype", {blank({3}), Scalar(0), blank({1}), Scalar(1)}, "index_fill.*int64"},
      {"rank", {blank({3}), Scalar(0), blank({1, 1}, kInt64), Scalar(1)}, "index_fill.*dimension"},
      {"value", {blank({3}), Scalar(0), blank({1}, kInt64), blank({1})}, "index_fill.*0-dim"},
      {"number too large",
       {blank({3}, kInt8), Scalar(0), blank({1}, kInt64), Scalar(200)},
       "index_fill.*200.*int8"},
      {"dim", {blank({3}), Scalar(-2), blank({1}, kInt64), Scalar(1)}, "out of range"},
      {"too large", {blank({3}), Scalar(0), Array({1}, kInt64, {3}), Scalar(1)}, "index"},
      {"too small", {blank({3}), Scalar(0), Array({1}, kInt64, {-4}), Scalar(1)}, "index"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_slice_index_samples(std::vector<SampleRow>& rows) {
  add_index_select(rows);
  add_index_add(rows);
  add_index_copy(rows);
  add_index_fill(rows);
}

}  // namespace tenon::ops_test
