// Views: other geometry, same memory. Rules get their attributes as noted at each record.
#include <tenon/runtime/ops/view.h>

#include <algorithm>
#include <utility>

#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/view_internal.h>

namespace tenon {
namespace {

Tensor squeeze_optional(const Tensor& self, std::optional<int64_t> dim) {
  return dim ? squeeze(self, *dim) : squeeze(self);
}
Tensor squeeze_dims(const Tensor& self, const Shape& dims) { return squeeze(self, dims); }
Tensor flatten_optional(const Tensor& self, std::optional<int64_t> from,
                        std::optional<int64_t> to) {
  return flatten(self, from.value_or(0), to.value_or(-1));
}
Tensor slice_optional(const Tensor& self, int64_t dim, int64_t start, int64_t stop,
                      std::optional<int64_t> step) {
  return slice(self, dim, start, stop, step.value_or(1));
}

// attributes: rank, sizes, strides, offset
constinit const Op kAsStrided{view_spec(
    "as_strided", "as_strided(Tensor(a) self, int[] sizes, int[] strides, int offset) -> Tensor(a)",
    R"(View with any geometry inside self's storage; strides and offset in elements; elements may
share memory. Errors: InvalidArgument for negative strides or memory outside the storage.
Source: torch.as_strided.)",
    &box<&as_strided>)};
// attributes: none
constinit const Op kViewOp{
    view_spec("view", "view(Tensor(a) self, int[] sizes) -> Tensor(a)",
              R"(The same elements in row-major order under other sizes; one size may be −1.
Errors: InvalidArgument when the counts differ, or when the layout needs a copy (use reshape).
Source: torch.Tensor.view.)",
              &box<&view>)};
constinit const Op kReshape{composite_view(
    "reshape", "reshape(Tensor(a) self, int[] sizes) -> Tensor(a)",
    "view where the layout allows it, else a copy. Source: torch.reshape.", &box<&reshape>)};
constinit const Op kFlatten{composite_view(
    "flatten", "flatten(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)",
    "Merges dimensions start_dim … end_dim. Source: torch.flatten.", &box<&flatten_optional>)};
constinit const Op kT{composite_view("t", "t(Tensor(a) self) -> Tensor(a)",
                                     R"(Transpose of a matrix; vectors and 0-dim tensors stay.
Errors: InvalidArgument above 2 dimensions. Source: torch.t.)",
                                     &box<&t>)};
// attributes: dim0, dim1
constinit const Op kTranspose{
    view_spec("transpose", "transpose(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
              "Swaps two dimensions. Errors: Index. Source: torch.transpose.", &box<&transpose>)};
// attributes: the permutation
constinit const Op kPermute{view_spec("permute", "permute(Tensor(a) self, int[] dims) -> Tensor(a)",
                                      R"(Dimension i of the result is dimension dims[i] of self.
Errors: InvalidArgument unless dims is a permutation. Source: torch.permute.)",
                                      &box<&permute>)};
// attributes: dim, index
constinit const Op kSelect{view_spec("select",
                                     "select(Tensor(a) self, int dim, int index) -> Tensor(a)",
                                     R"(Position `index` of `dim`, which goes away.
Errors: Index. Source: torch.select.)",
                                     &box<&select>)};
// attributes: dim, start, stop, step
constinit const Op kSlice{view_spec(
    "slice", "slice(Tensor(a) self, int dim, int start, int stop, int step=1) -> Tensor(a)",
    R"(start:stop:step along dim, clamped as NumPy does; negative positions count from the end.
Errors: InvalidArgument for step < 1. Source: torch.slice.)",
    &box<&slice_optional>)};
constinit const Op kNarrow{composite_view(
    "narrow", "narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)",
    "start … start+length−1 along dim. Errors: Index outside of it. Source: torch.narrow.",
    &box<&narrow>)};
// attributes: none
constinit const Op kSqueeze{
    view_spec("squeeze", "squeeze(Tensor(a) self, int[]? dim=None) -> Tensor(a)",
              R"(Drops dimensions of size 1: all, or those of dim (a number or a list) that are 1.
Errors: Index for a dim out of range; InvalidArgument for one named twice. Source: torch.squeeze.)",
              &box_either<&squeeze_optional, &squeeze_dims>)};
// attributes: dim
constinit const Op kUnsqueeze{
    view_spec("unsqueeze", "unsqueeze(Tensor(a) self, int dim) -> Tensor(a)",
              "Inserts a dimension of size 1. Source: torch.unsqueeze.", &box<&unsqueeze>)};
// attributes: none
constinit const Op kExpand{
    view_spec("expand", "expand(Tensor(a) self, int[] sizes) -> Tensor(a)",
              R"(Repeats dimensions of size 1, and new leading ones, by stride 0; −1 keeps a size.
Errors: InvalidArgument for other sizes. Source: torch.Tensor.expand.)",
              &box<&expand>)};
constinit const Op kUnbind{
    composite_view("unbind", "unbind(Tensor(a) self, int dim=0) -> Tensor(a)[]",
                   "select of every position along dim. Source: torch.unbind.", &box<&unbind>)};
constinit const Op kDetach{
    Op::Spec{.name = "detach",
             .schema = "detach(Tensor(a) self) -> Tensor(a)",
             .doc = R"(The same memory and version counter, outside of the graph.
Source: torch.Tensor.detach.)",
             .flags = kView | kNoGradient | kComposite,
             .boxed = &box<&detach>}};

// Strides of `sizes` over the elements of a tensor, if its layout allows a view.
std::optional<Shape> view_strides(const Tensor& self, const Shape& sizes) {
  if (self.is_contiguous()) return contiguous_strides(sizes);
  const Shape old_sizes = self.sizes(), old_strides = self.strides();
  Shape result = sizes;
  int64_t view_dim = sizes.rank() - 1;
  int64_t chunk_stride = old_strides.back(), tensor_count = 1, view_count = 1;
  for (int64_t d = old_sizes.rank() - 1; d >= 0; --d) {
    tensor_count *= old_sizes[d];
    const bool chunk_ends =
        d == 0 || (old_sizes[d - 1] != 1 && old_strides[d - 1] != tensor_count * chunk_stride);
    if (!chunk_ends) continue;
    while (view_dim >= 0 && (view_count < tensor_count || sizes[view_dim] == 1)) {
      result[view_dim] = view_count * chunk_stride;
      view_count *= sizes[view_dim--];
    }
    if (view_count != tensor_count) return {};
    if (d > 0) {
      chunk_stride = old_strides[d - 1];
      tensor_count = view_count = 1;
    }
  }
  if (view_dim != -1) return {};
  return result;
}

// Replaces a -1 and checks the count. Errors: InvalidArgument.
Shape resolve_sizes(const Tensor& self, const Shape& sizes, std::string_view op) {
  Shape result = sizes;
  int64_t unknown = -1, known = 1;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    if (sizes[d] == -1) {
      check(unknown < 0, ErrorCode::kInvalidArgument, op, "only one size may be -1, got ", sizes);
      unknown = d;
    } else {
      check(sizes[d] >= 0, ErrorCode::kInvalidArgument, op, "sizes must be >= 0 or -1, got ",
            sizes);
      known = checked_mul(known, sizes[d], op);
    }
  }
  if (unknown >= 0) {
    if (known == 0 || self.numel() % known != 0) [[unlikely]]
      fail(ErrorCode::kInvalidArgument, op, "sizes ", sizes, " do not fit ", self.numel(),
           " elements of ", self.sizes());
    result[unknown] = self.numel() / known;
    known = self.numel();
  }
  if (known != self.numel()) [[unlikely]]
    fail(ErrorCode::kInvalidArgument, op, "sizes ", sizes, " hold ", known,
         " elements, the tensor of ", self.sizes(), " has ", self.numel());
  return result;
}

// Without the dimensions of size 1 whose bit is set.
Tensor squeeze_masked(const Tensor& self, uint32_t mask) {
  Shape sizes, strides;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 1 && (mask >> d & 1u) != 0) continue;
    sizes.push_back(self.size(d));
    strides.push_back(self.stride(d));
  }
  return make_view(kSqueeze, self, sizes, strides, self.storage_offset());
}

}  // namespace

Tensor as_strided(const Tensor& self, const Shape& sizes, const Shape& strides, int64_t offset) {
  check(self.defined(), ErrorCode::kInvalidArgument, "as_strided",
        "a defined tensor was expected; make one with tenon::empty");
  check(sizes.rank() == strides.rank(), ErrorCode::kInvalidArgument, "as_strided",
        "a stride for every size was expected, got sizes ", sizes, " and strides ", strides);
  std::vector<int64_t> attributes{sizes.rank()};
  attributes.insert(attributes.end(), sizes.begin(), sizes.end());
  attributes.insert(attributes.end(), strides.begin(), strides.end());
  attributes.push_back(offset);
  return make_view(kAsStrided, self, sizes, strides, offset, attributes);
}

Tensor view(const Tensor& self, const Shape& sizes) {
  const Shape target = resolve_sizes(self, sizes, "view");
  const std::optional<Shape> strides = view_strides(self, target);
  if (!strides) [[unlikely]]
    fail(ErrorCode::kInvalidArgument, "view", "sizes ", target,
         " span memory that is not contiguous in ", self.sizes(), " with strides ", self.strides(),
         "; use reshape");
  return make_view(kViewOp, self, target, *strides, self.storage_offset());
}

Tensor reshape(const Tensor& self, const Shape& sizes) {
  const Shape target = resolve_sizes(self, sizes, "reshape");
  if (const std::optional<Shape> strides = view_strides(self, target))
    return make_view(kViewOp, self, target, *strides, self.storage_offset());
  return view(clone(self), target);
}

Tensor flatten(const Tensor& self, int64_t start_dim, int64_t end_dim) {
  const int64_t rank = self.dim();
  const int64_t from = wrap_dim(start_dim, rank, "flatten"),
                to = wrap_dim(end_dim, rank, "flatten");
  check(from <= to, ErrorCode::kInvalidArgument, "flatten", "start_dim ", start_dim,
        " must not come after end_dim ", end_dim);
  if (rank == 0) return reshape(self, {1});
  const Shape sizes = self.sizes();
  return reshape(self, sizes.slice(0, from) + Shape{sizes.slice(from, to + 1).numel()} +
                           sizes.slice(to + 1, rank));
}

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  const int64_t a = wrap_dim(dim0, self.dim(), "transpose");
  const int64_t b = wrap_dim(dim1, self.dim(), "transpose");
  Shape sizes = self.sizes(), strides = self.strides();
  if (self.dim() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  const int64_t attributes[] = {a, b};
  return make_view(kTranspose, self, sizes, strides, self.storage_offset(), attributes);
}

Tensor t(const Tensor& self) {
  check(self.dim() <= 2, ErrorCode::kInvalidArgument, "t",
        "at most 2 dimensions were expected, got ", self, "; use transpose or permute");
  return self.dim() < 2 ? transpose(self, 0, 0) : transpose(self, 0, 1);
}

Tensor permute(const Tensor& self, const Shape& dims) {
  check(dims.rank() == self.dim(), ErrorCode::kInvalidArgument, "permute", "expected ", self.dim(),
        " dimensions, got ", dims);
  if (self.dim() > 0) (void)dim_mask(dims, self.dim(), "permute");
  Shape sizes, strides, order;
  for (const int64_t dim : dims) {
    const int64_t from = wrap_dim(dim, self.dim(), "permute");
    order.push_back(from);
    sizes.push_back(self.size(from));
    strides.push_back(self.stride(from));
  }
  return make_view(kPermute, self, sizes, strides, self.storage_offset(), order);
}

Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  check(self.dim() > 0, ErrorCode::kIndex, "select", "a 0-dim tensor can't be indexed; use item()");
  const int64_t at = wrap_dim(dim, self.dim(), "select");
  const Shape sizes = self.sizes(), strides = self.strides();
  const int64_t size = sizes[at];
  check(-size <= index && index < size, ErrorCode::kIndex, "select", "index ", index,
        " is out of bounds for dimension ", at, " with size ", size);
  if (index < 0) index += size;
  const int64_t attributes[] = {at, index};
  return make_view(kSelect, self, sizes.without(at), strides.without(at),
                   self.storage_offset() + index * strides[at], attributes);
}

Tensor slice(const Tensor& self, int64_t dim, int64_t start, int64_t stop, int64_t step) {
  check(self.dim() > 0, ErrorCode::kIndex, "slice", "a 0-dim tensor can't be sliced");
  check(step >= 1, ErrorCode::kInvalidArgument, "slice", "the step must be >= 1, got ", step,
        "; flip the tensor for a negative one");
  const int64_t at = wrap_dim(dim, self.dim(), "slice");
  Shape sizes = self.sizes(), strides = self.strides();
  const int64_t size = sizes[at];
  const auto clamp_position = [size](int64_t position) {
    if (position < 0) position = position < -size ? 0 : position + size;
    return std::min(position, size);
  };
  start = clamp_position(start);
  stop = std::max(start, clamp_position(stop));
  sizes[at] = (stop - start) / step + ((stop - start) % step != 0 ? 1 : 0);
  const int64_t offset = self.storage_offset() + start * strides[at];
  strides[at] = sizes[at] > 1 ? checked_mul(strides[at], step, "slice") : strides[at];
  const int64_t attributes[] = {at, start, stop, step};
  return make_view(kSlice, self, sizes, strides, offset, attributes);
}

Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  check(self.dim() > 0, ErrorCode::kIndex, "narrow", "a 0-dim tensor can't be narrowed");
  const int64_t at = wrap_dim(dim, self.dim(), "narrow"), size = self.size(at);
  if (start < 0) start += size;
  check(length >= 0 && start >= 0 && start <= size && length <= size - start, ErrorCode::kIndex,
        "narrow", "start ", start, " and length ", length, " leave dimension ", at, " of size ",
        size);
  return slice(self, at, start, start + length, 1);
}

Tensor squeeze(const Tensor& self) { return squeeze_masked(self, ~0u); }

Tensor squeeze(const Tensor& self, int64_t dim) {
  return squeeze_masked(self, 1u << wrap_dim(dim, self.dim(), "squeeze"));
}

Tensor squeeze(const Tensor& self, const Shape& dims) {
  return squeeze_masked(self, dims.empty() ? 0 : dim_mask(dims, self.dim(), "squeeze"));
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  const int64_t at = wrap_dim(dim, self.dim() + 1, "unsqueeze");
  const Shape sizes = self.sizes(), strides = self.strides();
  const int64_t step = at < sizes.rank() ? sizes[at] * strides[at] : 1;
  const int64_t attributes[] = {at};
  return make_view(
      kUnsqueeze, self, sizes.slice(0, at) + Shape{1} + sizes.slice(at, sizes.rank()),
      strides.slice(0, at) + Shape{std::max<int64_t>(step, 1)} + strides.slice(at, strides.rank()),
      self.storage_offset(), attributes);
}

Tensor expand(const Tensor& self, const Shape& sizes) {
  const int64_t lead = sizes.rank() - self.dim();
  check(lead >= 0, ErrorCode::kInvalidArgument, "expand", "sizes ", sizes,
        " must have at least the dimensions of ", self.sizes());
  Shape target = sizes, strides = sizes;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    const int64_t own = d < lead ? 1 : self.size(d - lead);
    check(sizes[d] != -1 || d >= lead, ErrorCode::kInvalidArgument, "expand",
          "-1 can't stand for the new dimension ", d, " in ", sizes);
    if (sizes[d] == -1) target[d] = own;
    check(target[d] == own || own == 1, ErrorCode::kInvalidArgument, "expand", "size ", own,
          " of dimension ", d, " can't become ", target[d], " (from ", self.sizes(), " to ", sizes,
          "); only 1 is repeated");
    strides[d] = d < lead || (own == 1 && target[d] != 1) ? 0 : self.stride(d - lead);
  }
  return make_view(kExpand, self, target, strides, self.storage_offset());
}

std::vector<Tensor> unbind(const Tensor& self, int64_t dim) {
  const int64_t at = wrap_dim(dim, self.dim(), "unbind");
  check(self.dim() > 0, ErrorCode::kIndex, "unbind", "a 0-dim tensor can't be unbound");
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < self.size(at); ++i) parts.push_back(select(self, at, i));
  return parts;
}

Tensor detach(const Tensor& self) {
  check(self.defined(), ErrorCode::kInvalidArgument, "detach",
        "a defined tensor was expected; make one with tenon::empty");
  return Tensor(self.impl()->alias());
}

void register_view_ops(OpList& list) {
  for (const Op* op :
       {&kAsStrided, &kViewOp, &kReshape, &kFlatten, &kT, &kTranspose, &kPermute, &kSelect, &kSlice,
        &kNarrow, &kSqueeze, &kUnsqueeze, &kExpand, &kUnbind, &kDetach})
    list.add(*op);
  register_view_part_ops(list);
  register_view_shape_ops(list);
}

}  // namespace tenon
