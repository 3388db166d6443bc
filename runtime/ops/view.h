// Views: other geometry, same memory. Also methods of Tensor.
#pragma once

#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor as_strided(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset);  // any geometry inside the storage
TENON_API Tensor view(const Tensor& self, const Shape& sizes);     // other sizes; one may be −1
TENON_API Tensor reshape(const Tensor& self, const Shape& sizes);  // view, or a copy where none exists
TENON_API Tensor flatten(const Tensor& self, int64_t start_dim = 0, int64_t end_dim = -1);  // merges dimensions
TENON_API Tensor t(const Tensor& self);                            // transpose of ≤ 2 dimensions
TENON_API Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1);  // swaps two dimensions
TENON_API Tensor permute(const Tensor& self, const Shape& dims);   // reorders dimensions
TENON_API Tensor select(const Tensor& self, int64_t dim, int64_t index);  // one position, dimension removed
TENON_API Tensor slice(const Tensor& self, int64_t dim, int64_t start, int64_t stop, int64_t step = 1);  // start:stop:step, clamped
TENON_API Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length);  // slice, not clamped
TENON_API Tensor squeeze(const Tensor& self);                      // drops all dimensions of 1
TENON_API Tensor squeeze(const Tensor& self, int64_t dim);         // drops dim if it is 1
TENON_API Tensor unsqueeze(const Tensor& self, int64_t dim);       // inserts a dimension of 1
TENON_API Tensor expand(const Tensor& self, const Shape& sizes);   // repeats dimensions of 1 by stride 0; −1 keeps
TENON_API std::vector<Tensor> unbind(const Tensor& self, int64_t dim = 0);  // every select along dim
TENON_API Tensor detach(const Tensor& self);                       // same memory, outside the graph

}  // namespace tenon
