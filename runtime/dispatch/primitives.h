// The required entries of the ABI as functions on tensors. No promotion, no broadcasting, no
// recording: callers (op compositions) made shapes and dtypes right. All operands are on one
// device.
#pragma once

#include <tenon/runtime/dispatch/operator.h>

namespace tenon::primitive {

// out[…] = value. Any dtype.
TENON_API void fill(const Tensor& out, Scalar value);
// out = in, strided, with cast; same shape. Both on one device.
TENON_API void copy(const Tensor& out, const Tensor& in);
// kind TN_REDUCE_*; out has the sizes of in, with 1 in the dims of the mask or without those dims.
// An in without dimensions counts as a vector of one.
TENON_API void reduce(const Tensor& out, const Tensor& in, uint32_t kind, uint32_t dims);
// out[B…,m,n] = a[B…,m,k]·b[B…,k,n]; batch dims equal (expand first).
TENON_API void matmul(const Tensor& out, const Tensor& a, const Tensor& b);
TENON_API void gather(const Tensor& out, const Tensor& in, const Tensor& index, int64_t dim);
// mode TN_SCATTER_SET or TN_SCATTER_ADD, into out.
TENON_API void scatter(const Tensor& out, const Tensor& index, const Tensor& source, int64_t dim,
                       uint32_t mode);
// Inclusive running total along dim; kind TN_SCAN_SUM or TN_SCAN_PROD. Rank ≥ 1, not bool.
TENON_API void scan(const Tensor& out, const Tensor& in, int64_t dim, uint32_t kind);
// Stable, along dim; indices are int64. NaN is greater than every number. Rank ≥ 1.
TENON_API void sort(const Tensor& values, const Tensor& indices, const Tensor& in, int64_t dim,
                    bool descending);
// Number of elements that are not 0; waits for the device.
[[nodiscard]] TENON_API int64_t nonzero_count(const Tensor& in);
// out[n, rank] = int64 coordinates of the n elements that are not 0, in row-major order.
TENON_API void nonzero(const Tensor& out, const Tensor& in);
// kind TN_RANDOM_BITS (int64) or TN_RANDOM_UNIFORM (float32).
TENON_API void random(const Tensor& out, uint32_t kind, uint64_t seed, uint64_t offset);

}  // namespace tenon::primitive
