// Joining tensors.
#include "ops/manipulation_samples.h"

#include <algorithm>

#include <tenon/runtime/ops/manipulation.h>

namespace tenon::ops_test {

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

SampleRow copy_row(const char* op, std::vector<Sample> samples,
                   std::function<Array(const Call&)> expect, std::vector<ErrorRow> errors) {
  SampleRow row = view_row(op, std::move(samples), std::move(expect), std::move(errors));
  row.dtypes = kEvery;
  return row;
}

SampleRow list_row(const char* op, std::vector<ListSample> samples,
                   std::function<std::vector<Array>(const Call&)> expect,
                   std::vector<ErrorRow> errors) {
  SampleRow row;
  row.op = op;
  row.dtypes = kEvery;
  row.calls = [samples = std::move(samples)](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const ListSample& sample : samples) {
      std::vector<Array> arrays;
      for (const Shape& sizes : sample.sizes) arrays.push_back(random.array(sizes, dtype, -9, 9));
      calls.push_back({{arrays}});
      for (const Argument& argument : sample.arguments) calls.back().arguments.push_back(argument);
    }
    return calls;
  };
  row.expect = std::move(expect);
  row.gradient = true;
  row.errors = std::move(errors);
  return row;
}

const std::vector<Array>& list_of_arrays(const Call& call) {
  return std::get<std::vector<Array>>(call.arguments[0]);
}

Shape numbers_of(const Call& call, size_t i) {
  const auto* one = std::get_if<Scalar>(&call.arguments[i]);
  return one != nullptr ? Shape{one->to_int64()} : call.shape(i);
}

int64_t modulo(int64_t at, int64_t n) { return (at % n + n) % n; }

namespace {

// Argument 1, an int, as a dimension of `rank`.
int64_t dim_of(const Call& call, int64_t rank) {
  const int64_t dim = call.scalar(1).to_int64();
  return dim < 0 ? dim + rank : dim;
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
  cat.out = [](Tensor& out, std::span<const Value> o) {
    cat_out(out, std::get<std::vector<Tensor>>(o[0]), std::get<Scalar>(o[1]).to_int64());
  };
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
  stack.out = [](Tensor& out, std::span<const Value> o) {
    stack_out(out, std::get<std::vector<Tensor>>(o[0]), std::get<Scalar>(o[1]).to_int64());
  };
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

// The arrays of a list with sizes changed by `f`.
std::vector<Array> resized(const Call& call, const std::function<Shape(const Shape&)>& f) {
  std::vector<Array> arrays = list_of_arrays(call);
  for (Array& array : arrays) array.sizes = f(array.sizes);
  return arrays;
}

Shape two_dims(const Shape& s) {
  return s.rank() == 0 ? Shape{1, 1} : s.rank() == 1 ? Shape{1, s[0]} : s;
}
Shape three_dims(const Shape& s) { return s.rank() < 3 ? two_dims(s) + Shape{1} : s; }

std::vector<ErrorRow> list_misuse(const char* op) {
  const std::string name(op);
  return {{"none", {std::vector<Array>{}}, name + ".*at least one"},
          {"one tensor", {blank({2})}, "argument 0 must be a list of tensors"},
          {"two lists", {std::vector{blank({2})}, std::vector{blank({2})}}, "at most 1 arguments"}};
}

void add_stacks(std::vector<SampleRow>& rows) {
  rows.push_back(list_row(
      "vstack",
      {{{{2, 3}, {3}, {1, 3}}, {}},
       {{{}, {}}, {}},
       {{{0, 2}, {2}}, {}},
       {{{2, 1, 2}, {1, 1, 2}}, {}}},
      [](const Call& call) { return std::vector{joined(resized(call, two_dims), 0)}; },
      joined_rows({{"sizes", {std::vector{blank({2, 3}), blank({2, 4})}}, "\\(2, 3\\).*\\(2, 4\\)"},
                   {"ranks", {std::vector{blank({2, 3}), blank({1, 2, 3})}}, "\\(1, 2, 3\\)"}},
                  list_misuse("vstack"))));
  rows.push_back(list_row(
      "hstack",
      {{{{2}, {3}, {}}, {}}, {{{2, 3}, {2, 1}}, {}}, {{{}, {}}, {}}, {{{2, 0, 2}, {2, 3, 2}}, {}}},
      [](const Call& call) {
        const auto arrays =
            resized(call, [](const Shape& s) { return s.rank() == 0 ? Shape{1} : s; });
        return std::vector{joined(arrays, arrays[0].sizes.rank() == 1 ? 0 : 1)};
      },
      joined_rows({{"sizes", {std::vector{blank({2, 3}), blank({3, 3})}}, "\\(2, 3\\).*\\(3, 3\\)"},
                   {"ranks", {std::vector{blank({2}), blank({2, 1})}}, "\\(2, 1\\)"}},
                  list_misuse("hstack"))));
  rows.push_back(list_row(
      "dstack",
      {{{{3}, {1, 3, 2}}, {}}, {{{2, 3}, {2, 3}}, {}}, {{{}, {}}, {}}, {{{0, 3}, {0, 3}}, {}}},
      [](const Call& call) { return std::vector{joined(resized(call, three_dims), 2)}; },
      joined_rows(
          {{"sizes", {std::vector{blank({2, 3}), blank({2, 4})}}, "\\(2, 3, 1\\).*\\(2, 4, 1\\)"},
           {"ranks", {std::vector{blank({2, 3}), blank({2, 3, 1, 1})}}, "\\(2, 3, 1, 1\\)"}},
          list_misuse("dstack"))));
  rows.push_back(list_row(
      "column_stack",
      {{{{3}, {3}}, {}}, {{{3, 2}, {3}}, {}}, {{{}, {}}, {}}, {{{2, 3, 2}, {2, 1, 2}}, {}}},
      [](const Call& call) {
        return std::vector{joined(resized(call,
                                          [](const Shape& s) {
                                            return s.rank() < 2 ? Shape{s.numel(), 1} : s;
                                          }),
                                  1)};
      },
      joined_rows({{"lengths", {std::vector{blank({3}), blank({2})}}, "\\(3, 1\\).*\\(2, 1\\)"},
                   {"ranks", {std::vector{blank({3}), blank({3, 1, 1})}}, "\\(3, 1, 1\\)"}},
                  list_misuse("column_stack"))));
}

Array block_diag(const Call& call) {
  const std::vector<Array> blocks = resized(call, two_dims);
  Shape sizes = {0, 0};
  for (const Array& block : blocks) sizes = {sizes[0] + block.sizes[0], sizes[1] + block.sizes[1]};
  Array out(sizes, blocks[0].dtype);
  int64_t row = 0, column = 0;
  for (const Array& block : blocks) {
    for_each(block.sizes, [&](const Shape& at, size_t i) {
      out.values[out.offset({row + at[0], column + at[1]})] = block.values[i];
    });
    row += block.sizes[0];
    column += block.sizes[1];
  }
  return out;
}

std::vector<Array> meshgrid(const Call& call) {
  const std::vector<Array>& axes = list_of_arrays(call);
  const bool swaps = call.scalar(1, 0).to_int64() == 1 && axes.size() > 1;
  Shape sizes;
  for (const Array& axis : axes) sizes.push_back(axis.sizes.numel());
  if (swaps) std::swap(sizes[0], sizes[1]);
  std::vector<Array> grids;
  for (size_t k = 0; k < axes.size(); ++k) {
    const size_t dim = swaps && k < 2 ? 1 - k : k;
    grids.emplace_back(sizes, axes[k].dtype);
    for_each(sizes, [&](const Shape& at, size_t i) {
      grids[k].values[i] = axes[k].values[static_cast<size_t>(at[static_cast<int64_t>(dim)])];
    });
  }
  return grids;
}

void add_grids(std::vector<SampleRow>& rows) {
  rows.push_back(list_row(
      "block_diag",
      {{{{2, 3}, {1, 2}, {3, 1}}, {}},
       {{{3}, {}, {2, 2}}, {}},
       {{{2, 2}}, {}},
       {{{0}, {2, 1}, {0, 2}}, {}}},
      [](const Call& call) { return std::vector{block_diag(call)}; },
      {{"rank",
        {std::vector{blank({2, 2}), blank({1, 2, 2})}},
        "block_diag.*2 dimensions.*\\(1, 2, 2\\)"},
       {"first rank", {std::vector{blank({1, 2, 2})}}, "block_diag.*2 dimensions"},
       {"one tensor", {blank({2, 2})}, "argument 0 must be a list of tensors"},
       {"number", {Scalar(1)}, "argument 0 must be a list of tensors"},
       {"two lists", {std::vector{blank({2})}, std::vector{blank({2})}}, "at most 1 arguments"}}));
  SampleRow mesh = list_row(
      "meshgrid",
      {{{{3}, {2}}, {}},
       {{{3}, {2}}, {Scalar(1)}},
       {{{3}, {2}, {4}}, {Scalar(1)}},
       {{{2}, {}, {2}}, {Scalar(0)}},
       {{{3}}, {Scalar(1)}},
       {{{0}, {2}}, {}}},
      meshgrid,
      {{"none", {std::vector<Array>{}}, "meshgrid.*at least one"},
       {"rank", {std::vector{blank({2}), blank({2, 2})}}, "meshgrid.*one dimension.*\\(2, 2\\)"},
       {"dtypes", {std::vector{blank({2}), blank({2}, kInt64)}}, "meshgrid.*float32 and int64"},
       {"indexing", {std::vector{blank({2}), blank({2})}, Scalar(2)}, "meshgrid.*xy.*2"},
       {"too many", {std::vector<Array>(9, blank({1}))}, "8"}});
  rows.push_back(std::move(mesh));
}

}  // namespace

void add_manipulation_samples(std::vector<SampleRow>& rows) {
  add_joins(rows);
  add_stacks(rows);
  add_grids(rows);
  add_repeat_samples(rows);
  add_interleave_samples(rows);
  add_order_samples(rows);
  add_image_layout_samples(rows);
}

}  // namespace tenon::ops_test
