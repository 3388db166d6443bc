// flip, roll, rot90, triangles and diagonals.
#include <algorithm>

#include <tenon/runtime/ops/manipulation.h>

#include "ops/manipulation_samples.h"

namespace tenon::ops_test {
namespace {

Array flipped(const Array& self, const Shape& dims) {
  return picked(self, self.sizes, [&](const Shape& index) {
    Shape at = index;
    for (const int64_t dim : dims) {
      const int64_t d = wrapped_dim(dim, at.rank());
      if (at.rank() > 0) at[d] = self.sizes[d] - 1 - at[d];
    }
    return at;
  });
}

void add_flips(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "flip",
      {{{2, 3}, {Shape{0}}},
       {{2, 3}, {Scalar(-1)}},
       {{2, 3, 4}, {Shape{2, 0}}},
       {{2, 3}, {Shape{0, 1}}},
       {{2, 3}, {Shape{}}},
       {{}, {Shape{0}}},
       {{0, 3}, {Shape{0, 1}}},
       {{1, 2}, {Shape{0}}}},
      [](const Call& call) { return flipped(call.array(0), numbers_of(call, 1)); },
      joined_rows({{"dim", {blank({2, 3}), Shape{2}}, "flip.*range.*2"},
                   {"dim below", {blank({2, 3}), Shape{0, -3}}, "flip.*range.*-3"},
                   {"twice", {blank({2, 3}), Shape{0, 0}}, "flip.*twice"},
                   {"twice by sign", {blank({2, 3}), Shape{1, -1}}, "flip.*twice"},
                   {"scalar", {blank({}), Shape{1}}, "flip.*range.*1"}},
                  {{"undefined", {std::monostate(), Shape{0}}, "defined"}})));
  rows.push_back(copy_row(
      "fliplr", {{{2, 3}, {}}, {{2, 3, 2}, {}}, {{0, 3}, {}}, {{2, 0}, {}}},
      [](const Call& call) { return flipped(call.array(0), {1}); },
      joined_rows({{"vector", {blank({3})}, "fliplr.*2 dimensions.*\\(3\\)"},
                   {"scalar", {blank({})}, "fliplr.*2 dimensions"}},
                  self_misuse({}))));
  rows.push_back(copy_row(
      "flipud", {{{2, 3}, {}}, {{3}, {}}, {{0, 3}, {}}, {{2, 0}, {}}},
      [](const Call& call) { return flipped(call.array(0), {0}); },
      joined_rows({{"scalar", {blank({})}, "flipud.*1 dimension"},
                   {"second argument", {blank({2}), Scalar(0)}, "at most 1 arguments"}},
                  self_misuse({}))));
}

Array rolled(const Array& self, int64_t shift, int64_t dim) {
  return picked(self, self.sizes, [&](Shape index) {
    index[dim] = modulo(index[dim] - shift % self.sizes[dim], self.sizes[dim]);
    return index;
  });
}

Array roll(const Call& call) {
  Array self = call.array(0);
  const Shape shifts = numbers_of(call, 1);
  if (!call.has(2)) {
    const Shape sizes = self.sizes;
    self.sizes = {sizes.numel()};
    self = rolled(self, shifts[0], 0);
    self.sizes = sizes;
    return self;
  }
  const Shape dims = numbers_of(call, 2);
  for (int64_t i = 0; i < dims.rank(); ++i)
    self = rolled(self, shifts[i], wrapped_dim(dims[i], self.sizes.rank()));
  return self;
}

// k quarter turns by the definition of one.
Array rotated(const Call& call) {
  Array self = call.array(0);
  const Shape dims = call.shape(2, {0, 1});
  const int64_t a = wrapped_dim(dims[0], self.sizes.rank()),
                b = wrapped_dim(dims[1], self.sizes.rank());
  for (int64_t turn = 0; turn < modulo(call.scalar(1, 1).to_int64(), 4); ++turn) {
    Shape sizes = self.sizes;
    std::swap(sizes[a], sizes[b]);
    self = picked(self, sizes, [&](const Shape& index) {
      Shape at = index;
      at[a] = index[b];
      at[b] = self.sizes[b] - 1 - index[a];
      return at;
    });
  }
  return self;
}

void add_turns(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "roll",
      {{{5}, {Scalar(2), Scalar(0)}},
       {{2, 3}, {Scalar(1)}},
       {{2, 3}, {Shape{-1, 4}, Shape{0, 1}}},
       {{2, 3}, {Shape{1, 1}, Shape{-1, -1}}},
       {{3}, {Scalar(6), Scalar(0)}},
       {{}, {Scalar(1)}},
       {{0, 3}, {Scalar(1), Scalar(0)}},
       {{0, 3}, {Scalar(1)}}},
      roll,
      joined_rows({{"none", {blank({3}), Shape{}}, "roll.*at least one shift"},
                   {"counts", {blank({2, 3}), Shape{1, 2}, Shape{0}}, "roll.*as many shifts"},
                   {"no dims", {blank({2, 3}), Shape{1, 2}}, "roll.*as many shifts"},
                   {"dim", {blank({3}), Scalar(1), Scalar(1)}, "roll.*range.*1"},
                   {"scalar", {blank({}), Scalar(1), Scalar(0)}, "roll.*0-dim"}},
                  {{"undefined", {std::monostate(), Scalar(1)}, "defined"}})));
  rows.push_back(copy_row(
      "rot90",
      {{{2, 3}, {}},
       {{2, 3}, {Scalar(2)}},
       {{2, 3}, {Scalar(-1)}},
       {{2, 3}, {Scalar(4)}},
       {{2, 3, 4}, {Scalar(1), Shape{1, 2}}},
       {{2, 3, 4}, {Scalar(3), Shape{-1, 0}}},
       {{0, 3}, {Scalar(1)}}},
      rotated,
      joined_rows({{"one dim", {blank({2, 3}), Scalar(1), Shape{0}}, "rot90.*two dims"},
                   {"three dims", {blank({2, 3}), Scalar(1), Shape{0, 1, 0}}, "rot90.*two dims"},
                   {"same", {blank({2, 3}), Scalar(1), Shape{1, -1}}, "rot90.*different"},
                   {"dim", {blank({2, 3}), Scalar(1), Shape{0, 2}}, "rot90.*range.*2"},
                   {"vector", {blank({3})}, "rot90.*2 dimensions"}},
                  self_misuse({Scalar(1)}))));
}

int64_t diagonal_of(std::span<const Value> others) {
  return others.empty() ? 0 : std::get<Scalar>(others[0]).to_int64();
}

void add_triangles(std::vector<SampleRow>& rows) {
  for (const bool lower : {true, false}) {
    const char* op = lower ? "tril" : "triu";
    const std::string name(op);
    rows.push_back(copy_row(
        op,
        {{{3, 4}, {}},
         {{4, 3}, {Scalar(1)}},
         {{3, 3}, {Scalar(-1)}},
         {{2, 3, 2}, {Scalar(-2)}},
         {{2, 2}, {Scalar(9)}},
         {{2, 2}, {Scalar(-9)}},
         {{0, 3}, {}},
         {{2, 0}, {}}},
        [lower](const Call& call) {
          Array out = call.array(0);
          const int64_t k = call.scalar(1, 0).to_int64();
          for_each(out.sizes, [&](const Shape& index, size_t i) {
            const int64_t distance = index.back() - index[index.rank() - 2];
            if (lower ? distance > k : distance < k) out.values[i] = 0;
          });
          return out;
        },
        joined_rows({{"vector", {blank({3})}, name + ".*2 dimensions.*\\(3\\)"},
                     {"scalar", {blank({})}, name + ".*2 dimensions"}},
                    self_misuse({}))));
    rows.back().in_place = [lower](Tensor& self, std::span<const Value> o) {
      lower ? tril_(self, diagonal_of(o)) : triu_(self, diagonal_of(o));
    };
    rows.back().out = [lower](Tensor& out, std::span<const Value> o) {
      const Tensor& self = std::get<Tensor>(o[0]);
      lower ? tril_out(out, self, diagonal_of(o.subspan(1)))
            : triu_out(out, self, diagonal_of(o.subspan(1)));
    };
  }
}

// Rows of the last dimension as diagonals of the plane (a, b), a and b in [0, rank].
Array on_diagonal(const Array& self, int64_t offset, int64_t a, int64_t b) {
  const int64_t n = self.sizes.back() + std::abs(offset), rank = self.sizes.rank() + 1;
  Shape sizes = self.sizes.slice(0, rank - 2);
  sizes = with(with(sizes, std::min(a, b), n), std::max(a, b), n);
  Array out(sizes, self.dtype);
  for_each(sizes, [&](const Shape& index, size_t i) {
    if (index[b] - index[a] != offset) return;
    const Shape rest = without(without(index, std::max(a, b)), std::min(a, b));
    out.values[i] = self.values[self.offset(rest + Shape{std::min(index[a], index[b])})];
  });
  return out;
}

Array diag(const Call& call) {
  const Array& self = call.array(0);
  const int64_t k = call.scalar(1, 0).to_int64();
  if (self.sizes.rank() == 1) return on_diagonal(self, k, 0, 1);
  std::vector<double> values;
  for (int64_t i = 0; i < self.sizes[0]; ++i)
    if (i + k >= 0 && i + k < self.sizes[1]) values.push_back(self.values[self.offset({i, i + k})]);
  return {{static_cast<int64_t>(values.size())}, self.dtype, values};
}

void add_diagonals(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "diag",
      {{{3}, {}},
       {{3}, {Scalar(2)}},
       {{2}, {Scalar(-1)}},
       {{3, 4}, {}},
       {{3, 4}, {Scalar(2)}},
       {{3, 4}, {Scalar(-5)}},
       {{0}, {}},
       {{0}, {Scalar(1)}},
       {{0, 3}, {}}},
      diag,
      joined_rows({{"scalar", {blank({})}, "diag: a vector or a matrix"},
                   {"rank", {blank({2, 2, 2})}, "diag: a vector or a matrix.*\\(2, 2, 2\\)"}},
                  self_misuse({}))));
  rows.push_back(copy_row(
      "diag_embed",
      {{{3}, {}},
       {{2, 3}, {Scalar(1)}},
       {{2, 3}, {Scalar(-1)}},
       {{2, 3}, {Scalar(0), Scalar(0), Scalar(2)}},
       {{2, 3}, {Scalar(1), Scalar(2), Scalar(0)}},
       {{2, 0}, {}},
       {{0, 2}, {Scalar(1)}}},
      [](const Call& call) {
        const int64_t rank = call.array(0).sizes.rank() + 1;
        return on_diagonal(call.array(0), call.scalar(1, 0).to_int64(),
                           wrapped_dim(call.scalar(2, -2).to_int64(), rank),
                           wrapped_dim(call.scalar(3, -1).to_int64(), rank));
      },
      joined_rows(
          {{"scalar", {blank({})}, "diag_embed.*1 dimension"},
           {"same",
            {blank({2, 3}), Scalar(0), Scalar(1), Scalar(1)},
            "diag_embed.*different.*1 and 1"},
           {"dim", {blank({2, 3}), Scalar(0), Scalar(0), Scalar(3)}, "diag_embed.*range.*3"},
           {"overflow", {blank({3}), Scalar(INT64_MAX)}, "64 bits"},
           {"least offset", {blank({3}), Scalar(INT64_MIN)}, "64 bits"}},
          self_misuse({}))));
}

}  // namespace

void add_order_samples(std::vector<SampleRow>& rows) {
  add_flips(rows);
  add_turns(rows);
  add_triangles(rows);
  add_diagonals(rows);
}

}  // namespace tenon::ops_test
