// Whole slices along a dimension, picked by a vector of positions: gather and scatter with an index
// that repeats by stride 0.
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- the vector ----

// int64 positions of rank 1.
Tensor vector_of(std::string_view op, const Tensor& self, const Tensor& index, bool narrow) {
  check(index.dim() <= 1, ErrorCode::kInvalidArgument, op, "index must have one dimension, got ",
        index.sizes());
  ops::check_same_device(op, self, index);
  if (!narrow) ops::check_index_dtype(op, index);
  return ops::as_positions(op, index).reshape({index.numel()});
}

// Repeated over the other dimensions of self. Errors: Index where `dim` is empty.
Tensor along(std::string_view op, const Tensor& vector, int64_t dim, const Tensor& self) {
  Shape row = self.sizes(), whole = row;
  for (int64_t d = 0; d < row.rank(); ++d) row[d] = d == dim ? vector.numel() : 1;
  whole[dim] = vector.numel();
  ops::check_has_positions(op, self, dim, whole.numel());
  return vector.reshape(row).expand(whole);
}

// Source has self's sizes, but for one slice for each position. Both have a dimension.
void check_source(std::string_view op, const Tensor& self, int64_t dim, const Tensor& vector,
                  const Tensor& source) {
  ops::check_same_dtype(op, self, source);
  ops::check_same_device(op, self, source);
  bool fits = source.dim() == self.dim();
  for (int64_t d = 0; fits && d < self.dim(); ++d)
    fits = source.size(d) == (d == dim ? vector.numel() : self.size(d));
  Shape wanted = self.sizes();
  wanted[dim] = vector.numel();
  check(fits, ErrorCode::kInvalidArgument, op, "source must have the sizes ", wanted, " for ",
        vector.numel(), " positions of ", self.sizes(), ", got ", source.sizes());
}

// A call on self seen with a dimension, and what it scatters.
struct SliceWrite {
  Tensor index, source;
};

Tensor with_dim(const Tensor& tensor) { return tensor.dim() == 0 ? tensor.view({1}) : tensor; }

// A 0-dim self has one slice, and source may be 0-dim too.
SliceWrite slice_write(std::string_view op, const Tensor& self, int64_t dim, const Tensor& index,
                       const Tensor& source, bool narrow) {
  const Tensor vector = vector_of(op, self, index, narrow);
  const bool single = self.dim() == 0;
  check(!single || vector.numel() == 1, ErrorCode::kInvalidArgument, op,
        "a 0-dim tensor takes one position, got ", index.sizes());
  const Tensor target = with_dim(self), values = single ? with_dim(source) : source;
  check_source(op, target, dim, vector, values);
  return {along(op, vector, dim, target), values};
}

Tensor scaled_source(const Tensor& source, const Scalar& alpha) {
  if (alpha.to_double() == 1) return source;
  if (source.is_floating_point()) return mul(source, alpha);
  return mul(source, alpha.to_int64()).to(source.dtype());  // as PyTorch: a fraction is cut off
}

Tensor filled_places(const Tensor& self, int64_t dim, const Tensor& index) {
  const Tensor vector = vector_of("index_fill", self, index, false);
  return along("index_fill", ops::wrap_positions(vector, self.size(dim)), dim, self);
}

// ---- records ----

Tensor index_add_boxed(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                       std::optional<Scalar> alpha) {
  return index_add(self, dim, index, source, alpha.value_or(1));
}

const Op kIndexSelect{{
    .name = "index_select",
    .schema = "index_select(Tensor self, int dim, Tensor index) -> Tensor",
    .doc = R"(The slices index[0], index[1], ... of self along dim, copied.

Shapes: index (n) or () -> sizes of self with n at dim; a 0-dim self has one slice.
Dtypes: any; index int64 or int32.
Errors: InvalidArgument for an index with more dimensions; DType; Device; Index for a position
  outside [0, self.size(dim)).
Source: torch.index_select.)",
    .flags = kComposite,
    .boxed = &box<&index_select>,
}};

const Op kIndexAdd{{
    .name = "index_add",
    .schema = "index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> "
              "Tensor",
    .doc = R"(A copy of self with slice index[k] += alpha * slice k of source, along dim, in order.

Shapes: index (n) or (); source the sizes of self with n at dim -> sizes of self.
Dtypes: self and source the same; index int64 or int32. bool: or.
Errors: InvalidArgument for other sizes; DType; Device; Index as index_select.
Source: torch.index_add.)",
    .flags = kComposite | kInPlaceForm,
    .boxed = &box<&index_add_boxed>,
}};

const Op kIndexCopy{{
    .name = "index_copy",
    .schema = "index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
    .doc =
        R"(A copy of self with slice index[k] = slice k of source, along dim; the last of several stays.

Shapes: as index_add. Dtypes: self and source the same; index int64.
Errors: as index_add. Source: torch.index_copy.)",
    .flags = kComposite | kInPlaceForm,
    .boxed = &box<&index_copy>,
}};

const Op kIndexFill{{
    .name = "index_fill",
    .schema = "index_fill(Tensor self, int dim, Tensor index, Tensor|Scalar value) -> Tensor",
    .doc =
        R"(A copy of self with value (a number or a 0-dim tensor) in the slices index[k] along dim.
Negative positions count from the end.

Shapes: index (n) or () -> sizes of self. Dtypes: any; index int64.
Errors: InvalidArgument for a value with dimensions, or one that an integer dtype can't hold; as
  index_add. Source: torch.index_fill.)",
    .flags = kComposite | kInPlaceForm,
    .boxed = &box<&index_fill>,
}};

}  // namespace

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  const Tensor vector = vector_of("index_select", self, index, true);
  if (self.dim() == 0) {
    check(index.numel() == 1, ErrorCode::kInvalidArgument, "index_select",
          "a 0-dim tensor takes one position, got ", index.sizes());
    return gather(self.view({1}), dim, vector).view({});
  }
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_select");
  return gather(self, wrapped, along("index_select", vector, wrapped, self));
}

Tensor& index_select_out(Tensor& out, const Tensor& self, int64_t dim, const Tensor& index) {
  return ops::write_out(kIndexSelect, out, {&self, &index},
                        [&] { return index_select(self, dim, index); });
}

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_add");
  const SliceWrite write = slice_write("index_add", self, wrapped, index, source, true);
  return scatter_add(with_dim(self), wrapped, write.index, scaled_source(write.source, alpha))
      .view(self.sizes());
}

Tensor& index_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                   Scalar alpha) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_add");
  Tensor target = with_dim(self);
  const SliceWrite write = slice_write("index_add", self, wrapped, index, source, true);
  scatter_add_(target, wrapped, write.index, scaled_source(write.source, alpha));
  return self;
}

Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_copy");
  const SliceWrite write = slice_write("index_copy", self, wrapped, index, source, false);
  return scatter(with_dim(self), wrapped, write.index, write.source).view(self.sizes());
}

Tensor& index_copy_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_copy");
  Tensor target = with_dim(self);
  const SliceWrite write = slice_write("index_copy", self, wrapped, index, source, false);
  scatter_(target, wrapped, write.index, write.source);
  return self;
}

Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_fill");
  const Tensor target = with_dim(self);
  const Tensor positions = filled_places(target, wrapped, index);
  const Tensor source = ops::value_like("index_fill", self, value).expand(positions.sizes());
  return scatter(target, wrapped, positions, source).view(self.sizes());
}

Tensor& index_fill_(Tensor& self, int64_t dim, const Tensor& index, const Operand& value) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_fill");
  Tensor target = with_dim(self);
  const Tensor positions = filled_places(target, wrapped, index);
  scatter_(target, wrapped, positions,
           ops::value_like("index_fill", self, value).expand(positions.sizes()));
  return self;
}

void register_slice_index_ops(OpList& list) {
  for (const Op* op : {&kIndexSelect, &kIndexAdd, &kIndexCopy, &kIndexFill}) list.add(*op);
}

}  // namespace tenon
