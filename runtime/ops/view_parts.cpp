// Views of parts. Rules get their attributes as noted at each record.
#include <tenon/runtime/ops/view.h>

#include <algorithm>

#include <tenon/runtime/ops/view_internal.h>

namespace tenon {
namespace {

std::vector<Tensor> split_boxed(const Tensor& self, int64_t size, std::optional<int64_t> dim) {
  return split(self, size, dim.value_or(0));
}
std::vector<Tensor> split_sizes_boxed(const Tensor& self, const Shape& sizes,
                                      std::optional<int64_t> dim) {
  return split(self, sizes, dim.value_or(0));
}
std::vector<Tensor> chunk_boxed(const Tensor& self, int64_t chunks, std::optional<int64_t> dim) {
  return chunk(self, chunks, dim.value_or(0));
}
std::vector<Tensor> tensor_split_boxed(const Tensor& self, int64_t sections,
                                       std::optional<int64_t> dim) {
  return tensor_split(self, sections, dim.value_or(0));
}
std::vector<Tensor> tensor_split_indices_boxed(const Tensor& self, const Shape& indices,
                                               std::optional<int64_t> dim) {
  return tensor_split(self, indices, dim.value_or(0));
}
Tensor diagonal_boxed(const Tensor& self, std::optional<int64_t> offset,
                      std::optional<int64_t> dim1, std::optional<int64_t> dim2) {
  return diagonal(self, offset.value_or(0), dim1.value_or(0), dim2.value_or(1));
}
Tensor unfold_boxed(const Tensor& self, int64_t dim, int64_t size, int64_t step) {
  return unfold(self, dim, size, step);
}

constinit const Op kSplit{composite_view(
    "split", "split(Tensor(a) self, int[] split_size_or_sections, int dim=0) -> Tensor(a)[]",
    R"(Parts along dim: of one size (a number; the last may be smaller), or of the sizes in a list.
Errors: InvalidArgument for a size < 0, of 0 where dim is not empty, or sizes whose sum is not the
  extent of dim; Index for dim. Source: torch.split.)",
    &box_either<&split_boxed, &split_sizes_boxed>)};
constinit const Op kChunk{composite_view(
    "chunk", "chunk(Tensor(a) self, int chunks, int dim=0) -> Tensor(a)[]",
    R"(At most `chunks` parts along dim, of ceil(extent / chunks) positions each but for the last.
Errors: InvalidArgument for chunks < 1; Index for dim. Source: torch.chunk.)",
    &box<&chunk_boxed>)};
constinit const Op kTensorSplit{composite_view(
    "tensor_split",
    "tensor_split(Tensor(a) self, int[] indices_or_sections, int dim=0) -> Tensor(a)[]",
    R"(Parts along dim: exactly `sections` (a number; the first ones are longer by one where it does
not divide), or the slices before, between and after the positions in a list, clamped as in slice.
Errors: InvalidArgument for sections < 1; Index for dim. Source: torch.tensor_split.)",
    &box_either<&tensor_split_boxed, &tensor_split_indices_boxed>)};
// attributes: offset, dim1, dim2
constinit const Op kDiagonal{view_spec(
    "diagonal", "diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
    R"(The diagonals of the planes (dim1, dim2) as a last dimension: the elements with
index(dim2) - index(dim1) = offset. Shapes: dim1 and dim2 go away, the length is added last.
Errors: Index for a dim; InvalidArgument when both are the same. Source: torch.diagonal.)",
    &box<&diagonal_boxed>)};
// attributes: dim, size, step
constinit const Op kUnfold{view_spec(
    "unfold", "unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)",
    R"(The windows of `size` neighbours that start at 0, step, 2*step, ... along a dimension.
Shapes: the dimension n becomes (n - size) / step + 1, size is added last.
Errors: InvalidArgument for size < 0 or above n, or step < 1; Index for the dimension.
Source: torch.Tensor.unfold.)",
    &box<&unfold_boxed>)};

// dim of a tensor that can be cut. Errors: Index.
int64_t cut_dim(const Tensor& self, int64_t dim, std::string_view op) {
  check(self.dim() > 0, ErrorCode::kIndex, op, "at least one dimension is needed, got ", self,
        "; use unsqueeze first");
  return wrap_dim(dim, self.dim(), op);
}

}  // namespace

std::vector<Tensor> split(const Tensor& self, int64_t size, int64_t dim) {
  const int64_t at = cut_dim(self, dim, "split"), extent = self.size(at);
  check(size >= 0, ErrorCode::kInvalidArgument, "split", "the size of a part must be >= 0, got ",
        size);
  check(size > 0 || extent == 0, ErrorCode::kInvalidArgument, "split",
        "parts of size 0 can't fill dimension ", at, " of size ", extent, "; use a size > 0");
  std::vector<Tensor> parts;
  int64_t begin = 0;
  do {
    const int64_t length = std::min(size, extent - begin);
    parts.push_back(narrow(self, at, begin, length));
    begin += length;
  } while (begin < extent);
  return parts;
}

std::vector<Tensor> split(const Tensor& self, std::span<const int64_t> sizes, int64_t dim) {
  const int64_t at = cut_dim(self, dim, "split"), extent = self.size(at);
  int64_t total = 0;
  for (const int64_t size : sizes) {
    check(size >= 0, ErrorCode::kInvalidArgument, "split", "sizes must be >= 0, got ", size);
    total = checked_add(total, size, "split");
  }
  check(total == extent, ErrorCode::kInvalidArgument, "split", "the sizes add up to ", total,
        ", but dimension ", at, " of ", self.sizes(), " has ", extent);
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    parts.push_back(narrow(self, at, begin, size));
    begin += size;
  }
  return parts;
}

std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  const int64_t at = cut_dim(self, dim, "chunk"), extent = self.size(at);
  check(chunks > 0, ErrorCode::kInvalidArgument, "chunk", "at least one chunk is needed, got ",
        chunks);
  if (extent == 0) return split(self, std::vector<int64_t>(static_cast<size_t>(chunks)), at);
  return split(self, (extent - 1) / chunks + 1, at);
}

std::vector<Tensor> tensor_split(const Tensor& self, int64_t sections, int64_t dim) {
  const int64_t at = cut_dim(self, dim, "tensor_split"), extent = self.size(at);
  check(sections > 0, ErrorCode::kInvalidArgument, "tensor_split",
        "at least one section is needed, got ", sections);
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (int64_t i = 0; i < sections; ++i) {
    const int64_t length = extent / sections + (i < extent % sections ? 1 : 0);
    parts.push_back(narrow(self, at, begin, length));
    begin += length;
  }
  return parts;
}

std::vector<Tensor> tensor_split(const Tensor& self, std::span<const int64_t> indices,
                                 int64_t dim) {
  const int64_t at = cut_dim(self, dim, "tensor_split");
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (const int64_t end : indices) {
    parts.push_back(slice(self, at, begin, end));
    begin = end;
  }
  parts.push_back(slice(self, at, begin, self.size(at)));
  return parts;
}

Tensor diagonal(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap_dim(dim1, self.dim(), "diagonal");
  const int64_t b = wrap_dim(dim2, self.dim(), "diagonal");
  check(a != b, ErrorCode::kInvalidArgument, "diagonal",
        "two different dimensions are needed, got ", dim1, " and ", dim2, " of ", self);
  const int64_t rows = self.size(a), columns = self.size(b);
  // Where a diagonal outside of the plane would start is not asked: it has no elements.
  const int64_t below = offset < 0 ? std::min(rows, offset == INT64_MIN ? rows : -offset) : 0;
  const int64_t right = offset > 0 ? std::min(columns, offset) : 0;
  const int64_t length = std::min(rows - below, columns - right);
  const int64_t start = length > 0 ? below * self.stride(a) + right * self.stride(b) : 0;
  Shape sizes, strides;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d == a || d == b) continue;
    sizes.push_back(self.size(d));
    strides.push_back(self.stride(d));
  }
  sizes.push_back(length);
  strides.push_back(length > 1 ? self.stride(a) + self.stride(b) : 1);
  const int64_t attributes[] = {offset, a, b};
  return make_view(kDiagonal, self, sizes, strides, self.storage_offset() + start, attributes);
}

Tensor unfold(const Tensor& self, int64_t dim, int64_t size, int64_t step) {
  const int64_t at = wrap_dim(dim, self.dim(), "unfold");
  const bool scalar = self.dim() == 0;  // counts as one element of a dimension
  const int64_t extent = scalar ? 1 : self.size(at);
  check(size >= 0 && size <= extent, ErrorCode::kInvalidArgument, "unfold", "the size ", size,
        " of a window must be between 0 and ", extent, ", the size of dimension ", at);
  check(step > 0, ErrorCode::kInvalidArgument, "unfold", "the step must be > 0, got ", step);
  Shape sizes = self.sizes(), strides = self.strides();
  const int64_t stride = scalar ? 1 : strides[at];
  if (!scalar) {
    sizes[at] = (extent - size) / step + 1;
    strides[at] = sizes[at] > 1 ? checked_mul(stride, step, "unfold") : stride;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  const int64_t attributes[] = {at, size, step};
  return make_view(kUnfold, self, sizes, strides, self.storage_offset(), attributes);
}

void register_view_part_ops(OpList& list) {
  for (const Op* op : {&kSplit, &kChunk, &kTensorSplit, &kDiagonal, &kUnfold}) list.add(*op);
}

}  // namespace tenon
