// Joining, cutting, repeating and reordering elements.
#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

// Argument 1, an int, as a dimension of `rank`.
int64_t dim_of(const Call& call, int64_t rank) {
  const int64_t dim = call.scalar(1).to_int64();
  return dim < 0 ? dim + rank : dim;
}

// Several arrays of one dtype, joined along dim.
Array joined(const std::vector<Array>& parts, int64_t dim) {
  Shape sizes = parts[0].sizes;
  sizes[dim] = 0;
  for (const Array& part : parts) sizes[dim] += part.sizes[dim];
  Array out(sizes, parts[0].dtype);
  int64_t begin = 0;
  for (const Array& part : parts) {
    for_each(part.sizes, [&](const Shape& index, size_t i) {
      Shape at = index;
      at[dim] += begin;
      out.values[out.offset(at)] = part.values[i];
    });
    begin += part.sizes[dim];
  }
  return out;
}

void add_joins(std::vector<SampleRow>& rows) {
  SampleRow cat;
  cat.op = "cat";
  cat.dtypes = kEvery;
  cat.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    std::vector<Call> calls;
    calls.push_back({{std::vector{make({2, 3}), make({1, 3}), make({4, 3})}, Scalar(0)}});
    calls.push_back({{std::vector{make({2, 3}), make({2, 1})}, Scalar(-1)}});
    calls.push_back({{std::vector{make({2, 3}), make({0, 3})}, Scalar(0)}});
    calls.push_back({{std::vector{make({5})}, Scalar(0)}});
    std::vector<Array> many;
    for (int64_t i = 0; i < 20; ++i) many.push_back(make({1 + i % 3, 2}));
    calls.push_back({{many, Scalar(0)}, false});
    return calls;
  };
  cat.expect = [](const Call& call) {
    const auto& parts = std::get<std::vector<Array>>(call.arguments[0]);
    return std::vector<Array>{joined(parts, dim_of(call, parts[0].sizes.rank()))};
  };
  cat.gradient = true;
  cat.errors = {
      {"none", {std::vector<Array>{}, Scalar(0)}, "cat.*at least one"},
      {"sizes",
       {std::vector{blank({2, 3}), blank({2, 4})}, Scalar(0)},
       "cat.*\\(2, 3\\).*\\(2, 4\\)"},
      {"rank", {std::vector{blank({2, 3}), blank({2})}, Scalar(0)}, "cat.*\\(2, 3\\).*\\(2\\)"},
      {"scalars", {std::vector{blank({}), blank({})}, Scalar(0)}, "cat.*stack"},
      {"dim", {std::vector{blank({2, 3}), blank({2, 3})}, Scalar(2)}, "cat.*range.*2"}};

  SampleRow stack = cat;
  stack.op = "stack";
  stack.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    return std::vector<Call>{{{std::vector{make({2, 3}), make({2, 3}), make({2, 3})}, Scalar(0)}},
                             {{std::vector{make({2, 3}), make({2, 3})}, Scalar(1)}},
                             {{std::vector{make({2, 3}), make({2, 3})}, Scalar(-1)}},
                             {{std::vector{make({}), make({})}, Scalar(0)}}};
  };
  stack.expect = [](const Call& call) {
    std::vector<Array> parts = std::get<std::vector<Array>>(call.arguments[0]);
    const int64_t rank = parts[0].sizes.rank() + 1;
    int64_t dim = call.scalar(1).to_int64();
    if (dim < 0) dim += rank;
    for (Array& part : parts)
      part.sizes = part.sizes.slice(0, dim) + Shape{1} + part.sizes.slice(dim, rank - 1);
    return std::vector<Array>{joined(parts, dim)};
  };
  stack.errors = {
      {"none", {std::vector<Array>{}, Scalar(0)}, "stack.*at least one"},
      {"sizes",
       {std::vector{blank({2, 3}), blank({2, 1})}, Scalar(0)},
       "stack.*\\(2, 3\\).*\\(2, 1\\)"},
      {"rank", {std::vector{blank({2}), blank({2, 1})}, Scalar(0)}, "stack.*\\(2, 1\\)"},
      {"dim", {std::vector{blank({2, 3})}, Scalar(3)}, "stack.*range.*3"},
      {"dim below", {std::vector{blank({2, 3})}, Scalar(-4)}, "stack.*range.*-4"}};
  rows.push_back(std::move(cat));
  rows.push_back(std::move(stack));
}

}  // namespace

void add_manipulation_samples(std::vector<SampleRow>& rows) { add_joins(rows); }

}  // namespace tenon::ops_test
