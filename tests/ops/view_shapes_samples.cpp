// Views in other shapes: movedim, unflatten, broadcasting, atleast_nd and their like.
#include <algorithm>

#include "ops/view_samples.h"

namespace tenon::ops_test {
namespace {

Shape list_of(const Argument& argument) {
  const auto* one = std::get_if<Scalar>(&argument);
  return one != nullptr ? Shape{one->to_int64()} : std::get<Shape>(argument);
}

Array movedim(const Call& call) {
  const Array& self = call.array(0);
  const int64_t rank = self.sizes.rank();
  const Shape source = list_of(call.arguments[1]), destination = list_of(call.arguments[2]);
  std::vector<int64_t> order(static_cast<size_t>(rank), -1), rest;
  for (int64_t d = 0; d < rank; ++d) rest.push_back(d);
  for (int64_t i = 0; i < source.rank() && rank > 0; ++i) {
    order[static_cast<size_t>(wrapped_dim(destination[i], rank))] = wrapped_dim(source[i], rank);
    std::erase(rest, wrapped_dim(source[i], rank));
  }
  for (int64_t& from : order) {
    if (from >= 0) continue;
    from = rest.front();
    rest.erase(rest.begin());
  }
  Shape sizes = self.sizes;
  for (int64_t d = 0; d < rank; ++d) sizes[d] = self.sizes[order[static_cast<size_t>(d)]];
  return picked(self, sizes, [&](const Shape& index) {
    Shape at = index;
    for (int64_t d = 0; d < rank; ++d) at[order[static_cast<size_t>(d)]] = index[d];
    return at;
  });
}

void add_moves(std::vector<SampleRow>& rows) {
  for (const char* op : {"movedim", "moveaxis"})
    rows.push_back(view_row(
        op,
        {{{2, 3, 4}, {Scalar(0), Scalar(2)}},
         {{2, 3, 4}, {Scalar(-1), Scalar(0)}},
         {{2, 3, 4}, {Shape{0, 1}, Shape{2, 0}}},
         {{2, 3, 4, 2}, {Shape{3, 1}, Shape{0, -1}}},
         {{2, 3}, {Shape{}, Shape{}}},
         {{}, {Scalar(0), Scalar(-1)}},
         {{0, 3}, {Scalar(0), Scalar(1)}}},
        movedim,
        joined_rows({{"lengths", {blank({2, 3}), Shape{0, 1}, Shape{0}}, "movedim.*same length"},
                     {"source twice",
                      {blank({2, 3}), Shape{0, 0}, Shape{0, 1}},
                      "movedim.*(twice|more than once|duplicate)"},
                     {"destination twice",
                      {blank({2, 3}), Shape{0, 1}, Shape{1, -1}},
                      "movedim.*(twice|more than once|duplicate)"},
                     {"source", {blank({2, 3}), Scalar(2), Scalar(0)}, "movedim.*range.*2"},
                     {"destination", {blank({2, 3}), Scalar(0), Scalar(-3)}, "movedim.*range.*-3"},
                     {"scalar", {blank({}), Scalar(1), Scalar(0)}, "movedim.*range.*1"}},
                    self_misuse({Scalar(0), Scalar(0)}))));
  for (const char* op : {"swapaxes", "swapdims"})
    rows.push_back(view_row(
        op,
        {{{2, 3, 4}, {Scalar(0), Scalar(2)}},
         {{3, 5}, {Scalar(-1), Scalar(0)}},
         {{}, {Scalar(0), Scalar(-1)}}},
        [](const Call& call) {
          const int64_t rank = call.array(0).sizes.rank();
          return transposed(call.array(0), wrapped_dim(call.scalar(1).to_int64(), rank),
                            wrapped_dim(call.scalar(2).to_int64(), rank));
        },
        joined_rows({{"first", {blank({2, 3}), Scalar(2), Scalar(0)}, "transpose.*range.*2"},
                     {"second", {blank({2, 3}), Scalar(0), Scalar(-3)}, "transpose.*range.*-3"}},
                    self_misuse({Scalar(0), Scalar(0)}))));
}

void add_sizes(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "unflatten",
      {{{12, 2}, {Scalar(0), Shape{3, 4}}},
       {{2, 12}, {Scalar(-1), Shape{2, -1, 3}}},
       {{2, 1, 3}, {Scalar(1), Shape{1, 1}}},
       {{5}, {Scalar(0), Shape{-1}}},
       {{0, 4}, {Scalar(1), Shape{2, 2}}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t dim = wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank());
        Shape parts = call.shape(2);
        int64_t known = 1;
        for (const int64_t size : parts) known *= size < 0 ? 1 : size;
        for (int64_t d = 0; d < parts.rank(); ++d)
          if (parts[d] < 0) parts[d] = self.sizes[dim] / known;
        return with_sizes(
            self, self.sizes.slice(0, dim) + parts + self.sizes.slice(dim + 1, self.sizes.rank()));
      },
      joined_rows(
          {{"product", {blank({6}), Scalar(0), Shape{2, 2}}, "unflatten.*multiply up to 6"},
           {"does not divide",
            {blank({6}), Scalar(0), Shape{4, -1}},
            "unflatten.*multiply up to 6"},
           {"none", {blank({6}), Scalar(0), Shape{}}, "unflatten.*empty"},
           {"two unknown", {blank({6}), Scalar(0), Shape{-1, -1}}, "unflatten.*only one"},
           {"below -1", {blank({6}), Scalar(0), Shape{-2, -3}}, "unflatten.*>= 0"},
           {"dim", {blank({6}), Scalar(1), Shape{2, 3}}, "unflatten.*range.*1"},
           {"scalar", {blank({}), Scalar(0), Shape{1}}, "unflatten.*at least one dimension"}},
          self_misuse({Scalar(0), Shape{2, 1}}))));
  rows.push_back(view_row(
      "ravel", {{{2, 3}, {}}, {{}, {}}, {{0, 3}, {}}, {{4}, {}}},
      [](const Call& call) { return with_sizes(call.array(0), {call.array(0).sizes.numel()}); },
      joined_rows({{"self is a list", {Shape{2}}, "argument 0 must be a tensor"},
                   {"second argument", {blank({2}), Scalar(0)}, "at most 1 arguments"}},
                  self_misuse({}))));
  struct AtLeast {
    const char* op;
    std::function<Shape(const Shape&)> sizes;
  };
  const std::vector<AtLeast> kAtLeast = {
      {"atleast_1d", [](const Shape& s) { return s.rank() == 0 ? Shape{1} : s; }},
      {"atleast_2d",
       [](const Shape& s) {
         return s.rank() == 0 ? Shape{1, 1} : s.rank() == 1 ? Shape{1, s[0]} : s;
       }},
      {"atleast_3d", [](const Shape& s) {
         if (s.rank() == 0) return Shape{1, 1, 1};
         if (s.rank() == 1) return Shape{1, s[0], 1};
         return s.rank() == 2 ? Shape{s[0], s[1], 1} : s;
       }}};
  for (const AtLeast& one : kAtLeast)
    rows.push_back(view_row(
        one.op, {{{}, {}}, {{3}, {}}, {{2, 3}, {}}, {{2, 1, 3}, {}}, {{0}, {}}},
        [one](const Call& call) {
          return with_sizes(call.array(0), one.sizes(call.array(0).sizes));
        },
        joined_rows({{"self is a list", {Shape{2}}, "argument 0 must be a tensor"},
                     {"second argument", {blank({2}), Scalar(0)}, "at most 1 arguments"}},
                    self_misuse({}))));
}

void add_likes(std::vector<SampleRow>& rows) {
  const std::vector<ErrorRow> refused = {
      {"other undefined", {blank({2, 3}), std::monostate()}, "defined"},
      {"other is a number", {blank({2, 3}), Scalar(3)}, "argument 1 must be a tensor"}};
  rows.push_back(view_row(
      "expand_as",
      {{{3, 1}, {Array({2, 3, 4}, kInt64)}},
       {{}, {Array({2}, kBool)}},
       {{1, 3}, {Array({0, 3}, kInt64)}}},
      [](const Call& call) { return expanded(call.array(0), call.array(1).sizes); },
      joined_rows({{"size", {blank({2, 3}), blank({2, 4})}, "expand.*3.*4"},
                   {"rank", {blank({2, 3}), blank({3})}, "expand.*\\(3\\)"}},
                  joined_rows(refused, self_misuse({blank({2, 3})})))));
  for (const char* op : {"view_as", "reshape_as"}) {
    rows.push_back(view_row(
        op,
        {{{2, 6}, {Array({3, 4}, kInt64)}},
         {{}, {Array({1, 1}, kBool)}},
         {{0, 3}, {Array({2, 0}, kInt64)}}},
        [](const Call& call) { return with_sizes(call.array(0), call.array(1).sizes); },
        joined_rows({{"count", {blank({2, 3}), blank({4})}, "(view|reshape).*\\(4\\)"},
                     {"nothing", {blank({2, 3}), blank({0})}, "(view|reshape).*\\(0\\)"}},
                    joined_rows(refused, self_misuse({blank({2, 3})})))));
    if (op == std::string("view_as")) rows.back().layouts = kContiguous | kOffset;
  }
}

void add_broadcasts(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "broadcast_to",
      {{{3, 1}, {Shape{3, 4}}},
       {{3}, {Shape{2, 3}}},
       {{}, {Shape{2, 2}}},
       {{1, 3}, {Shape{0, 3}}},
       {{2}, {Shape{2}}}},
      [](const Call& call) { return expanded(call.array(0), call.shape(1)); },
      joined_rows({{"size", {blank({2, 3}), Shape{2, 4}}, "expand.*3.*4"},
                   {"rank", {blank({2, 3}), Shape{3}}, "expand.*\\(3\\)"},
                   {"unknown new size", {blank({3}), Shape{-1, 3}}, "expand.*-1.*new dimension 0"}},
                  self_misuse({Shape{2, 3}}))));
  SampleRow row;
  row.op = "broadcast_tensors";
  row.dtypes = kKinds;
  row.calls = [](DType dtype, Random& random) {
    const auto make = [&](const Shape& sizes) { return random.array(sizes, dtype, -9, 9); };
    return std::vector<Call>{{{std::vector{make({3, 1}), make({4})}}},
                             {{std::vector{make({}), make({2, 1, 2}), make({3, 1})}}},
                             {{std::vector{make({2, 3})}}},
                             {{std::vector{make({0, 3}), make({1, 1})}}}};
  };
  row.expect = [](const Call& call) {
    const auto& all = std::get<std::vector<Array>>(call.arguments[0]);
    Shape sizes;
    for (const Array& one : all) sizes = broadcast(sizes, one.sizes);
    std::vector<Array> results;
    for (const Array& one : all) results.push_back(expanded(one, sizes));
    return results;
  };
  row.gradient = true;
  row.errors = {
      {"sizes",
       {std::vector{blank({2, 3}), blank({2, 4})}},
       "broadcast_tensors.*\\(2, 3\\).*\\(2, 4\\)"},
      {"third", {std::vector{blank({2, 3}), blank({}), blank({2})}}, "broadcast_tensors.*\\(2\\)"},
      {"empty", {std::vector{blank({0}), blank({2})}}, "broadcast_tensors.*\\(0\\)"},
      {"one tensor", {blank({2})}, "argument 0 must be a list of tensors"},
      {"two lists", {std::vector{blank({2})}, std::vector{blank({2})}}, "at most 1 arguments"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_view_shape_samples(std::vector<SampleRow>& rows) {
  add_moves(rows);
  add_sizes(rows);
  add_likes(rows);
  add_broadcasts(rows);
}

}  // namespace tenon::ops_test
