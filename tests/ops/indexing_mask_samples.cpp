// Masks, and where what is not 0 lies.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

// self and mask, which broadcast.
const std::vector<std::pair<Shape, Shape>> kMasked = {
    {{3, 5}, {3, 5}}, {{3, 5}, {5}}, {{3, 5}, {3, 1}}, {{5}, {3, 5}},       {{}, {}},
    {{4}, {}},        {{}, {4}},     {{0, 3}, {3}},    {{2, 3, 4}, {3, 1}}, {{2, 67}, {2, 67}}};

Array mask_of(Random& random, const Shape& sizes) { return random.array(sizes, kBool, 0, 1); }

void add_masked_fill(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "masked_fill";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [self, mask] : kMasked) {
      const bool small = self.numel() < 60;
      const Array values = random.array(self, dtype, -9, 9);
      calls.push_back({{values, mask_of(random, mask), Scalar(2.5)}, small});
      calls.push_back({{values, mask_of(random, mask), random.array({}, dtype, 0, 9)}, small});
    }
    calls.push_back(
        {{random.array({4}, dtype, -9, 9), mask_of(random, {4}), Array({}, kFloat32, {1.0})}});
    if (is_floating_point(dtype)) {
      calls.push_back(
          {{random.array({4}, dtype, -9, 9), mask_of(random, {4}), Scalar(-INFINITY)}, false});
      calls.push_back(
          {{Array({3}, dtype, {NAN, NAN, 1}), Array({3}, kBool, {1, 0, 1}), Scalar(0)}, false});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &mask = call.array(1);
    const auto* number = std::get_if<Scalar>(&call.arguments[2]);
    double value = number == nullptr ? call.array(2).values[0] : number->to_double();
    if (!is_floating_point(self.dtype) && number != nullptr)
      value = stored(std::trunc(value), self.dtype);
    Array out(broadcast(self.sizes, mask.sizes), self.dtype);
    for_each(out.sizes, [&](const Shape& at, size_t i) {
      out.values[i] = mask.at(at) != 0 ? value : self.at(at);
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    masked_fill_(self, tensor_at(o, 0), operand_at(o, 1));
  };
  row.errors = {
      {"mask", {blank({3}), blank({3}, kInt64), Scalar(1)}, "masked_fill.*bool.*int64"},
      {"byte mask", {blank({3}), blank({3}, kUInt8), Scalar(1)}, "masked_fill.*bool.*uint8"},
      {"value", {blank({3}), blank({3}, kBool), blank({1})}, "masked_fill.*0-dim"},
      {"sizes", {blank({3}), blank({4}, kBool), Scalar(1)}, "masked_fill.*\\(3\\).*\\(4\\)"},
      {"number too large",
       {blank({3}, kUInt8), blank({3}, kBool), Scalar(300)},
       "masked_fill.*300.*uint8"},
      {"number too small",
       {blank({3}, kUInt8), blank({3}, kBool), Scalar(-1)},
       "masked_fill.*-1.*uint8"}};
  rows.push_back(std::move(row));
}

void add_masked_select(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "masked_select";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [self, mask] : kMasked)
      calls.push_back(
          {{random.array(self, dtype, -9, 9), mask_of(random, mask)}, self.numel() < 60});
    calls.push_back({{random.array({4}, dtype, -9, 9), Array({4}, kBool)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &mask = call.array(1);
    Array out({0}, self.dtype);
    for_each(broadcast(self.sizes, mask.sizes), [&](const Shape& at, size_t) {
      if (mask.at(at) != 0) out.values.push_back(self.at(at));
    });
    out.sizes = {static_cast<int64_t>(out.values.size())};
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {
      {"mask", {blank({3}), blank({3}, kInt64)}, "masked_select.*bool.*int64"},
      {"float mask", {blank({3}), blank({3})}, "masked_select.*bool.*float32"},
      {"byte mask", {blank({3}), blank({3}, kUInt8)}, "masked_select.*bool.*uint8"},
      {"sizes", {blank({3}), blank({4}, kBool)}, "masked_select.*\\(3\\).*\\(4\\)"},
      {"ranks", {blank({3, 2}), blank({3}, kBool)}, "masked_select.*\\(3, 2\\).*\\(3\\)"}};
  rows.push_back(std::move(row));
}

void add_masked_scatter(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "masked_scatter";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [self, mask] : kMasked) {
      const int64_t count = broadcast(self, mask).numel() + 2;
      calls.push_back({{random.array(self, dtype, -9, 9), mask_of(random, mask),
                        random.array({count}, dtype, -9, 9)},
                       self.numel() < 60});
    }
    calls.push_back({{random.array({3, 4}, dtype, -9, 9), mask_of(random, {3, 4}),
                      random.array({2, 6}, dtype, -9, 9)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &self = call.array(0), &mask = call.array(1), &source = call.array(2);
    Array out(broadcast(self.sizes, mask.sizes), self.dtype);
    size_t next = 0;
    for_each(out.sizes, [&](const Shape& at, size_t i) {
      out.values[i] = mask.at(at) != 0 ? source.values[next++] : self.at(at);
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    masked_scatter_(self, tensor_at(o, 0), tensor_at(o, 1));
  };
  const Array all({3}, kBool, {1, 1, 1});
  row.errors = {
      {"mask", {blank({3}), blank({3}, kInt64), blank({3})}, "masked_scatter.*bool.*int64"},
      {"float mask", {blank({3}), blank({3}), blank({3})}, "masked_scatter.*bool.*float32"},
      {"dtype", {blank({3}), all, blank({3}, kFloat64)}, "masked_scatter.*same dtype"},
      {"too small", {blank({3}), all, blank({2})}, "masked_scatter.*3 true.*2"},
      {"sizes", {blank({3}), blank({4}, kBool), blank({3})}, "masked_scatter.*\\(3\\).*\\(4\\)"}};
  rows.push_back(std::move(row));
}

const std::vector<Shape> kSizes = {{3, 5}, {}, {7}, {0, 3}, {2, 3, 4}, {2, 67}};

// About half of the elements are 0.
Array sparse(Random& random, const Shape& sizes, DType dtype) {
  Array out = random.array(sizes, dtype, -9, 9);
  const Array keep = random.array(sizes, kBool, 0, 1);
  for (size_t i = 0; i < out.values.size(); ++i) out.values[i] *= keep.values[i];
  return out;
}

std::vector<Call> sparse_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Shape& sizes : kSizes) calls.push_back({{sparse(random, sizes, dtype)}});
  calls.push_back({{Array({4}, dtype)}});
  if (is_floating_point(dtype)) calls.push_back({{Array({5}, dtype, {NAN, 0, -0.0, INFINITY, 1})}});
  return calls;
}

void add_nonzero(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "nonzero";
  row.dtypes = kEvery;
  row.calls = &sparse_calls;
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    Array out({0, self.sizes.rank()}, kInt64);
    for_each(self.sizes, [&](const Shape& at, size_t i) {
      if (self.values[i] == 0) return;
      ++out.sizes[0];
      for (const int64_t position : at) out.values.push_back(static_cast<double>(position));
    });
    return std::vector<Array>{out};
  };
  row.errors = {{"undefined", {std::monostate()}, "defined"},
                {"number", {Scalar(1)}, "argument 0 must be a tensor"},
                {"list", {Shape{1, 2}}, "argument 0 must be a tensor"},
                {"dtype", {kFloat32}, "argument 0 must be a tensor"},
                {"too many", {blank({2}), Scalar(1)}, "at most 1"}};
  SampleRow argwhere = row;
  argwhere.op = "argwhere";
  rows.push_back(std::move(row));
  rows.push_back(std::move(argwhere));
}

void add_count_nonzero(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "count_nonzero";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = sparse_calls(dtype, random);
    for (const Shape& dims : {Shape{0}, Shape{-1}, Shape{0, 2}})
      calls.push_back({{sparse(random, {2, 3, 4}, dtype), dims}});
    calls.push_back({{Array({0, 3}, dtype), Shape{0}}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    const Shape dims = call.shape(1);
    const int64_t rank = self.sizes.rank();
    const auto counted = [&](int64_t d) {
      for (const int64_t dim : dims)
        if (dim == d || dim + rank == d) return true;
      return dims.empty();
    };
    Shape kept;
    for (int64_t d = 0; d < rank; ++d)
      if (!counted(d)) kept.push_back(self.sizes[d]);
    Array out(kept, kInt64);
    for_each(self.sizes, [&](const Shape& at, size_t i) {
      Shape to;
      for (int64_t d = 0; d < rank; ++d)
        if (!counted(d)) to.push_back(at[d]);
      if (self.values[i] != 0) out.values[to.empty() ? 0 : out.offset(to)] += 1;
    });
    return std::vector<Array>{out};
  };
  row.errors = {{"dim", {blank({2, 3}), Shape{2}}, "out of range"},
                {"negative", {blank({2, 3}), Shape{-3}}, "out of range"},
                {"twice", {blank({2, 3}), Shape{0, -2}}, "0|twice|duplicate"},
                {"dim of a number", {blank({}), Shape{1}}, "out of range"},
                {"undefined", {std::monostate()}, "defined"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_mask_samples(std::vector<SampleRow>& rows) {
  add_masked_fill(rows);
  add_masked_select(rows);
  add_masked_scatter(rows);
  add_nonzero(rows);
  add_count_nonzero(rows);
}

}  // namespace tenon::ops_test
