// pad, repeat and tile.
#include <algorithm>
#include <cmath>

#include "ops/manipulation_samples.h"

namespace tenon::ops_test {
namespace {

// ---- pad ----

enum Mode : int64_t { kFill, kReflect, kReplicate, kCircular };

// Where position `at` of a dimension of n with a border comes from; -1: the value.
int64_t padded_source(int64_t at, int64_t n, int64_t before, int64_t after, int64_t mode) {
  const int64_t i = at - before;
  if (mode == kFill) return i >= 0 && i < n ? i : -1;
  if (mode == kReflect) return n - 1 - std::abs(n - 1 - std::abs(i));
  if (mode == kReplicate) return std::clamp<int64_t>(i, 0, n - 1);
  // What a negative border crops does not come around.
  const int64_t first = std::max<int64_t>(0, -before), last = n - std::max<int64_t>(0, -after);
  return first + modulo(i - first, last - first);
}

Array padded(const Call& call) {
  const Array& self = call.array(0);
  const Shape padding = call.shape(1);
  const int64_t mode = call.scalar(2, 0).to_int64(), rank = self.sizes.rank();
  const auto border = [&](int64_t d, int64_t side) {
    const int64_t at = 2 * (rank - 1 - d) + side;
    return at < padding.rank() ? padding[at] : 0;
  };
  Shape sizes = self.sizes;
  for (int64_t d = 0; d < rank; ++d) sizes[d] += border(d, 0) + border(d, 1);
  Array out(sizes, self.dtype);
  const double value = rounded(call.scalar(3, 0).to_double(), self.dtype);
  for_each(sizes, [&](const Shape& index, size_t i) {
    Shape at = index;
    bool inside = true;
    for (int64_t d = 0; d < rank; ++d) {
      at[d] = padded_source(index[d], self.sizes[d], border(d, 0), border(d, 1), mode);
      inside = inside && at[d] >= 0;
    }
    out.values[i] = inside ? self.values[self.offset(at)] : value;
  });
  return out;
}

void add_pad(std::vector<SampleRow>& rows) {
  const Scalar reflect(1), replicate(2), circular(3);
  rows.push_back(copy_row(
      "pad",
      {{{2, 3}, {Shape{1, 2}}},
       {{2, 3}, {Shape{1, 0, 0, 2}, Scalar(0), Scalar(3)}},
       {{2, 3}, {Shape{-1, 2, 1, -1}, Scalar(0), Scalar(1)}},
       {{2, 3, 2}, {Shape{0, 1, 2, 0, 1, 1}, std::monostate(), Scalar(2.5)}},
       {{3}, {Shape{-2, -1}}},
       {{0, 2}, {Shape{1, 1, 1, 1}, Scalar(0), Scalar(7)}},
       {{2, 3}, {Shape{}}},
       {{}, {Shape{}}},
       {{2, 5}, {Shape{2, 4}, reflect}},
       {{2, 5}, {Shape{-2, 3}, reflect}},
       {{2, 3, 4}, {Shape{3, 1, 0, 2}, reflect}},
       {{1, 2, 2, 3}, {Shape{1, 2, 1, 0, 1, 1}, reflect}},
       {{2, 3}, {Shape{2, 4}, replicate}},
       {{2, 3, 4}, {Shape{-1, 1, 2, 2}, replicate}},
       {{2, 3}, {Shape{0, 0}, replicate}},
       {{2, 3}, {Shape{3, 1}, circular}},
       {{2, 5}, {Shape{-2, 3}, circular}},
       {{2, 3, 4}, {Shape{1, 2, 3, 0}, circular}}},
      padded,
      joined_rows(
          {{"odd", {blank({2, 3}), Shape{1, 2, 3}}, "pad.*pairs.*3 numbers"},
           {"too long", {blank({3}), Shape{1, 1, 1, 1}}, "pad.*4 numbers"},
           {"crop", {blank({2, 3}), Shape{-2, -2}}, "pad.*crop more.*3"},
           {"crop and fill", {blank({2, 3}), Shape{-4, 6}}, "pad.*crop more.*3"},
           {"overflow", {blank({2, 3}), Shape{INT64_MAX, 1}}, "64 bits"},
           {"mode", {blank({2, 3}), Shape{1, 1}, Scalar(4)}, "pad.*mode.*4"},
           {"reflect too far",
            {blank({2, 3}), Shape{3, 0}, reflect},
            "pad.*border of 3.*3 elements"},
           {"circular too far",
            {blank({2, 3}), Shape{0, 4}, circular},
            "pad.*border of 4.*3 elements"},
           {"replicate nothing",
            {blank({2, 0}), Shape{0, 1}, replicate},
            "pad.*border of 1.*0 elements"},
           {"value", {blank({2, 3}), Shape{1, 1}, reflect, Scalar(1)}, "pad.*constant.*value.*1"},
           {"rank below", {blank({3}), Shape{1, 1}, reflect}, "pad.*last 1, 2 or 3"},
           {"rank above", {blank({2, 2, 2, 3}), Shape{1, 1}, circular}, "pad.*last 1, 2 or 3"},
           {"scalar", {blank({}), Shape{1, 1}}, "pad.*2 numbers"}},
          self_misuse({Shape{1, 1}}))));
}

// ---- repeats ----

Array repeated_by(const Array& self, const Shape& repeats) {
  Shape own;
  for (int64_t d = self.sizes.rank(); d < repeats.rank(); ++d) own.push_back(1);
  const Array wide(own + self.sizes, self.dtype, self.values);
  Shape sizes = wide.sizes;
  for (int64_t d = 0; d < sizes.rank(); ++d) sizes[d] *= repeats[d];
  return picked(wide, sizes, [&](const Shape& index) {
    Shape at = index;
    for (int64_t d = 0; d < at.rank(); ++d) at[d] %= wide.sizes[d];
    return at;
  });
}

void add_repeats(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "repeat",
      {{{2, 3}, {Shape{2, 1}}},
       {{2, 3}, {Shape{2, 3}}},
       {{3}, {Shape{2, 1, 2}}},
       {{}, {Shape{3}}},
       {{}, {Shape{}}},
       {{2, 1}, {Shape{1, 4}}},
       {{2, 3}, {Shape{0, 2}}},
       {{0, 3}, {Shape{2, 2}}},
       {{1, 2, 1, 2, 1, 2, 1, 1}, {Shape{1, 2, 1, 2, 3, 1, 1, 2}}}},
      [](const Call& call) { return repeated_by(call.array(0), call.shape(1)); },
      joined_rows({{"too few", {blank({2, 3}), Shape{2}}, "repeat.*\\(2\\).*tile"},
                   {"negative", {blank({2, 3}), Shape{2, -1}}, "repeat.*>= 0.*-1"},
                   {"number", {blank({2}), Scalar(2)}, "argument 1 must be a list"},
                   {"overflow", {blank({3}), Shape{INT64_MAX}}, "64 bits"}},
                  self_misuse({Shape{1, 1}}))));
  rows.push_back(copy_row(
      "tile",
      {{{2, 3}, {Shape{2}}},
       {{2, 3}, {Shape{2, 2}}},
       {{3}, {Shape{2, 1, 2}}},
       {{}, {Shape{2, 2}}},
       {{2, 3}, {Shape{}}},
       {{2}, {Shape{0}}}},
      [](const Call& call) {
        Shape repeats;
        for (int64_t d = call.shape(1).rank(); d < call.array(0).sizes.rank(); ++d)
          repeats.push_back(1);
        return repeated_by(call.array(0), repeats + call.shape(1));
      },
      joined_rows({{"negative", {blank({2, 3}), Shape{-2}}, "tile.*>= 0.*-2"},
                   {"number", {blank({2}), Scalar(2)}, "argument 1 must be a list"},
                   {"overflow", {blank({3}), Shape{INT64_MAX}}, "64 bits"}},
                  self_misuse({Shape{1}}))));
}

}  // namespace

void add_repeat_samples(std::vector<SampleRow>& rows) {
  add_pad(rows);
  add_repeats(rows);
}

}  // namespace tenon::ops_test
