// Views of parts: split, chunk, tensor_split, diagonal, unfold.
#include <algorithm>

#include "ops/view_samples.h"

namespace tenon::ops_test {
namespace {

// The parts of self along dim that end at these positions.
std::vector<Array> cut_at(const Array& self, int64_t dim, const std::vector<int64_t>& ends) {
  std::vector<Array> parts;
  int64_t begin = 0;
  for (const int64_t end : ends) {
    parts.push_back(sliced(self, dim, begin, end, 1));
    begin = end;
  }
  return parts;
}

int64_t dim_of(const Call& call) {
  return wrapped_dim(call.scalar(2, 0).to_int64(), call.array(0).sizes.rank());
}

std::vector<Array> split(const Call& call) {
  const int64_t dim = dim_of(call), extent = call.array(0).sizes[dim];
  std::vector<int64_t> ends;
  if (const auto* sizes = std::get_if<Shape>(&call.arguments[1])) {
    int64_t end = 0;
    for (const int64_t size : *sizes) ends.push_back(end += size);
  } else {
    const int64_t size = call.scalar(1).to_int64();
    for (int64_t end = size; end < extent; end += size) ends.push_back(end);
    ends.push_back(extent);
  }
  return cut_at(call.array(0), dim, ends);
}

std::vector<Array> chunk(const Call& call) {
  const int64_t dim = dim_of(call), extent = call.array(0).sizes[dim];
  const int64_t chunks = call.scalar(1).to_int64();
  if (extent == 0)
    return cut_at(call.array(0), dim, std::vector<int64_t>(static_cast<size_t>(chunks)));
  std::vector<int64_t> ends;
  for (int64_t i = 0; i < chunks && (ends.empty() || ends.back() < extent); ++i)
    ends.push_back(std::min(extent, (i + 1) * ((extent + chunks - 1) / chunks)));
  return cut_at(call.array(0), dim, ends);
}

std::vector<Array> tensor_split(const Call& call) {
  const int64_t dim = dim_of(call), extent = call.array(0).sizes[dim];
  const Array& self = call.array(0);
  std::vector<Array> parts;
  if (const auto* indices = std::get_if<Shape>(&call.arguments[1])) {
    int64_t begin = 0;
    for (const int64_t end : *indices) {
      parts.push_back(sliced(self, dim, begin, end, 1));
      begin = end;
    }
    parts.push_back(sliced(self, dim, begin, extent, 1));
    return parts;
  }
  const int64_t sections = call.scalar(1).to_int64();
  std::vector<int64_t> ends;
  int64_t end = 0;
  for (int64_t i = 0; i < sections; ++i)
    ends.push_back(end += extent / sections + (i < extent % sections ? 1 : 0));
  return cut_at(self, dim, ends);
}

void add_cuts(std::vector<SampleRow>& rows) {
  rows.push_back(view_list_row(
      "split",
      {{{7, 2}, {Scalar(3)}},
       {{3, 6}, {Scalar(2), Scalar(1)}},
       {{3, 6}, {Scalar(10), Scalar(-1)}},
       {{3, 6}, {Shape{1, 3, 2}, Scalar(1)}},
       {{4}, {Shape{0, 4, 0}}},
       {{0, 3}, {Scalar(0)}},
       {{0, 3}, {Scalar(2)}},
       {{0}, {Shape{}}}},
      split,
      joined_rows({{"no size", {blank({4}), Scalar(0)}, "split.*size 0.*size 4"},
                   {"negative size", {blank({4}), Scalar(-1)}, "split.*>= 0.*-1"},
                   {"sum", {blank({4}), Shape{1, 2}}, "split.*add up to 3.*4"},
                   {"negative part", {blank({4}), Shape{5, -1}}, "split.*>= 0.*-1"},
                   {"scalar", {blank({}), Scalar(1)}, "split.*at least one dimension"},
                   {"dim", {blank({2, 3}), Scalar(1), Scalar(2)}, "split.*range.*2"}},
                  self_misuse({Scalar(1)}))));
  rows.push_back(view_list_row(
      "chunk",
      {{{7, 2}, {Scalar(3)}},
       {{3, 6}, {Scalar(4), Scalar(1)}},
       {{3, 6}, {Scalar(10), Scalar(-1)}},
       {{5}, {Scalar(1)}},
       {{0, 3}, {Scalar(2)}}},
      chunk,
      joined_rows({{"none", {blank({4}), Scalar(0)}, "chunk.*at least one.*0"},
                   {"negative", {blank({4}), Scalar(-2)}, "chunk.*at least one.*-2"},
                   {"scalar", {blank({}), Scalar(1)}, "chunk.*at least one dimension"},
                   {"dim", {blank({2, 3}), Scalar(1), Scalar(-3)}, "chunk.*range.*-3"}},
                  self_misuse({Scalar(1)}))));
  rows.push_back(view_list_row(
      "tensor_split",
      {{{7, 2}, {Scalar(3)}},
       {{3, 2}, {Scalar(5), Scalar(-1)}},
       {{3, 6}, {Shape{1, 4}, Scalar(1)}},
       {{7}, {Shape{-3, 100}}},
       {{5}, {Shape{4, 2}}},
       {{5}, {Shape{}}},
       {{0, 3}, {Scalar(2)}}},
      tensor_split,
      joined_rows(
          {{"none", {blank({4}), Scalar(0)}, "tensor_split.*at least one.*0"},
           {"negative", {blank({4}), Scalar(-2)}, "tensor_split.*at least one.*-2"},
           {"scalar", {blank({}), Scalar(1)}, "tensor_split.*at least one dimension"},
           {"scalar at indices", {blank({}), Shape{1}}, "tensor_split.*at least one dimension"},
           {"dim", {blank({2, 3}), Scalar(1), Scalar(2)}, "tensor_split.*range.*2"}},
          self_misuse({Scalar(1)}))));
}

Array diagonal(const Call& call) {
  const Array& self = call.array(0);
  const int64_t rank = self.sizes.rank(), offset = call.scalar(1, 0).to_int64();
  const int64_t a = wrapped_dim(call.scalar(2, 0).to_int64(), rank);
  const int64_t b = wrapped_dim(call.scalar(3, 1).to_int64(), rank);
  int64_t length = 0;
  for (int64_t i = 0; i < self.sizes[a]; ++i)
    length += i + offset >= 0 && i + offset < self.sizes[b] ? 1 : 0;
  const Shape rest = without(without(self.sizes, std::max(a, b)), std::min(a, b));
  return picked(self, rest + Shape{length}, [&](const Shape& index) {
    const int64_t i = index.back() + std::max<int64_t>(0, -offset), j = i + offset;
    const Shape front = index.slice(0, index.rank() - 1);
    return a < b ? with(with(front, a, i), b, j) : with(with(front, b, j), a, i);
  });
}

Array unfold(const Call& call) {
  const Array& self = call.array(0);
  const int64_t size = call.scalar(2).to_int64(), step = call.scalar(3).to_int64();
  if (self.sizes.rank() == 0) return with_sizes(self, {size});
  const int64_t dim = wrapped_dim(call.scalar(1).to_int64(), self.sizes.rank());
  Shape sizes = self.sizes;
  sizes[dim] = (sizes[dim] - size) / step + 1;
  return picked(self, sizes + Shape{size}, [&](const Shape& index) {
    Shape at = index.slice(0, sizes.rank());
    at[dim] = at[dim] * step + index.back();
    return at;
  });
}

void add_windows(std::vector<SampleRow>& rows) {
  rows.push_back(view_row(
      "diagonal",
      {{{3, 5}, {}},
       {{3, 5}, {Scalar(2)}},
       {{4, 2}, {Scalar(-1)}},
       {{2, 3, 4}, {Scalar(1), Scalar(0), Scalar(2)}},
       {{2, 3, 4}, {Scalar(1), Scalar(2), Scalar(0)}},
       {{2, 3, 4}, {Scalar(-1), Scalar(-1), Scalar(-2)}},
       {{3, 3}, {Scalar(7)}},
       {{3, 3}, {Scalar(-3)}},
       {{0, 3}, {}}},
      diagonal,
      joined_rows({{"same",
                    {blank({2, 3}), Scalar(0), Scalar(1), Scalar(1)},
                    "diagonal.*different.*1 and 1"},
                   {"same by sign",
                    {blank({2, 3}), Scalar(0), Scalar(1), Scalar(-1)},
                    "diagonal.*different"},
                   {"rank", {blank({3})}, "diagonal.*range.*1"},
                   {"dim", {blank({2, 3}), Scalar(0), Scalar(0), Scalar(2)}, "diagonal.*range.*2"}},
                  self_misuse({}))));
  rows.push_back(view_row(
      "unfold",
      {{{7}, {Scalar(0), Scalar(3), Scalar(1)}},
       {{7}, {Scalar(0), Scalar(2), Scalar(3)}},
       {{2, 7}, {Scalar(-1), Scalar(3), Scalar(2)}},
       {{6, 2}, {Scalar(0), Scalar(3), Scalar(2)}},
       {{2, 5, 2}, {Scalar(1), Scalar(2), Scalar(2)}},
       {{5}, {Scalar(0), Scalar(5), Scalar(4)}},
       {{5}, {Scalar(0), Scalar(0), Scalar(2)}},
       {{}, {Scalar(0), Scalar(1), Scalar(1)}}},
      unfold,
      joined_rows(
          {{"size", {blank({4}), Scalar(0), Scalar(5), Scalar(1)}, "unfold.*size 5.*4"},
           {"negative size", {blank({4}), Scalar(0), Scalar(-1), Scalar(1)}, "unfold.*size -1"},
           {"step", {blank({4}), Scalar(0), Scalar(2), Scalar(0)}, "unfold.*step.*0"},
           {"dim", {blank({4}), Scalar(1), Scalar(2), Scalar(1)}, "unfold.*range.*1"},
           {"scalar", {blank({}), Scalar(0), Scalar(2), Scalar(1)}, "unfold.*size 2.*1"}},
          self_misuse({Scalar(0), Scalar(1), Scalar(1)}))));
}

}  // namespace

void add_view_part_samples(std::vector<SampleRow>& rows) {
  add_cuts(rows);
  add_windows(rows);
}

}  // namespace tenon::ops_test
