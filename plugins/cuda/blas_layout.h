// How products of strided matrices are said to cuBLAS, whose matrices are column-major with one
// leading dimension. Arithmetic on sizes only: nothing here needs a GPU.
#ifndef TENON_PLUGINS_CUDA_BLAS_LAYOUT_H
#define TENON_PLUGINS_CUDA_BLAS_LAYOUT_H

#include <tenon/api/plugin.hpp>

#include <array>
#include <optional>

#include "device/base.h"

namespace tenon::cuda {

// Strides in elements; batch_stride leads to the next matrix.
struct StridedMatrix {
  int64_t rows = 0, columns = 0;
  int64_t row_stride = 0, column_stride = 0;
  int64_t batch_stride = 0;
};

// Column-major as it lies in memory; `transposed`: the product takes its transpose.
struct BlasMatrix {
  int64_t rows = 0, columns = 0, leading = 0;
  int64_t batch_stride = 0;
  bool transposed = false;

  bool operator==(const BlasMatrix&) const = default;
};

// D[m,n] = A[m,k] B[k,n], `batch` times. `swapped`: A is the caller's b, B its a, and D is out
// transposed; that is how a row-major result is made.
struct BlasProduct {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  BlasMatrix a, b, d;
  bool swapped = false;

  bool operator==(const BlasProduct&) const = default;
};

// out = a b, as the caller has them: one strided batch, and dimensions outside it to loop over.
struct StridedProduct {
  StridedMatrix out, a, b;
  int64_t batch = 1;
  int32_t outer_rank = 0;
  int64_t outer_count = 1;
  std::array<int64_t, kMaxRank> outer_shape{};
  std::array<std::array<int64_t, kMaxRank>, 3> outer_strides{};  // of out, a, b

  // Element offsets of out, a, b for one turn of the loop.
  [[nodiscard]] std::array<int64_t, 3> offsets(int64_t turn) const;
};

// The product over the last two dimensions of three tensors of one rank. Batches that lie like more
// rows (or columns) of one matrix become that.
StridedProduct strided_product(const tn_tensor& out, const tn_tensor& a, const tn_tensor& b);

// Which results may be asked for: a bias runs along D's rows, so that it needs a row-major `out`.
enum class Result { kAny, kRowMajor };

// Nothing where cuBLAS cannot address a matrix (no stride of 1, overlapping rows, sizes of 2^31) or
// there is nothing to multiply.
std::optional<BlasProduct> blas_product(const StridedProduct& p, Result result);

}  // namespace tenon::cuda

#endif
