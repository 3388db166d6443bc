// pixel_shuffle, pixel_unshuffle, im2col and col2im.
#include <algorithm>
#include <cmath>

#include "ops/manipulation_samples.h"

namespace tenon::ops_test {
namespace {

// Index in (..., C*r*r, H, W) of what stands at an index of (..., C, H*r, W*r).
Shape shuffled_from(Shape at, int64_t r) {
  const int64_t rank = at.rank();
  const int64_t h = at[rank - 2], w = at[rank - 1];
  at[rank - 3] = (at[rank - 3] * r + h % r) * r + w % r;
  at[rank - 2] = h / r;
  at[rank - 1] = w / r;
  return at;
}

void add_pixels(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "pixel_shuffle",
      {{{1, 8, 2, 3}, {Scalar(2)}},
       {{9, 1, 2}, {Scalar(3)}},
       {{2, 2, 4, 1, 2}, {Scalar(2)}},
       {{2, 3, 2, 2}, {Scalar(1)}},
       {{0, 4, 2, 2}, {Scalar(2)}},
       {{1, 4, 0, 2}, {Scalar(2)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t r = call.scalar(1).to_int64(), rank = self.sizes.rank();
        Shape sizes = self.sizes;
        sizes[rank - 3] /= r * r;
        sizes[rank - 2] *= r;
        sizes[rank - 1] *= r;
        return picked(self, sizes, [&](const Shape& at) { return shuffled_from(at, r); });
      },
      joined_rows(
          {{"channels", {blank({1, 6, 2, 2}), Scalar(2)}, "pixel_shuffle.*multiple of 4.*6"},
           {"factor", {blank({1, 4, 2, 2}), Scalar(0)}, "pixel_shuffle.*at least 1.*0"},
           {"negative", {blank({1, 4, 2, 2}), Scalar(-2)}, "pixel_shuffle.*at least 1.*-2"},
           {"rank", {blank({4, 2}), Scalar(2)}, "pixel_shuffle.*3 dimensions"},
           {"overflow", {blank({4, 1, 1}), Scalar(INT64_MAX)}, "64 bits"}},
          self_misuse({Scalar(1)}))));
  rows.push_back(copy_row(
      "pixel_unshuffle",
      {{{1, 2, 4, 6}, {Scalar(2)}},
       {{1, 3, 6}, {Scalar(3)}},
       {{2, 2, 1, 2, 4}, {Scalar(2)}},
       {{2, 3, 2, 2}, {Scalar(1)}},
       {{0, 1, 2, 2}, {Scalar(2)}}},
      [](const Call& call) {
        const Array& self = call.array(0);
        const int64_t r = call.scalar(1).to_int64(), rank = self.sizes.rank();
        Shape sizes = self.sizes;
        sizes[rank - 3] *= r * r;
        sizes[rank - 2] /= r;
        sizes[rank - 1] /= r;
        Array out(sizes, self.dtype);
        for_each(self.sizes, [&](const Shape& at, size_t i) {
          out.values[out.offset(shuffled_from(at, r))] = self.values[i];
        });
        return out;
      },
      joined_rows({{"height",
                    {blank({1, 1, 3, 2}), Scalar(2)},
                    "pixel_unshuffle.*multiples of 2.*\\(1, 1, 3, 2\\)"},
                   {"width", {blank({1, 1, 2, 3}), Scalar(2)}, "pixel_unshuffle.*multiples of 2"},
                   {"factor", {blank({1, 4, 2, 2}), Scalar(0)}, "pixel_unshuffle.*at least 1.*0"},
                   {"rank", {blank({4, 2}), Scalar(2)}, "pixel_unshuffle.*3 dimensions"}},
                  self_misuse({Scalar(1)}))));
}

// ---- windows ----

// Arguments of im2col from position `at` on: kernel, dilation, padding, stride.
struct Windows {
  Shape kernel, dilation, padding, stride;
  Windows(const Call& call, size_t at)
      : kernel(both(call, at, 1)),
        dilation(both(call, at + 1, 1)),
        padding(both(call, at + 2, 0)),
        stride(both(call, at + 3, 1)) {}
  static Shape both(const Call& call, size_t i, int64_t fallback) {
    if (!call.has(i)) return {fallback, fallback};
    const Shape given = numbers_of(call, i);
    return given.rank() == 1 ? Shape{given[0], given[0]} : given;
  }
  [[nodiscard]] int64_t count(int64_t extent, int64_t d) const {
    return (extent + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
  }
};

// Calls f(n, row, column, channel, y, x) for every element of the columns; y and x may be outside.
template <class F>
void for_each_tap(const Shape& image, const Windows& w, F f) {  // image (N, C, H, W)
  const int64_t p = w.count(image[2], 0), q = w.count(image[3], 1);
  for_each({image[0], image[1], w.kernel[0], w.kernel[1], p, q}, [&](const Shape& at, size_t) {
    const int64_t row = (at[1] * w.kernel[0] + at[2]) * w.kernel[1] + at[3];
    f(at[0], row, at[4] * q + at[5], at[1],
      at[4] * w.stride[0] - w.padding[0] + at[2] * w.dilation[0],
      at[5] * w.stride[1] - w.padding[1] + at[3] * w.dilation[1]);
  });
}

Array im2col(const Call& call) {
  Array self = call.array(0);
  const Windows w(call, 1);
  const bool batched = self.sizes.rank() == 4;
  if (!batched) self.sizes = Shape{1} + self.sizes;
  const Shape image = self.sizes;
  Array out({image[0], image[1] * w.kernel.numel(), w.count(image[2], 0) * w.count(image[3], 1)},
            self.dtype);
  for_each_tap(
      image, w, [&](int64_t n, int64_t row, int64_t column, int64_t c, int64_t y, int64_t x) {
        if (y >= 0 && y < image[2] && x >= 0 && x < image[3])
          out.values[out.offset({n, row, column})] = self.values[self.offset({n, c, y, x})];
      });
  if (!batched) out.sizes = out.sizes.slice(1, 3);
  return out;
}

Array col2im(const Call& call) {
  Array self = call.array(0);
  const Shape size = Windows::both(call, 1, 1);
  const Windows w(call, 2);
  const bool batched = self.sizes.rank() == 3;
  if (!batched) self.sizes = Shape{1} + self.sizes;
  const Shape image = {self.sizes[0], self.sizes[1] / w.kernel.numel(), size[0], size[1]};
  Array out(image, self.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each_tap(image, w,
               [&](int64_t n, int64_t row, int64_t column, int64_t c, int64_t y, int64_t x) {
                 if (y < 0 || y >= image[2] || x < 0 || x >= image[3]) return;
                 const double value = self.values[self.offset({n, row, column})];
                 out.values[out.offset({n, c, y, x})] += value;
                 out.magnitudes[out.offset({n, c, y, x})] += 4 * std::fabs(value);
               });
  for (double& value : out.values)
    if (!is_floating_point(self.dtype)) value = wrapped(static_cast<int64_t>(value), self.dtype);
  if (!batched) out.sizes = out.sizes.slice(1, 4);
  return out;
}

void add_windows(std::vector<SampleRow>& rows) {
  rows.push_back(copy_row(
      "im2col",
      {{{2, 2, 4, 5}, {Shape{2, 3}}},
       {{1, 1, 4, 4}, {Scalar(3), Scalar(1), Scalar(1), Scalar(2)}},
       {{3, 4, 5}, {Shape{2, 2}, Shape{2, 1}, Shape{0, 2}, Shape{1, 3}}},
       {{1, 2, 3, 3}, {Scalar(3)}},
       {{0, 2, 3, 3}, {Scalar(2)}}},
      im2col,
      joined_rows({{"rank", {blank({3, 3}), Scalar(2)}, "im2col.*\\(N, C, H, W\\).*\\(3, 3\\)"},
                   {"kernel", {blank({1, 1, 3, 3}), Scalar(4)}, "im2col.*kernel covers 4.*3"},
                   {"no kernel", {blank({1, 1, 3, 3}), Shape{}}, "im2col.*kernel_size"},
                   {"stride",
                    {blank({1, 1, 3, 3}), Scalar(2), Scalar(1), Scalar(0), Scalar(0)},
                    "im2col.*at least 1"},
                   {"padding",
                    {blank({1, 1, 3, 3}), Scalar(2), Scalar(1), Scalar(-1)},
                    "im2col.*at least 0"},
                   {"three sizes",
                    {blank({1, 1, 3, 3}), Shape{2, 2, 2}},
                    "im2col.*kernel_size.*\\(2, 2, 2\\)"}},
                  {{"undefined", {std::monostate(), Scalar(2)}, "defined"}})));
  SampleRow row = copy_row(
      "col2im",
      {{{2, 12, 9}, {Shape{4, 5}, Shape{2, 3}}},
       {{1, 9, 4}, {Scalar(4), Scalar(3), Scalar(1), Scalar(1), Scalar(2)}},
       {{12, 6}, {Shape{4, 5}, Shape{2, 2}, Shape{2, 1}, Shape{1, 2}, Shape{2, 3}}},
       {{1, 18, 1}, {Scalar(3), Scalar(3)}},
       {{0, 4, 4}, {Scalar(3), Scalar(2)}}},
      col2im,
      joined_rows(
          {{"rank", {blank({4}), Scalar(3), Scalar(2)}, "col2im.*columns"},
           {"rows", {blank({1, 6, 4}), Scalar(3), Scalar(2)}, "col2im.*C\\*4.*\\(1, 6, 4\\)"},
           {"columns", {blank({1, 4, 5}), Scalar(3), Scalar(2)}, "col2im.*4\\) were expected"},
           {"kernel", {blank({1, 16, 1}), Scalar(3), Scalar(4)}, "col2im.*kernel covers 4.*3"},
           {"output", {blank({1, 4, 4}), Scalar(0), Scalar(2)}, "col2im.*output_size.*0"},
           {"none", {blank({1, 4, 4}), Shape{}, Scalar(2)}, "col2im.*output_size"},
           {"bool", {blank({1, 4, 4}, kBool), Scalar(3), Scalar(2)}, "col2im.*bool"}},
          {{"undefined", {std::monostate(), Scalar(3), Scalar(2)}, "defined"}}));
  row.dtypes = kNumbers;
  row.tolerance = Tolerance::kSum;
  rows.push_back(std::move(row));
}

}  // namespace

void add_image_layout_samples(std::vector<SampleRow>& rows) {
  add_pixels(rows);
  add_windows(rows);
}

}  // namespace tenon::ops_test
