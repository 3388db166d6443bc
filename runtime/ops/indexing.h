// Reading and writing by index tensors. Basic indexing is Tensor::index and index_put_.
#pragma once

#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor gather(const Tensor& self, int64_t dim, const Tensor& index);  // out[i] = self[i with i_dim = index[i]]
TENON_API Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);  // self, source added at index
TENON_API Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
TENON_API Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index);  // slices along dim, in index order
TENON_API Tensor one_hot(const Tensor& self, int64_t classes);  // int64, 1 at the class

}  // namespace tenon
