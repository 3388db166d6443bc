// Tensors as one row of elements, and positions and counts of values.
#include <algorithm>

#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

// self and index of take and put.
const std::vector<std::pair<Shape, Shape>> kRows = {{{3, 5}, {7}},    {{3, 5}, {2, 3}}, {{4}, {}},
                                                    {{}, {2}},        {{3, 5}, {0}},    {{0}, {0}},
                                                    {{2, 3, 4}, {20}}};

// Positions of both signs.
Array places(Random& random, const Shape& self, const Shape& sizes) {
  const auto count = static_cast<double>(self.numel());
  return random.array(sizes, kInt64, -count, count - 1);
}

size_t place(const Array& self, double position) {
  return static_cast<size_t>(position < 0 ? position + static_cast<double>(self.values.size())
                                          : position);
}

void add_take(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "take";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [self, index] : kRows)
      calls.push_back({{random.array(self, dtype, -9, 9), places(random, self, index)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &index = call.array(1);
    Array out(index.sizes, self.dtype);
    for (size_t i = 0; i < out.values.size(); ++i)
      out.values[i] = self.values[place(self, index.values[i])];
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {{"dtype", {blank({3}), blank({1})}, "take.*int64.*float32"},
                {"narrow", {blank({3}), blank({1}, kInt32)}, "take.*int64.*int32"},
                {"too large", {blank({3}), Array({1}, kInt64, {3})}, "index"},
                {"too small", {blank({3}), Array({1}, kInt64, {-4})}, "index"},
                {"empty", {blank({0}), Array({1}, kInt64)}, "take.*empty"}};
  rows.push_back(std::move(row));
}

void add_put(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "put";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [self, index] : kRows)
      for (const bool accumulate : {false, true})
        calls.push_back({{powers(random, self, dtype), places(random, self, index),
                          powers(random, index, dtype), Scalar(accumulate)}});
    calls.push_back({{powers(random, {3, 4}, dtype), places(random, {3, 4}, {6}),
                      powers(random, {2, 3}, dtype)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    Array out = call.array(0);
    const Array &index = call.array(1), &source = call.array(2);
    for (size_t i = 0; i < index.values.size(); ++i) {
      double& value = out.values[place(out, index.values[i])];
      const double old = call.scalar(3).to_bool() ? value : 0;
      value = stored(old + source.values[i], out.dtype);
    }
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    put_(self, tensor_at(o, 0), tensor_at(o, 1), scalar_at(o, 2).to_bool());
  };
  row.errors = {
      {"dtype", {blank({3}), blank({1}), blank({1})}, "put.*int64.*float32"},
      {"dtype of source", {blank({3}), blank({1}, kInt64), blank({1}, kInt64)}, "put.*same dtype"},
      {"number", {blank({3}), blank({2}, kInt64), blank({1})}, "put.*2 and 1"},
      {"too large", {blank({3}), Array({1}, kInt64, {3}), blank({1})}, "index"},
      {"too small", {blank({3}), Array({1}, kInt64, {-4}), blank({1})}, "index"},
      {"empty", {blank({0}), Array({1}, kInt64), blank({1})}, "put.*empty"}};
  rows.push_back(std::move(row));
}

void add_bincount(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "bincount";
  row.dtypes = {kInt64, kInt32, kInt16, kInt8, kUInt8};
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const int64_t count : {9, 1, 100}) calls.push_back({{random.array({count}, dtype, 0, 6)}});
    calls.push_back({{random.array({9}, dtype, 0, 6), std::monostate(), Scalar(12)}});
    calls.push_back({{Array({0}, dtype)}});
    calls.push_back({{Array({0}, dtype), std::monostate(), Scalar(3)}});
    calls.push_back({{random.array({9}, dtype, 0, 6), powers(random, {9}, kFloat32)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    double length = call.scalar(2).to_double();
    for (const double value : self.values) length = std::max(length, value + 1);
    Array out({static_cast<int64_t>(length)}, call.has(1) ? call.array(1).dtype : kInt64);
    for (size_t i = 0; i < self.values.size(); ++i)
      out.values[static_cast<size_t>(self.values[i])] += call.has(1) ? call.array(1).values[i] : 1;
    return std::vector<Array>{out};
  };
  row.errors = {{"floats", {blank({3})}, "bincount.*integers.*float32"},
                {"bools", {blank({3}, kBool)}, "bincount.*integers.*bool"},
                {"rank", {blank({3, 1}, kInt64)}, "bincount.*one dimension.*\\(3, 1\\)"},
                {"negative", {Array({2}, kInt64, {1, -1})}, "bincount.*negative.*-1"},
                {"minlength", {blank({3}, kInt64), std::monostate(), Scalar(-1)}, "bincount.*-1"},
                {"weights", {blank({3}, kInt64), blank({2})}, "bincount.*weights.*\\(2\\)"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_position_samples(std::vector<SampleRow>& rows) {
  add_take(rows);
  add_put(rows);
  add_bincount(rows);
}

}  // namespace tenon::ops_test
