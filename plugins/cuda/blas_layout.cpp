#include "blas_layout.h"

#include <algorithm>

#include "geometry.h"

namespace tenon::cuda {
namespace {

StridedMatrix last_two(const tn_tensor& t) {
  const uint32_t r = t.rank - 2;
  return {t.shape[r], t.shape[r + 1], t.strides[r], t.strides[r + 1], 0};
}

StridedMatrix transposed(const StridedMatrix& x) {
  return {x.columns, x.rows, x.column_stride, x.row_stride, x.batch_stride};
}

bool lies_by_column(const StridedMatrix& x) {
  return (x.row_stride == 1 || x.rows == 1) && (x.column_stride >= x.rows || x.columns == 1);
}

BlasMatrix by_column(const StridedMatrix& x) {
  const int64_t leading = x.columns == 1 ? x.rows : x.column_stride;
  return {x.rows, x.columns, std::max<int64_t>(leading, 1), x.batch_stride, false};
}

// A factor: as it is or its transpose. A vector that lies both ways is taken as one long column.
std::optional<BlasMatrix> factor(const StridedMatrix& x) {
  const StridedMatrix turned = transposed(x);
  const bool straight = lies_by_column(x), turns = lies_by_column(turned);
  if (!straight && !turns) return std::nullopt;
  if (straight && (!turns || x.rows >= x.columns)) return by_column(x);
  BlasMatrix out = by_column(turned);
  out.transposed = true;
  return out;
}

bool addressable(const StridedMatrix& x) { return factor(x).has_value(); }

bool within_limits(const BlasMatrix& x) {
  return x.rows < kSmall && x.columns < kSmall && x.leading < kSmall;
}

// x with `count` times its rows, the batches lying like further rows.
std::optional<StridedMatrix> more_rows(StridedMatrix x, int64_t count, int64_t batch_stride) {
  if (x.rows == 1) x.row_stride = batch_stride;
  if (batch_stride == 0 || batch_stride != x.rows * x.row_stride) return std::nullopt;
  x.rows *= count;
  if (!addressable(x)) return std::nullopt;
  return x;
}

// A dimension of the batch, with the strides of out, a, b.
struct Dimension {
  int64_t extent;
  std::array<int64_t, 3> strides;
};

// Makes the batches of a dimension further rows of out and a; b must be the same for all of them.
bool fold_rows(StridedMatrix& out, StridedMatrix& a, int64_t extent, int64_t out_stride,
               int64_t a_stride, int64_t b_stride) {
  if (b_stride != 0) return false;
  const auto taller_out = more_rows(out, extent, out_stride);
  const auto taller_a = more_rows(a, extent, a_stride);
  if (!taller_out || !taller_a) return false;
  out = *taller_out;
  a = *taller_a;
  return true;
}

bool fold(StridedProduct& p, const Dimension& d) {
  if (fold_rows(p.out, p.a, d.extent, d.strides[0], d.strides[1], d.strides[2])) return true;
  StridedMatrix out = transposed(p.out), b = transposed(p.b);
  if (!fold_rows(out, b, d.extent, d.strides[0], d.strides[2], d.strides[1])) return false;
  p.out = transposed(out);
  p.b = transposed(b);
  return true;
}

std::optional<BlasProduct> column_major(const StridedMatrix& out, const StridedMatrix& a,
                                        const StridedMatrix& b, int64_t batch) {
  const auto left = factor(a), right = factor(b);
  if (!left || !right || !lies_by_column(out)) return std::nullopt;
  BlasProduct product{out.rows, out.columns, a.columns, batch, *left, *right, by_column(out)};
  for (const BlasMatrix* x : {&product.a, &product.b, &product.d}) {
    if (!within_limits(*x)) return std::nullopt;
  }
  return product;
}

}  // namespace

std::array<int64_t, 3> StridedProduct::offsets(int64_t turn) const {
  std::array<int64_t, 3> sums{};
  for (int32_t d = outer_rank - 1; d >= 0; --d) {
    const auto dim = static_cast<size_t>(d);
    const int64_t above = turn / outer_shape[dim], index = turn - above * outer_shape[dim];
    for (size_t i = 0; i < 3; ++i) sums[i] += index * outer_strides[i][dim];
    turn = above;
  }
  return sums;
}

StridedProduct strided_product(const tn_tensor& out, const tn_tensor& a, const tn_tensor& b) {
  StridedProduct p;
  p.out = last_two(out);
  p.a = last_two(a);
  p.b = last_two(b);
  if (out.rank == 2) return p;
  const tn_tensor* all[] = {&out, &a, &b};
  const Space space = collapse(all, Order::kRowMajor, (1u << (out.rank - 2)) - 1);
  std::array<Dimension, kMaxRank> dims{};
  size_t used = 0;
  // Innermost first: what folds lies next to the rows.
  for (int32_t d = space.rank - 1; d >= 0; --d) {
    const auto dim = static_cast<size_t>(d);
    const Dimension next{space.shape[dim],
                         {space.strides[0][dim], space.strides[1][dim], space.strides[2][dim]}};
    if (next.extent != 1 && !fold(p, next)) dims[used++] = next;
  }
  if (used == 0) return p;
  const auto longest =
      std::max_element(dims.begin(), dims.begin() + static_cast<ptrdiff_t>(used),
                       [](const Dimension& x, const Dimension& y) { return x.extent < y.extent; });
  p.batch = longest->extent;
  p.out.batch_stride = longest->strides[0];
  p.a.batch_stride = longest->strides[1];
  p.b.batch_stride = longest->strides[2];
  for (size_t i = 0; i < used; ++i) {
    if (&dims[i] == &*longest) continue;
    const auto at = static_cast<size_t>(p.outer_rank++);
    p.outer_shape[at] = dims[i].extent;
    p.outer_count *= dims[i].extent;
    for (size_t k = 0; k < 3; ++k) p.outer_strides[k][at] = dims[i].strides[k];
  }
  return p;
}

std::optional<BlasProduct> blas_product(const StridedProduct& p, Result result) {
  if (p.out.rows * p.out.columns * p.a.columns * p.batch * p.outer_count == 0) return std::nullopt;
  const auto straight = [&] { return column_major(p.out, p.a, p.b, p.batch); };
  const auto swapped = [&] {
    auto product = column_major(transposed(p.out), transposed(p.b), transposed(p.a), p.batch);
    if (product) product->swapped = true;
    return product;
  };
  if (result == Result::kRowMajor) return swapped();
  // A result of one column is best said as m x 1.
  if (p.out.columns == 1) {
    auto product = straight();
    return product ? product : swapped();
  }
  auto product = swapped();
  return product ? product : straight();
}

}  // namespace tenon::cuda
