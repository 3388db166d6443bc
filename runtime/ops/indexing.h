// Reading and writing by index tensors and masks. Tensor::index and Tensor::index_put_ take the
// whole language of index expressions (tensor.h).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

// How several sources that meet in one place are joined. Of kNone the last in row-major order stays.
enum class ScatterReduction : uint8_t { kNone, kSum, kProd, kMean, kAmax, kAmin };

// One tensor per dimension, from the first; an undefined one takes all of its dimension.
TENON_API Tensor index(const Tensor& self, std::span<const Tensor> indices);  // self[indices…]
TENON_API Tensor index_put(const Tensor& self, std::span<const Tensor> indices, const Operand& values, bool accumulate = false);  // a copy with values at indices
TENON_API Tensor& index_put_(Tensor& self, std::span<const Tensor> indices, const Operand& values, bool accumulate = false);

// Index tensors of self's rank.
TENON_API Tensor gather(const Tensor& self, int64_t dim, const Tensor& index);  // out[i] = self[i with i_dim = index[i]]
TENON_API Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<int64_t> dim = {});  // gather, broadcast outside dim
TENON_API Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source, ScatterReduction reduce = ScatterReduction::kNone);  // self with source at index
TENON_API Tensor& scatter_(Tensor& self, int64_t dim, const Tensor& index, const Operand& source, ScatterReduction reduce = ScatterReduction::kNone);
TENON_API Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);  // self, source added at index
TENON_API Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
TENON_API Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, ScatterReduction reduce, bool include_self = true);  // sources of one place joined
TENON_API Tensor& scatter_reduce_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, ScatterReduction reduce, bool include_self = true);

// Whole slices along a dimension; index is a vector.
TENON_API Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index);  // slices along dim, in index order
TENON_API Tensor& index_select_out(Tensor& out, const Tensor& self, int64_t dim, const Tensor& index);
TENON_API Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);  // self[index] += alpha·source
TENON_API Tensor& index_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
TENON_API Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);  // self[index] = source
TENON_API Tensor& index_copy_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
TENON_API Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value);  // self[index] = value
TENON_API Tensor& index_fill_(Tensor& self, int64_t dim, const Tensor& index, const Operand& value);

// self as one row of elements.
TENON_API Tensor take(const Tensor& self, const Tensor& index);  // self.flatten()[index]
TENON_API Tensor put(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate = false);  // source at index of the row
TENON_API Tensor& put_(Tensor& self, const Tensor& index, const Tensor& source, bool accumulate = false);

// Masks. What depends on how many elements are true waits for the device.
TENON_API Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value);  // mask ? value : self
TENON_API Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Operand& value);
TENON_API Tensor masked_select(const Tensor& self, const Tensor& mask);  // elements where mask, in a row
TENON_API Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);  // source's elements where mask, in order
TENON_API Tensor& masked_scatter_(Tensor& self, const Tensor& mask, const Tensor& source);
TENON_API Tensor nonzero(const Tensor& self);   // (n, rank) coordinates of what is not 0
TENON_API Tensor argwhere(const Tensor& self);  // the same
TENON_API std::vector<Tensor> where(const Tensor& condition);  // the columns of nonzero
TENON_API Tensor count_nonzero(const Tensor& self, const Shape& dims = {});  // int64; no dims means all

// Positions and counts of values.
TENON_API Tensor one_hot(const Tensor& self, int64_t classes);  // int64, 1 at the class
TENON_API Tensor bincount(const Tensor& self, const Tensor& weights = {}, int64_t minlength = 0);  // how often each integer occurs

}  // namespace tenon
