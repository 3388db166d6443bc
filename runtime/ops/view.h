// Views: other geometry, same memory. Also methods of Tensor.
#pragma once

#include <initializer_list>
#include <span>
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
TENON_API Tensor squeeze(const Tensor& self, const Shape& dims);   // drops those of dims that are 1
TENON_API Tensor unsqueeze(const Tensor& self, int64_t dim);       // inserts a dimension of 1
TENON_API Tensor expand(const Tensor& self, const Shape& sizes);   // repeats dimensions of 1 by stride 0; −1 keeps
TENON_API std::vector<Tensor> unbind(const Tensor& self, int64_t dim = 0);  // every select along dim
TENON_API Tensor detach(const Tensor& self);                       // same memory, outside the graph

// ---- parts ----
TENON_API std::vector<Tensor> split(const Tensor& self, int64_t size, int64_t dim = 0);  // parts of `size` along dim, the last may be smaller
TENON_API std::vector<Tensor> split(const Tensor& self, std::span<const int64_t> sizes, int64_t dim = 0);  // parts of these sizes
inline std::vector<Tensor> split(const Tensor& self, std::initializer_list<int64_t> sizes, int64_t dim = 0) {
  return split(self, std::span(sizes.begin(), sizes.size()), dim);
}
TENON_API std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim = 0);  // at most so many parts of one size
TENON_API std::vector<Tensor> tensor_split(const Tensor& self, int64_t sections, int64_t dim = 0);  // exactly so many parts
TENON_API std::vector<Tensor> tensor_split(const Tensor& self, std::span<const int64_t> indices, int64_t dim = 0);  // parts between these positions
inline std::vector<Tensor> tensor_split(const Tensor& self, std::initializer_list<int64_t> indices, int64_t dim = 0) {
  return tensor_split(self, std::span(indices.begin(), indices.size()), dim);
}
TENON_API Tensor diagonal(const Tensor& self, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);  // its diagonals as a last dimension
TENON_API Tensor unfold(const Tensor& self, int64_t dim, int64_t size, int64_t step);  // sliding windows of dim as a last dimension

// ---- other shapes ----
TENON_API Tensor movedim(const Tensor& self, int64_t source, int64_t destination);  // one dimension goes elsewhere
TENON_API Tensor movedim(const Tensor& self, const Shape& source, const Shape& destination);
TENON_API Tensor moveaxis(const Tensor& self, int64_t source, int64_t destination);  // movedim
TENON_API Tensor moveaxis(const Tensor& self, const Shape& source, const Shape& destination);
TENON_API Tensor swapaxes(const Tensor& self, int64_t axis0, int64_t axis1);  // transpose
TENON_API Tensor swapdims(const Tensor& self, int64_t dim0, int64_t dim1);    // transpose
TENON_API Tensor unflatten(const Tensor& self, int64_t dim, const Shape& sizes);  // cuts one dimension into several
TENON_API Tensor ravel(const Tensor& self);                                  // one dimension
TENON_API Tensor broadcast_to(const Tensor& self, const Shape& sizes);       // expand
TENON_API std::vector<Tensor> broadcast_tensors(std::span<const Tensor> tensors);  // all expanded to one shape
TENON_API Tensor expand_as(const Tensor& self, const Tensor& other);         // expand to other's sizes
TENON_API Tensor view_as(const Tensor& self, const Tensor& other);           // view of other's sizes
TENON_API Tensor reshape_as(const Tensor& self, const Tensor& other);        // reshape to other's sizes
TENON_API Tensor atleast_1d(const Tensor& self);                             // with leading dimensions of 1
TENON_API Tensor atleast_2d(const Tensor& self);
TENON_API Tensor atleast_3d(const Tensor& self);                             // (n) becomes (1, n, 1), (m, n) becomes (m, n, 1)

// ---- in place: self itself gets the other geometry; refused on leaves that require grad ----
TENON_API Tensor& transpose_(Tensor& self, int64_t dim0, int64_t dim1);
TENON_API Tensor& squeeze_(Tensor& self);
TENON_API Tensor& squeeze_(Tensor& self, int64_t dim);
TENON_API Tensor& unsqueeze_(Tensor& self, int64_t dim);

}  // namespace tenon
