// Views in other shapes, made of the views of view.cpp, and the forms that change self's geometry.
#include <tenon/runtime/ops/view.h>

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/view_internal.h>

namespace tenon {
namespace {

Tensor movedim_one(const Tensor& self, int64_t source, int64_t destination) {
  return movedim(self, source, destination);
}
Tensor movedim_many(const Tensor& self, const Shape& source, const Shape& destination) {
  return movedim(self, source, destination);
}

constinit const Op kMovedim{composite_view(
    "movedim", "movedim(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
    R"(Dimension source[i] becomes dimension destination[i]; the others keep their order. Both are
numbers or lists. Errors: InvalidArgument for lists of different lengths or a dimension named twice;
  Index for a dim out of range. Source: torch.movedim.)",
    &box_either<&movedim_one, &movedim_many>)};
constinit const Op kMoveaxis{composite_view(
    "moveaxis", "moveaxis(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
    "movedim under NumPy's name. Source: torch.moveaxis.",
    &box_either<&movedim_one, &movedim_many>)};
constinit const Op kSwapaxes{composite_view(
    "swapaxes", "swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)",
    "transpose under NumPy's name. Errors: Index. Source: torch.swapaxes.", &box<&swapaxes>)};
constinit const Op kSwapdims{composite_view(
    "swapdims", "swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
    "transpose under another name. Errors: Index. Source: torch.swapdims.", &box<&swapdims>)};
constinit const Op kUnflatten{
    composite_view("unflatten", "unflatten(Tensor(a) self, int dim, int[] sizes) -> Tensor(a)",
                   R"(Dimension dim in several of these sizes, row-major; one may be -1.
Errors: InvalidArgument for no sizes, or sizes whose product is not the extent of dim; Index for
  dim. Source: torch.unflatten.)",
                   &box<&unflatten>)};
constinit const Op kRavel{composite_view(
    "ravel", "ravel(Tensor(a) self) -> Tensor(a)",
    "All elements in one dimension; a copy where no view exists. Source: torch.ravel.",
    &box<&ravel>)};
constinit const Op kBroadcastTo{composite_view(
    "broadcast_to", "broadcast_to(Tensor(a) self, int[] size) -> Tensor(a)",
    "expand under NumPy's name. Errors: InvalidArgument. Source: torch.broadcast_to.",
    &box<&broadcast_to>)};
constinit const Op kBroadcastTensors{
    composite_view("broadcast_tensors", "broadcast_tensors(Tensor(a)[] tensors) -> Tensor(a)[]",
                   R"(Every tensor expanded to the shape that all broadcast to; none for no tensors.
Errors: InvalidArgument for sizes that do not broadcast. Source: torch.broadcast_tensors.)",
                   &box<&broadcast_tensors>)};
constinit const Op kExpandAs{composite_view(
    "expand_as", "expand_as(Tensor(a) self, Tensor other) -> Tensor(a)",
    "expand to other's sizes. Errors: InvalidArgument. Source: torch.Tensor.expand_as.",
    &box<&expand_as>)};
constinit const Op kViewAs{
    composite_view("view_as", "view_as(Tensor(a) self, Tensor other) -> Tensor(a)",
                   "view of other's sizes. Errors: InvalidArgument. Source: torch.Tensor.view_as.",
                   &box<&view_as>)};
constinit const Op kReshapeAs{composite_view(
    "reshape_as", "reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)",
    "reshape to other's sizes. Errors: InvalidArgument. Source: torch.Tensor.reshape_as.",
    &box<&reshape_as>)};
constinit const Op kAtleast1d{
    composite_view("atleast_1d", "atleast_1d(Tensor(a) self) -> Tensor(a)",
                   "() becomes (1); others stay. Source: torch.atleast_1d.", &box<&atleast_1d>)};
constinit const Op kAtleast2d{
    composite_view("atleast_2d", "atleast_2d(Tensor(a) self) -> Tensor(a)",
                   "() becomes (1, 1), (n) becomes (1, n); others stay. Source: torch.atleast_2d.",
                   &box<&atleast_2d>)};
constinit const Op kAtleast3d{composite_view(
    "atleast_3d", "atleast_3d(Tensor(a) self) -> Tensor(a)",
    R"(() becomes (1, 1, 1), (n) becomes (1, n, 1), (m, n) becomes (m, n, 1); others stay.
Source: torch.atleast_3d.)",
    &box<&atleast_3d>)};

// self takes the geometry of a view of it. Errors: Autograd on leaves that require a gradient,
// while calls are recorded.
template <class F>
Tensor& become(Tensor& self, std::string_view op, F&& make_view_of_it) {
  const Tensor view = [&] {
    const RecordingScope on(true);  // a result keeps its history, also under a NoGradGuard
    return make_view_of_it();
  }();
  TensorImpl& own = *self.impl();
  if (own.in_graph() && record_hooks().edit_metadata != nullptr)
    record_hooks().edit_metadata(self, view, op);
  own.set_geometry(view.sizes(), view.strides(), view.storage_offset(), own.dtype(), op);
  return self;
}

}  // namespace

Tensor movedim(const Tensor& self, const Shape& source, const Shape& destination) {
  const int64_t rank = self.dim();
  check(source.rank() == destination.rank(), ErrorCode::kInvalidArgument, "movedim",
        "source and destination must have the same length, got ", source, " and ", destination);
  if (source.empty() || rank == 0) {
    for (const Shape& dims : {source, destination})
      for (const int64_t dim : dims) (void)wrap_dim(dim, rank, "movedim");
    return transpose(self, 0, 0);
  }
  const uint32_t taken = dim_mask(source, rank, "movedim");
  (void)dim_mask(destination, rank, "movedim");
  Shape order = self.sizes();
  for (int64_t d = 0; d < rank; ++d) order[d] = -1;
  for (int64_t i = 0; i < source.rank(); ++i)
    order[wrap_dim(destination[i], rank, "movedim")] = wrap_dim(source[i], rank, "movedim");
  int64_t next = 0;
  for (int64_t d = 0; d < rank; ++d) {
    if (order[d] >= 0) continue;
    while ((taken >> next & 1u) != 0) ++next;
    order[d] = next++;
  }
  return permute(self, order);
}

Tensor movedim(const Tensor& self, int64_t source, int64_t destination) {
  return movedim(self, Shape{source}, Shape{destination});
}
Tensor moveaxis(const Tensor& self, int64_t source, int64_t destination) {
  return movedim(self, source, destination);
}
Tensor moveaxis(const Tensor& self, const Shape& source, const Shape& destination) {
  return movedim(self, source, destination);
}
Tensor swapaxes(const Tensor& self, int64_t axis0, int64_t axis1) {
  return transpose(self, axis0, axis1);
}
Tensor swapdims(const Tensor& self, int64_t dim0, int64_t dim1) {
  return transpose(self, dim0, dim1);
}

Tensor unflatten(const Tensor& self, int64_t dim, const Shape& sizes) {
  check(self.dim() > 0, ErrorCode::kIndex, "unflatten", "at least one dimension is needed, got ",
        self, "; use unsqueeze first");
  const int64_t at = wrap_dim(dim, self.dim(), "unflatten");
  check(!sizes.empty(), ErrorCode::kInvalidArgument, "unflatten", "sizes must not be empty, got ",
        sizes);
  Shape parts = sizes;
  int64_t known = 1, unknown = -1;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    check(sizes[d] >= 0 || (sizes[d] == -1 && unknown < 0), ErrorCode::kInvalidArgument,
          "unflatten", "sizes must be >= 0 and only one may be -1, got ", sizes);
    if (sizes[d] < 0)
      unknown = d;
    else
      known = checked_mul(known, sizes[d], "unflatten");
  }
  const int64_t extent = self.size(at);
  if (unknown >= 0 && known > 0 && extent % known == 0) {
    parts[unknown] = extent / known;
    known = extent;
    unknown = -1;
  }
  check(unknown < 0 && known == extent, ErrorCode::kInvalidArgument, "unflatten", "sizes ", sizes,
        " must multiply up to ", extent, ", the size of dimension ", at, " of ", self.sizes());
  const Shape own = self.sizes();
  return view(self, own.slice(0, at) + parts + own.slice(at + 1, own.rank()));
}

Tensor ravel(const Tensor& self) { return reshape(self, {self.numel()}); }

Tensor broadcast_to(const Tensor& self, const Shape& sizes) { return expand(self, sizes); }

std::vector<Tensor> broadcast_tensors(std::span<const Tensor> tensors) {
  Shape common;
  for (const Tensor& tensor : tensors)
    common = broadcast_shapes(common, tensor.sizes(), "broadcast_tensors");
  std::vector<Tensor> expanded;
  for (const Tensor& tensor : tensors) expanded.push_back(expand(tensor, common));
  return expanded;
}

Tensor expand_as(const Tensor& self, const Tensor& other) { return expand(self, other.sizes()); }
Tensor view_as(const Tensor& self, const Tensor& other) { return view(self, other.sizes()); }
Tensor reshape_as(const Tensor& self, const Tensor& other) { return reshape(self, other.sizes()); }

Tensor atleast_1d(const Tensor& self) { return self.dim() == 0 ? view(self, {1}) : self; }

Tensor atleast_2d(const Tensor& self) {
  return self.dim() < 2 ? unsqueeze(atleast_1d(self), 0) : self;
}

Tensor atleast_3d(const Tensor& self) {
  return self.dim() < 3 ? unsqueeze(atleast_2d(self), -1) : self;
}

Tensor& Tensor::t_() {
  check(dim() <= 2, ErrorCode::kInvalidArgument, "t_", "at most 2 dimensions were expected, got ",
        *this, "; use transpose or permute");
  return become(*this, "t_", [&] { return tenon::t(*this); });
}

Tensor& transpose_(Tensor& self, int64_t dim0, int64_t dim1) {
  return become(self, "transpose_", [&] { return transpose(self, dim0, dim1); });
}

Tensor& squeeze_(Tensor& self) {
  return become(self, "squeeze_", [&] { return squeeze(self); });
}

Tensor& squeeze_(Tensor& self, int64_t dim) {
  return become(self, "squeeze_", [&] { return squeeze(self, dim); });
}

Tensor& unsqueeze_(Tensor& self, int64_t dim) {
  return become(self, "unsqueeze_", [&] { return unsqueeze(self, dim); });
}

void register_view_shape_ops(OpList& list) {
  for (const Op* op : {&kMovedim, &kMoveaxis, &kSwapaxes, &kSwapdims, &kUnflatten, &kRavel,
                       &kBroadcastTo, &kBroadcastTensors, &kExpandAs, &kViewAs, &kReshapeAs,
                       &kAtleast1d, &kAtleast2d, &kAtleast3d})
    list.add(*op);
}

}  // namespace tenon
