// Views. Each row says which element of self every element of the result is.
#include "ops/view_samples.h"

#include <algorithm>
#include <utility>

namespace tenon::ops_test {

int64_t wrapped_dim(int64_t dim, int64_t rank) { return dim < 0 ? dim + rank : dim; }

Shape without(const Shape& sizes, int64_t dim) {
  return sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank());
}
Shape with(const Shape& sizes, int64_t dim, int64_t size) {
  return sizes.slice(0, dim) + Shape{size} + sizes.slice(dim, sizes.rank());
}

Array picked(const Array& self, const Shape& sizes,
             const std::function<Shape(const Shape&)>& source) {
  Array out(sizes, self.dtype);
  for_each(sizes, [&](const Shape& index, size_t i) {
    out.values[i] = self.values[self.offset(source(index))];
  });
  return out;
}

Array with_sizes(const Array& self, Shape sizes) {
  int64_t known = 1;
  for (const int64_t size : sizes) known *= size < 0 ? 1 : size;
  for (int64_t d = 0; d < sizes.rank(); ++d)
    if (sizes[d] < 0) sizes[d] = self.sizes.numel() / known;
  return {sizes, self.dtype, self.values};
}

Array sliced(const Array& self, int64_t dim, int64_t start, int64_t stop, int64_t step) {
  Shape sizes = self.sizes;
  const int64_t size = sizes[dim];
  const auto clamped = [size](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const int64_t from = clamped(start), to = std::max(from, clamped(stop));
  sizes[dim] = (to - from + step - 1) / step;
  return picked(self, sizes, [&](Shape index) {
    index[dim] = from + index[dim] * step;
    return index;
  });
}

Array expanded(const Array& self, const Shape& sizes) {
  Array out(sizes, self.dtype);
  for_each(sizes, [&](const Shape& index, size_t i) { out.values[i] = self.at(index); });
  return out;
}

Array transposed(const Array& self, int64_t a, int64_t b) {
  const auto swap = [a, b](Shape shape) {
    if (shape.rank() > 0) std::swap(shape[a], shape[b]);
    return shape;
  };
  return picked(self, swap(self.sizes), swap);
}

SampleRow view_list_row(const char* op, std::vector<Sample> samples,
                        std::function<std::vector<Array>(const Call&)> expect,
                        std::vector<ErrorRow> errors) {
  SampleRow row;
  row.op = op;
  row.dtypes = kKinds;
  row.calls = [samples = std::move(samples)](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Sample& sample : samples) {
      calls.push_back({{random.array(sample.self, dtype, -9, 9)}});
      for (const Argument& argument : sample.arguments) calls.back().arguments.push_back(argument);
    }
    return calls;
  };
  row.expect = std::move(expect);
  row.gradient = true;
  row.errors = std::move(errors);
  return row;
}

SampleRow view_row(const char* op, std::vector<Sample> samples,
                   std::function<Array(const Call&)> expect, std::vector<ErrorRow> errors) {
  return view_list_row(
      op, std::move(samples),
      [expect = std::move(expect)](const Call& call) { return std::vector<Array>{expect(call)}; },
      std::move(errors));
}

std::vector<ErrorRow> self_misuse(const std::vector<Argument>& others) {
  const auto with_self = [&](const Argument& self) {
    std::vector<Argument> arguments{self};
    arguments.insert(arguments.end(), others.begin(), others.end());
    return arguments;
  };
  std::vector<Argument> too_many = with_self(blank({2, 3}));
  too_many.resize(12, Scalar(0));
  return {{"undefined self", with_self(std::monostate()), "defined"},
          {"self is a number", with_self(Scalar(1)), "argument 0 must be a tensor"},
          {"too many arguments", too_many, "at most .* arguments"}};
}

std::vector<ErrorRow> joined_rows(std::vector<ErrorRow> rows, const std::vector<ErrorRow>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

namespace {

void add_reshapes(std::vector<SampleRow>& rows) {
  const std::vector<Sample> samples = {
      {{2, 6}, {Shape{3, 4}}},   {{2, 6}, {Shape{-1}}}, {{2, 3, 4}, {Shape{6, -1}}},
      {{}, {Shape{1, 1}}},       {{1}, {Shape{}}},      {{0, 3}, {Shape{3, 0}}},
      {{4, 1, 3}, {Shape{4, 3}}}};
  const auto expect = [](const Call& call) { return with_sizes(call.array(0), call.shape(1)); };
  rows.push_back(
      view_row("view", samples, expect,
               {{"count", {blank({2, 3}), Shape{4}}, "view.*\\(4\\)"},
                {"two unknown", {blank({2, 3}), Shape{-1, -1}}, "view.*-1"},
                {"does not divide", {blank({2, 3}), Shape{4, -1}}, "view.*\\(4, -1\\)"},
                {"below -1", {blank({2, 3}), Shape{-2, -3}}, "view.*>= 0 or -1"},
                {"unknown of nothing", {blank({0, 3}), Shape{0, -1}}, "view.*\\(0, -1\\)"},
                {"overflow", {blank({0}), Shape{int64_t{1} << 40, int64_t{1} << 40}}, "64 bits"},
                {"sizes are a number", {blank({2}), Scalar(2)}, "argument 1.*integers"}}));
  rows.back().layouts = kContiguous | kOffset;
  rows.push_back(
      view_row("reshape", samples, expect,
               {{"count", {blank({2, 3}), Shape{4}}, "reshape.*\\(4\\)"},
                {"two unknown", {blank({2, 3}), Shape{-1, -1}}, "reshape.*-1"},
                {"does not divide", {blank({2, 3}), Shape{4, -1}}, "reshape.*\\(4, -1\\)"},
                {"below -1", {blank({2, 3}), Shape{-2, -3}}, "reshape.*>= 0 or -1"},
                {"unknown of nothing", {blank({0, 3}), Shape{0, -1}}, "reshape.*\\(0, -1\\)"}}));
  rows.push_back(view_row(
      "flatten",
      {{{2, 3, 4}, {}},
       {{2, 3, 4}, {Scalar(1)}},
       {{2, 3, 4}, {Scalar(0), Scalar(1)}},
       {{2, 3, 4, 2}, {Scalar(1), Scalar(-2)}},
       {{}, {}},
       {{0, 3}, {}}},
      [](const Call& call) {
        const Shape sizes = call.array(0).sizes;
        if (sizes.rank() == 0) return with_sizes(call.array(0), {1});
        const int64_t from = wrapped_dim(call.scalar(1, 0).to_int64(), sizes.rank());
        const int64_t to = wrapped_dim(call.scalar(2, -1).to_int64(), sizes.rank());
        const int64_t middle = sizes.slice(from, to + 1).numel();
        return with_sizes(call.array(0),
                          sizes.slice(0, from) + Shape{middle} + sizes.slice(to + 1, sizes.rank()));
      },
      {{"order", {blank({2, 3}), Scalar(1), Scalar(0)}, "flatten.*start_dim"},
       {"start", {blank({2, 3}), Scalar(2)}, "flatten.*range.*2"},
       {"end", {blank({2, 3}), Scalar(0), Scalar(-3)}, "flatten.*range.*-3"},
       {"scalar", {blank({}), Scalar(1)}, "flatten.*range.*1"},
       {"undefined", {std::monostate()}, "defined"}}));
}

void add_permutations(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "t", {{{3, 5}, {}}, {{4}, {}}, {{}, {}}, {{0, 2}, {}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        return self.sizes.rank() < 2 ? self : transposed(self, 0, 1);
      },
      joined_rows({{"rank", {blank({2, 3, 4})}, "t: .*2 dimensions"},
                   {"rank 4", {blank({1, 1, 1, 1})}, "t: .*permute"}},
                  self_misuse({}))));
  rows.push_back(
      view_row("transpose",
               {{{3, 5}, {Scalar(0), Scalar(1)}},
                {{2, 3, 4}, {Scalar(0), Scalar(-1)}},
                {{2, 3, 4}, {Scalar(1), Scalar(1)}}},
               [](const Call& call) {
                 const Array& self = call.array(0);
                 return transposed(self, wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank()),
                                   wrapped_dim(call.scalar(2).to_int64(), self.sizes.rank()));
               },
               {{"second", {blank({2, 3}), Scalar(0), Scalar(2)}, "transpose.*range.*2"},
                {"first", {blank({2, 3}), Scalar(-3), Scalar(0)}, "transpose.*range.*-3"},
                {"scalar", {blank({}), Scalar(0), Scalar(1)}, "transpose.*range.*1"},
                {"undefined", {std::monostate(), Scalar(0), Scalar(1)}, "defined"},
                {"missing", {blank({2, 3}), Scalar(0)}, "argument 2 must be a number"}}));
  rows.push_back(view_row(
      "permute", {{{2, 3, 4}, {Shape{2, 0, 1}}}, {{2, 3, 4}, {Shape{-1, 1, 0}}}, {{3}, {Shape{0}}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const Shape dims = call.shape(1);
        Shape sizes = dims;
        for (int64_t d = 0; d < dims.rank(); ++d)
          sizes[d] = self.sizes[wrapped_dim(dims[d], dims.rank())];
        return picked(self, sizes, [&](const Shape& index) {
          Shape at = index;
          for (int64_t d = 0; d < dims.rank(); ++d)
            at[wrapped_dim(dims[d], dims.rank())] = index[d];
          return at;
        });
      },
      {{"count", {blank({2, 3}), Shape{0}}, "permute.*2 dimensions"},
       {"twice", {blank({2, 3}), Shape{0, 0}}, "(twice|more than once|duplicate)"},
       {"twice by sign", {blank({2, 3}), Shape{1, -1}}, "(twice|more than once|duplicate)"},
       {"dim", {blank({2, 3}), Shape{0, 2}}, "permute.*range.*2"},
       {"too many", {blank({2, 3}), Shape{0, 1, 2}}, "permute.*2 dimensions"},
       {"scalar", {blank({}), Shape{0}}, "permute.*0 dimensions"}}));
}

void add_parts(std::vector<SampleRow>& rows) {
  rows.push_back(
      view_row("select",
               {{{3, 5}, {Scalar(1), Scalar(2)}},
                {{3, 5}, {Scalar(0), Scalar(-1)}},
                {{4}, {Scalar(0), Scalar(0)}},
                {{2, 3, 4}, {Scalar(-2), Scalar(1)}}},
               [](const Call& call) {
                 const Array& self = call.array(0);
                 const int64_t dim = wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank());
                 const int64_t at = wrapped_dim(call.scalar(2).to_int64(), self.sizes[dim]);
                 return picked(self, without(self.sizes, dim),
                               [&](const Shape& i) { return with(i, dim, at); });
               },
               {{"index", {blank({2, 3}), Scalar(1), Scalar(3)}, "select.*index 3.*size 3"},
                {"scalar", {blank({}), Scalar(0), Scalar(0)}, "select.*0-dim"},
                {"index below", {blank({2, 3}), Scalar(0), Scalar(-3)}, "select.*index -3.*size 2"},
                {"empty", {blank({0, 3}), Scalar(0), Scalar(0)}, "select.*index 0.*size 0"},
                {"dim", {blank({2, 3}), Scalar(2), Scalar(0)}, "select.*range.*2"},
                {"undefined", {std::monostate(), Scalar(0), Scalar(0)}, "defined"}}));
  rows.push_back(view_row(
      "slice",
      {{{3, 5}, {Scalar(1), Scalar(1), Scalar(4)}},
       {{7}, {Scalar(0), Scalar(0), Scalar(7), Scalar(3)}},
       {{3, 5}, {Scalar(-1), Scalar(-3), Scalar(100)}},
       {{3, 5}, {Scalar(0), Scalar(2), Scalar(1)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        return sliced(self, wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank()),
                      call.scalar(2).to_int64(), call.scalar(3).to_int64(),
                      call.scalar(4, 1).to_int64());
      },
      {{"step", {blank({5}), Scalar(0), Scalar(0), Scalar(5), Scalar(0)}, "slice.*step.*0"},
       {"backwards", {blank({5}), Scalar(0), Scalar(5), Scalar(0), Scalar(-1)}, "slice.*step.*-1"},
       {"scalar", {blank({}), Scalar(0), Scalar(0), Scalar(1)}, "slice.*0-dim"},
       {"dim", {blank({5}), Scalar(1), Scalar(0), Scalar(1)}, "slice.*range.*1"},
       {"dim below", {blank({5}), Scalar(-2), Scalar(0), Scalar(1)}, "slice.*range.*-2"}}));
  rows.push_back(view_row(
      "narrow",
      {{{3, 5}, {Scalar(1), Scalar(1), Scalar(3)}},
       {{7}, {Scalar(0), Scalar(7), Scalar(0)}},
       {{3, 5}, {Scalar(0), Scalar(-2), Scalar(2)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t dim = wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank());
        const int64_t start = wrapped_dim(call.scalar(2).to_int64(), self.sizes[dim]);
        return sliced(self, dim, start, start + call.scalar(3).to_int64(), 1);
      },
      {{"length", {blank({5}), Scalar(0), Scalar(3), Scalar(3)}, "narrow.*3.*5"},
       {"start", {blank({5}), Scalar(0), Scalar(6), Scalar(0)}, "narrow.*start 6.*5"},
       {"start below", {blank({5}), Scalar(0), Scalar(-6), Scalar(1)}, "narrow.*size 5"},
       {"negative length", {blank({5}), Scalar(0), Scalar(2), Scalar(-1)}, "narrow.*length -1"},
       {"dim", {blank({5}), Scalar(1), Scalar(0), Scalar(1)}, "narrow.*range.*1"},
       {"scalar", {blank({}), Scalar(0), Scalar(0), Scalar(1)}, "narrow.*0-dim"}}));
}

void add_ones(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "squeeze",
      {{{1, 3, 1}, {}},
       {{1, 3, 1}, {Scalar(0)}},
       {{1, 3, 1}, {Scalar(1)}},
       {{1, 1}, {}},
       {{}, {}},
       {{1, 3, 1, 1}, {Shape{0, -1}}},
       {{1, 3, 1}, {Shape{0, 1}}},
       {{1, 3}, {Shape{}}},
       {{}, {Scalar(-1)}},
       {{0, 1}, {Scalar(1)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t rank = self.sizes.rank();
        Shape sizes;
        for (int64_t d = 0; d < rank; ++d) {
          bool asked = !call.has(1);
          if (call.has(1)) {
            const auto* one = std::get_if<Scalar>(&call.arguments[1]);
            for (const int64_t dim : one != nullptr ? Shape{one->to_int64()} : call.shape(1))
              asked = asked || wrapped_dim(dim, rank) == d;
          }
          if (self.sizes[d] != 1 || !asked) sizes.push_back(self.sizes[d]);
        }
        return Array(sizes, self.dtype, self.values);
      },
      {{"dim", {blank({2, 3}), Scalar(2)}, "squeeze.*range.*2"},
       {"dim below", {blank({2, 3}), Scalar(-3)}, "squeeze.*range.*-3"},
       {"scalar", {blank({}), Scalar(1)}, "squeeze.*range.*1"},
       {"one of several", {blank({1, 3}), Shape{0, 2}}, "squeeze.*range.*2"},
       {"twice", {blank({1, 3}), Shape{0, -2}}, "squeeze.*(twice|more than once|duplicate)"}}));
  rows.push_back(view_row(
      "unsqueeze",
      {{{3, 5}, {Scalar(0)}}, {{3, 5}, {Scalar(-1)}}, {{3, 5}, {Scalar(1)}}, {{}, {Scalar(0)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t dim = wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank() + 1);
        return Array(with(self.sizes, dim, 1), self.dtype, self.values);
      },
      {{"dim", {blank({2, 3}), Scalar(3)}, "unsqueeze.*range.*3"},
       {"dim below", {blank({2, 3}), Scalar(-4)}, "unsqueeze.*range.*-4"},
       {"scalar", {blank({}), Scalar(1)}, "unsqueeze.*range.*1"},
       {"rank", {blank({1, 1, 1, 1, 1, 1, 1, 1}), Scalar(0)}, "8"},
       {"undefined", {std::monostate(), Scalar(0)}, "defined"}}));
  rows.push_back(
      view_row("expand",
               {{{3, 1}, {Shape{3, 4}}},
                {{3}, {Shape{2, 3}}},
                {{}, {Shape{2, 2}}},
                {{1, 3}, {Shape{2, -1}}},
                {{1, 3}, {Shape{0, 3}}}},
               [](const Call& call) {
                 const Array& self = call.array(0);
                 Shape sizes = call.shape(1);
                 const int64_t lead = sizes.rank() - self.sizes.rank();
                 for (int64_t d = 0; d < sizes.rank(); ++d)
                   if (sizes[d] < 0) sizes[d] = self.sizes[d - lead];
                 return expanded(self, sizes);
               },
               {{"size", {blank({2, 3}), Shape{2, 4}}, "expand.*3.*4"},
                {"rank", {blank({2, 3}), Shape{3}}, "expand.*\\(3\\)"},
                {"unknown new size", {blank({3}), Shape{-1, 3}}, "expand.*-1.*new dimension 0"},
                {"negative", {blank({1, 3}), Shape{-2, 3}}, "expand.*-2|sizes"},
                {"to nothing", {blank({2, 3}), Shape{0, 3}}, "expand.*size 2.*0"},
                {"undefined", {std::monostate(), Shape{2}}, "defined"}}));
}

void add_others(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "as_strided",
      {{{12}, {Shape{2, 3}, Shape{4, 1}, Scalar(1)}},
       {{3, 4}, {Shape{5, 3}, Shape{1, 2}, Scalar(0)}},
       {{5}, {Shape{3, 2}, Shape{0, 1}, Scalar(2)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const Shape strides = call.shape(2);
        Array out(call.shape(1), self.dtype);
        for_each(out.sizes, [&](const Shape& index, size_t i) {
          int64_t at = call.scalar(3).to_int64();
          for (int64_t d = 0; d < index.rank(); ++d) at += index[d] * strides[d];
          out.values[i] = self.values[static_cast<size_t>(at)];
        });
        return out;
      },
      {{"outside",
        {blank({4}), Shape{100}, Shape{1}, Scalar(0)},
        "as_strided.*(outside|storage|memory|elements)"},
       {"negative stride",
        {blank({4}), Shape{2}, Shape{-1}, Scalar(3)},
        "as_strided.*(negative|-1)"},
       {"negative offset", {blank({4}), Shape{2}, Shape{1}, Scalar(-1)}, "as_strided.*-1"},
       {"negative size", {blank({4}), Shape{-2}, Shape{1}, Scalar(0)}, "sizes must be >= 0.*-2"},
       {"ranks", {blank({4}), Shape{2}, Shape{1, 1}, Scalar(0)}, "as_strided.*\\(2\\).*\\(1, 1\\)"},
       {"overflow", {blank({4}), Shape{3}, Shape{INT64_MAX}, Scalar(0)}, "as_strided"},
       {"undefined", {std::monostate(), Shape{2}, Shape{1}, Scalar(0)}, "defined"}}));
  rows.back().layouts = kContiguous;
  rows.push_back(view_row(
      "detach", {{{3, 5}, {}}, {{}, {}}}, [](const Call& call) { return call.array(0); },
      joined_rows({{"self is a list", {Shape{2}}, "argument 0 must be a tensor"},
                   {"second argument", {blank({2}), Scalar(0)}, "at most 1 arguments"}},
                  self_misuse({}))));
  rows.back().gradient = false;

  SampleRow unbind = view_row(
      "unbind", {{{3, 5}, {Scalar(0)}}, {{3, 5}, {Scalar(1)}}, {{2, 3, 4}, {Scalar(-2)}}}, nullptr,
      {{"scalar", {blank({}), Scalar(0)}, "unbind.*0-dim"},
       {"dim", {blank({2, 3}), Scalar(2)}, "unbind.*range.*2"},
       {"dim below", {blank({2, 3}), Scalar(-3)}, "unbind.*range.*-3"},
       {"undefined", {std::monostate(), Scalar(0)}, "defined"},
       {"missing", {blank({2})}, "argument 1 must be a number"}});
  unbind.expect = [](const Call& call) {
    const Array& self = call.array(0);
    const int64_t dim = wrapped_dim(call.scalar(1, 0).to_int64(), self.sizes.rank());
    std::vector<Array> parts;
    for (int64_t at = 0; at < self.sizes[dim]; ++at)
      parts.push_back(
          picked(self, without(self.sizes, dim), [&](const Shape& i) { return with(i, dim, at); }));
    return parts;
  };
  rows.push_back(std::move(unbind));
}

}  // namespace

void add_view_samples(std::vector<SampleRow>& rows) {
  add_reshapes(rows);
  add_permutations(rows);
  add_parts(rows);
  add_ones(rows);
  add_others(rows);
  add_view_part_samples(rows);
  add_view_shape_samples(rows);
}

}  // namespace tenon::ops_test
