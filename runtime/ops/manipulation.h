// Joining, cutting, repeating and reordering elements.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// ---- joining ----
TENON_API Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);  // joins along dim
TENON_API Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);  // joins along a new dim
TENON_API Tensor& cat_out(Tensor& out, std::span<const Tensor> tensors, int64_t dim = 0);
TENON_API Tensor& stack_out(Tensor& out, std::span<const Tensor> tensors, int64_t dim = 0);
TENON_API Tensor vstack(std::span<const Tensor> tensors);  // joins rows
TENON_API Tensor hstack(std::span<const Tensor> tensors);  // joins columns
TENON_API Tensor dstack(std::span<const Tensor> tensors);  // joins along the third dimension
TENON_API Tensor column_stack(std::span<const Tensor> tensors);  // vectors as columns, side by side
TENON_API Tensor block_diag(std::span<const Tensor> tensors);  // matrices along the diagonal, zeros elsewhere
enum class MeshIndexing : uint8_t { kIj, kXy };
TENON_API std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, MeshIndexing indexing = MeshIndexing::kIj);  // coordinates of a grid

// ---- borders and repetition ----
enum class PadMode : uint8_t { kConstant, kReflect, kReplicate, kCircular };
// padding: (before, after) of the last dimension, then of the one before it, ...; negative crops.
TENON_API Tensor pad(const Tensor& self, std::span<const int64_t> padding, PadMode mode = PadMode::kConstant, Scalar value = 0);
inline Tensor pad(const Tensor& self, std::initializer_list<int64_t> padding,
                  PadMode mode = PadMode::kConstant, Scalar value = 0) {
  return pad(self, std::span(padding.begin(), padding.size()), mode, value);
}
TENON_API Tensor repeat(const Tensor& self, const Shape& repeats);  // repeats[d] copies along every dimension
TENON_API Tensor tile(const Tensor& self, const Shape& dims);  // repeat; missing leading numbers are 1
TENON_API Tensor repeat_interleave(const Tensor& self, int64_t repeats, std::optional<int64_t> dim = {});  // every element so many times
TENON_API Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<int64_t> dim = {});  // element i repeats[i] times

// ---- order ----
TENON_API Tensor flip(const Tensor& self, const Shape& dims);  // backwards along dims
TENON_API Tensor fliplr(const Tensor& self);  // backwards along dimension 1
TENON_API Tensor flipud(const Tensor& self);  // backwards along dimension 0
TENON_API Tensor roll(const Tensor& self, const Shape& shifts, const Shape& dims = {});  // cyclic shifts along dims
TENON_API Tensor rot90(const Tensor& self, int64_t k = 1, const Shape& dims = {0, 1});  // k quarter turns from dims[0] to dims[1]

// ---- triangles and diagonals ----
TENON_API Tensor tril(const Tensor& self, int64_t diagonal = 0);  // what is on and below a diagonal, else 0
TENON_API Tensor triu(const Tensor& self, int64_t diagonal = 0);  // what is on and above a diagonal, else 0
TENON_API Tensor& tril_(Tensor& self, int64_t diagonal = 0);
TENON_API Tensor& triu_(Tensor& self, int64_t diagonal = 0);
TENON_API Tensor& tril_out(Tensor& out, const Tensor& self, int64_t diagonal = 0);
TENON_API Tensor& triu_out(Tensor& out, const Tensor& self, int64_t diagonal = 0);
TENON_API Tensor diag(const Tensor& self, int64_t diagonal = 0);  // a vector on a diagonal, or the diagonal of a matrix
TENON_API Tensor diag_embed(const Tensor& self, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);  // the last dimension on diagonals

// ---- layouts of images ----
TENON_API Tensor pixel_shuffle(const Tensor& self, int64_t upscale_factor);  // (C*r*r, H, W) as (C, H*r, W*r)
TENON_API Tensor pixel_unshuffle(const Tensor& self, int64_t downscale_factor);  // (C, H*r, W*r) as (C*r*r, H, W)
// The windows of an image as columns (im2col), and the sum of columns back into an image (col2im).
TENON_API Tensor unfold(const Tensor& self, const Shape& kernel_size, const Shape& dilation = {1}, const Shape& padding = {0}, const Shape& stride = {1});
TENON_API Tensor fold(const Tensor& self, const Shape& output_size, const Shape& kernel_size, const Shape& dilation = {1}, const Shape& padding = {0}, const Shape& stride = {1});

}  // namespace tenon
