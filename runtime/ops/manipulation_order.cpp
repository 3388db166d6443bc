// The elements in another order; triangles and diagonals.
#include <tenon/runtime/ops/manipulation.h>

#include <cstdlib>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/manipulation_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- flip, roll and rot90 ----

void infer_flip(OpCall& call) {
  ops::give_output(call, 0, call.inputs[0]->sizes(), call.inputs[0]->dtype());
}

// n-1, ..., 1, 0 along dim.
Tensor backward_index(const Tensor& self, int64_t dim) {
  const int64_t extent = self.size(dim);
  Shape along = self.sizes();
  for (int64_t d = 0; d < along.rank(); ++d) along[d] = d == dim ? extent : 1;
  const TensorOptions options(kInt64, self.device());
  return arange(extent - 1, -1, -1, options).view(along).expand(self.sizes());
}

void decompose_flip(OpCall& call) {
  const Tensor& out = call.outputs[0];
  Tensor current = *call.inputs[0];
  const auto dims = call.attributes;
  if (dims.empty() || current.dim() == 0) return primitive::copy(out, current);
  for (size_t i = 0; i < dims.size(); ++i) {
    const Tensor next = i + 1 == dims.size() ? out : empty(out.sizes(), out.options());
    primitive::gather(next, current, backward_index(current, dims[i]), dims[i]);
    current = next;
  }
}

// attributes: dims
const Op kFlip{{
    .name = "flip",
    .schema = "flip(Tensor self, int[] dims) -> Tensor",
    .doc = R"(The elements in reverse order along dims, copied.

Dtypes: any.
Errors: Index for a dim out of range; InvalidArgument for one named twice.
Source: torch.flip.)",
    .boxed = &box_lists<&flip>,
    .infer = &infer_flip,
    .decompose = &decompose_flip,
}};

constinit const Op kFliplr{composite_spec(
    "fliplr", "fliplr(Tensor self) -> Tensor",
    R"(flip along dimension 1. Errors: InvalidArgument below 2 dimensions. Source: torch.fliplr.)",
    &box<&fliplr>)};
constinit const Op kFlipud{composite_spec(
    "flipud", "flipud(Tensor self) -> Tensor",
    R"(flip along dimension 0. Errors: InvalidArgument for 0 dimensions. Source: torch.flipud.)",
    &box<&flipud>)};
constinit const Op kRoll{composite_spec(
    "roll", "roll(Tensor self, int[] shifts, int[] dims=[]) -> Tensor",
    R"(out[(i + shift) mod n] = self[i] along each of dims; without dims over the flattened tensor.
Errors: InvalidArgument for no shifts, or as many as not dims; Index for a dim.
Source: torch.roll.)",
    &box_lists<&roll>)};

Tensor rot90_boxed(const Tensor& self, std::optional<int64_t> k, const Shape& dims) {
  return rot90(self, k.value_or(1), dims);
}

std::vector<Value> rot90_values(std::span<const Value> arguments) {
  const bool given = arguments.size() > 2 && !std::holds_alternative<std::monostate>(arguments[2]);
  if (given) return box<&rot90_boxed>(arguments);
  std::vector<Value> all(arguments.begin(), arguments.end());
  all.resize(3);
  all[2] = Shape{0, 1};
  return box<&rot90_boxed>(all);
}

constinit const Op kRot90{composite_spec(
    "rot90", "rot90(Tensor self, int k=1, int[2] dims=[0, 1]) -> Tensor",
    R"(k quarter turns of the plane dims, from dims[0] toward dims[1]; k may be negative.
Errors: InvalidArgument below 2 dimensions or unless dims are two different ones; Index for a dim.
Source: torch.rot90.)",
    &rot90_values)};

Tensor roll_one(const Tensor& self, int64_t shift, int64_t dim) {
  const int64_t extent = self.size(dim);
  if (extent == 0) return clone(self);
  const int64_t end = (shift % extent + extent) % extent;  // how many come around
  if (end == 0) return clone(self);
  const Tensor parts[] = {narrow(self, dim, extent - end, end), narrow(self, dim, 0, extent - end)};
  return cat(parts, dim);
}

}  // namespace

Tensor flip(const Tensor& self, const Shape& dims) {
  Shape wrapped;
  for (const int64_t dim : dims) wrapped.push_back(wrap_dim(dim, self.dim(), "flip"));
  if (!dims.empty() && self.dim() > 0) (void)dim_mask(dims, self.dim(), "flip");
  return call_op(kFlip, {&self}, wrapped);
}

Tensor fliplr(const Tensor& self) {
  check(self.dim() >= 2, ErrorCode::kInvalidArgument, "fliplr",
        "at least 2 dimensions were expected, got ", self, "; use flip");
  return flip(self, {1});
}

Tensor flipud(const Tensor& self) {
  check(self.dim() >= 1, ErrorCode::kInvalidArgument, "flipud",
        "at least 1 dimension was expected, got ", self, "; use unsqueeze first");
  return flip(self, {0});
}

Tensor roll(const Tensor& self, const Shape& shifts, const Shape& dims) {
  check(!shifts.empty(), ErrorCode::kInvalidArgument, "roll", "at least one shift is needed");
  if (dims.empty() && shifts.rank() == 1)
    return roll_one(self.reshape({self.numel()}), shifts[0], 0).view(self.sizes());
  check(shifts.rank() == dims.rank(), ErrorCode::kInvalidArgument, "roll",
        "as many shifts as dims were expected, got ", shifts, " and ", dims);
  check(self.dim() > 0, ErrorCode::kIndex, "roll",
        "a 0-dim tensor has no dimension to roll along; leave out dims");
  Tensor result = self;
  for (int64_t i = 0; i < dims.rank(); ++i)
    result = roll_one(result, shifts[i], wrap_dim(dims[i], self.dim(), "roll"));
  return result;
}

Tensor rot90(const Tensor& self, int64_t k, const Shape& dims) {
  check(dims.rank() == 2, ErrorCode::kInvalidArgument, "rot90", "two dims were expected, got ",
        dims);
  check(self.dim() >= 2, ErrorCode::kInvalidArgument, "rot90",
        "at least 2 dimensions were expected, got ", self, "; use unsqueeze first");
  const int64_t a = wrap_dim(dims[0], self.dim(), "rot90");
  const int64_t b = wrap_dim(dims[1], self.dim(), "rot90");
  check(a != b, ErrorCode::kInvalidArgument, "rot90", "two different dims were expected, got ",
        dims);
  switch ((k % 4 + 4) % 4) {
    case 1:
      return transpose(flip(self, {b}), a, b);
    case 2:
      return flip(self, {a, b});
    case 3:
      return transpose(flip(self, {a}), a, b);
    default:
      return clone(self);
  }
}

// ---- triangles and diagonals ----

namespace {

Tensor tril_boxed(const Tensor& self, std::optional<int64_t> diagonal) {
  return tril(self, diagonal.value_or(0));
}
Tensor triu_boxed(const Tensor& self, std::optional<int64_t> diagonal) {
  return triu(self, diagonal.value_or(0));
}
Tensor diag_boxed(const Tensor& self, std::optional<int64_t> diagonal) {
  return diag(self, diagonal.value_or(0));
}
Tensor diag_embed_boxed(const Tensor& self, std::optional<int64_t> offset,
                        std::optional<int64_t> dim1, std::optional<int64_t> dim2) {
  return diag_embed(self, offset.value_or(0), dim1.value_or(-2), dim2.value_or(-1));
}

constinit const Op kTril{
    composite_spec("tril", "tril(Tensor self, int diagonal=0) -> Tensor",
                   R"(out[..., i, j] = self[..., i, j] where j - i <= diagonal, else 0.
Dtypes: any. Errors: InvalidArgument below 2 dimensions. Source: torch.tril.)",
                   &box<&tril_boxed>, kInPlaceForm)};
constinit const Op kTriu{
    composite_spec("triu", "triu(Tensor self, int diagonal=0) -> Tensor",
                   R"(out[..., i, j] = self[..., i, j] where j - i >= diagonal, else 0.
Dtypes: any. Errors: InvalidArgument below 2 dimensions. Source: torch.triu.)",
                   &box<&triu_boxed>, kInPlaceForm)};
constinit const Op kDiag{composite_spec(
    "diag", "diag(Tensor self, int diagonal=0) -> Tensor",
    R"(A vector gives the matrix that has it on a diagonal (diag_embed), a matrix gives a copy of its
diagonal. Errors: InvalidArgument for other ranks. Source: torch.diag.)",
    &box<&diag_boxed>)};

void infer_diag_embed(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const auto a = call.attributes;
  const int64_t length = checked_add(self.size(-1), std::abs(a[0]), "diag_embed");
  const Shape rest = self.sizes().slice(0, self.dim() - 1);
  Shape sizes;
  int64_t next = 0;
  for (int64_t d = 0; d <= self.dim(); ++d)
    sizes.push_back(d == a[1] || d == a[2] ? length : rest[next++]);
  ops::give_output(call, 0, sizes, self.dtype());
}

void decompose_diag_embed(OpCall& call) {
  const auto a = call.attributes;
  primitive::fill(call.outputs[0], 0);
  primitive::copy(diagonal(call.outputs[0], a[0], a[1], a[2]), *call.inputs[0]);
}

// attributes: offset, dim1, dim2
const Op kDiagEmbed{{
    .name = "diag_embed",
    .schema = "diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
    .doc =
        R"(Zeros with self's last dimension on the diagonals index(dim2) - index(dim1) = offset of
the planes (dim1, dim2).

Shapes: (..., n) -> the rest, with n + |offset| at dim1 and dim2.
Dtypes: any.
Errors: InvalidArgument for 0 dimensions or dim1 = dim2; Index for a dim out of range.
Source: torch.diag_embed.)",
    .boxed = &box<&diag_embed_boxed>,
    .infer = &infer_diag_embed,
    .decompose = &decompose_diag_embed,
}};

// column - row of the elements of the last two dimensions.
Tensor distance_from_diagonal(const Tensor& self, std::string_view op) {
  check(self.dim() >= 2, ErrorCode::kInvalidArgument, op,
        "at least 2 dimensions were expected, got ", self, "; use unsqueeze first");
  const TensorOptions options(kInt64, self.device());
  return arange(self.size(-1), options).sub(arange(self.size(-2), options).unsqueeze(1));
}

}  // namespace

Tensor tril(const Tensor& self, int64_t diagonal) {
  return where(le(distance_from_diagonal(self, "tril"), diagonal), self, false);
}
Tensor triu(const Tensor& self, int64_t diagonal) {
  return where(ge(distance_from_diagonal(self, "triu"), diagonal), self, false);
}
Tensor& tril_(Tensor& self, int64_t diagonal) { return self.copy_(tril(self, diagonal)); }
Tensor& triu_(Tensor& self, int64_t diagonal) { return self.copy_(triu(self, diagonal)); }
Tensor& tril_out(Tensor& out, const Tensor& self, int64_t diagonal) {
  return store_result(kTril, out, tril(self, diagonal));
}
Tensor& triu_out(Tensor& out, const Tensor& self, int64_t diagonal) {
  return store_result(kTriu, out, triu(self, diagonal));
}

Tensor diag(const Tensor& self, int64_t diagonal) {
  check(self.dim() == 1 || self.dim() == 2, ErrorCode::kInvalidArgument, "diag",
        "a vector or a matrix was expected, got ", self, "; use diagonal or diag_embed");
  return self.dim() == 1 ? diag_embed(self, diagonal) : clone(tenon::diagonal(self, diagonal));
}

Tensor diag_embed(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  check(self.dim() >= 1, ErrorCode::kInvalidArgument, "diag_embed",
        "at least 1 dimension was expected, got ", self, "; use unsqueeze first");
  const int64_t a = wrap_dim(dim1, self.dim() + 1, "diag_embed");
  const int64_t b = wrap_dim(dim2, self.dim() + 1, "diag_embed");
  check(a != b, ErrorCode::kInvalidArgument, "diag_embed",
        "two different dimensions are needed, got ", dim1, " and ", dim2);
  check(offset > INT64_MIN, ErrorCode::kInvalidArgument, "diag_embed", "the offset ", offset,
        " leaves 64 bits; use a smaller one");
  return call_op(kDiagEmbed, {&self}, {offset, a, b});
}

void register_order_ops(OpList& list) {
  for (const Op* op :
       {&kFlip, &kFliplr, &kFlipud, &kRoll, &kRot90, &kTril, &kTriu, &kDiag, &kDiagEmbed})
    list.add(*op);
}

}  // namespace tenon
