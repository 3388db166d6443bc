// Reductions over all or some dimensions.
#include <tenon/runtime/ops/reduction.h>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// attributes: mask of reduced dims, keepdim.
uint32_t mask_of(const OpCall& call) { return static_cast<uint32_t>(call.attributes[0]); }

Shape reduced_sizes(const Shape& sizes, uint32_t mask, bool keepdim) {
  Shape result;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    const bool reduced = (mask >> d & 1u) != 0;
    if (!reduced) result.push_back(sizes[d]);
    else if (keepdim) result.push_back(1);
  }
  return result;
}

template <DType (*kResult)(DType)>
void infer(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  call.outputs[0] = Tensor(make_dense(self.impl()->storage->context(),
                                      reduced_sizes(self.sizes(), mask_of(call), call.attributes[1] != 0),
                                      kResult(self.dtype())));
}

constexpr DType wide_result(DType dtype) { return is_floating_point(dtype) ? dtype : DType::kInt64; }
constexpr DType same_result(DType dtype) { return dtype; }
constexpr DType bool_result(DType) { return DType::kBool; }
constexpr DType index_result(DType) { return DType::kInt64; }

// The output seen with extents of 1 in the reduced dimensions, as the ABI wants it.
Tensor keepdim_view(const Tensor& out, const Shape& sizes, uint32_t mask) {
  return out.detach().view(reduced_sizes(sizes, mask, true));
}

template <uint32_t kKind>
void decompose(OpCall& call) {
  Tensor self = call.inputs[0]->detach();
  const Tensor& out = call.outputs[0];
  constexpr bool kAccumulates = kKind == TN_REDUCE_SUM || kKind == TN_REDUCE_PROD;
  constexpr bool kCompares = kKind == TN_REDUCE_MAX || kKind == TN_REDUCE_MIN;
  if (kAccumulates && self.dtype() != out.dtype()) self = self.to(out.dtype());
  if (self.dim() == 0) self = self.view({1});
  const uint32_t mask = call.inputs[0]->dim() == 0 ? 1u : mask_of(call);
  // Without a dimension to reduce every value stands for itself.
  if (mask == 0 && (kAccumulates || kCompares)) return primitive::copy(out, self.view(out.sizes()));
  primitive::reduce(keepdim_view(out, self.sizes(), mask), self, kKind, mask);
}

void check_not_empty(const OpCall& call) {
  const Tensor& self = *call.inputs[0];
  for (int64_t d = 0; d < self.dim(); ++d)
    check((mask_of(call) >> d & 1u) == 0 || self.size(d) > 0, ErrorCode::kInvalidArgument,
          call.op.name(), "can't reduce dimension ", d, " of size 0 in ", self,
          "; there is no identity");
}

template <DType (*kResult)(DType)>
void infer_not_empty(OpCall& call) {
  check_not_empty(call);
  infer<kResult>(call);
}

constexpr Op::Spec reduction(const char* name, const char* schema, const char* doc, Boxed boxed,
                             void (*infer_fn)(OpCall&), void (*decompose_fn)(OpCall&),
                             uint32_t flags = 0) {
  return {.name = name, .schema = schema, .doc = doc, .flags = flags, .boxed = boxed,
          .infer = infer_fn, .decompose = decompose_fn};
}

constinit const Op kSum{reduction(
    "sum", "sum(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    R"(Σ x over dims (all when empty). Shapes: dims removed, or 1 with keepdim.
Dtypes: floats the same (accumulated in ≥ f32), integers and bool int64.
Errors: Index for a dim out of range. Source: torch.sum.)",
    &box<&sum>, &infer<wide_result>, &decompose<TN_REDUCE_SUM>)};
constinit const Op kProd{reduction(
    "prod", "prod(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    R"(Π x over dims (all when empty). Shapes and dtypes as sum. Source: torch.prod.)",
    &box<&prod>, &infer<wide_result>, &decompose<TN_REDUCE_PROD>)};
constinit const Op kAmax{reduction(
    "amax", "amax(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    R"(Greatest value over dims (all when empty); NaN wins; the gradient is shared by ties.
Errors: InvalidArgument when a reduced dimension is empty. Source: torch.amax.)",
    &box<&amax>, &infer_not_empty<same_result>, &decompose<TN_REDUCE_MAX>)};
constinit const Op kAmin{reduction(
    "amin", "amin(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    R"(Least value over dims (all when empty); NaN wins; the gradient is shared by ties.
Errors: InvalidArgument when a reduced dimension is empty. Source: torch.amin.)",
    &box<&amin>, &infer_not_empty<same_result>, &decompose<TN_REDUCE_MIN>)};
constinit const Op kAll{reduction(
    "all", "all(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    "Whether every x ≠ 0 over dims (all when empty); bool. Source: torch.all.", &box<&all>,
    &infer<bool_result>, &decompose<TN_REDUCE_ALL>, kNoGradient)};
constinit const Op kAny{reduction(
    "any", "any(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    "Whether some x ≠ 0 over dims (all when empty); bool. Source: torch.any.", &box<&any>,
    &infer<bool_result>, &decompose<TN_REDUCE_ANY>, kNoGradient)};
constinit const Op kArgmax{reduction(
    "argmax", "argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor",
    R"(Index along dim (row-major over all when None) of the first greatest value; NaN is greatest.
Dtypes: int64. Errors: InvalidArgument when empty. Source: torch.argmax.)",
    &box<&argmax>, &infer_not_empty<index_result>, &decompose<TN_REDUCE_ARGMAX>, kNoGradient)};
constinit const Op kArgmin{reduction(
    "argmin", "argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor",
    R"(Index along dim (row-major over all when None) of the first least value; NaN is least.
Dtypes: int64. Errors: InvalidArgument when empty. Source: torch.argmin.)",
    &box<&argmin>, &infer_not_empty<index_result>, &decompose<TN_REDUCE_ARGMIN>, kNoGradient)};

constinit const Op kMean{{
    .name = "mean",
    .schema = "mean(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    .doc = R"(Σ x / n over dims (all when empty); f16 and bf16 are summed in f32. Empty gives NaN.
Errors: DType for integers and bool. Source: torch.mean.)",
    .flags = kComposite,
    .boxed = &box<&mean>,
}};
constinit const Op kMaxDim{{
    .name = "max",
    .schema = "max(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    .doc = R"(Greatest value along dim and the index of the first of them; NaN is greatest. The
gradient goes to that index. Errors: InvalidArgument when dim is empty. Source: torch.max.)",
    .flags = kComposite,
    .boxed = &box<&max>,
}};
constinit const Op kMinDim{{
    .name = "min",
    .schema = "min(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    .doc = R"(Least value along dim and the index of the first of them; NaN is least. The gradient
goes to that index. Errors: InvalidArgument when dim is empty. Source: torch.min.)",
    .flags = kComposite,
    .boxed = &box<&min>,
}};
constinit const Op kSumToSize{{
    .name = "sum_to_size",
    .schema = "sum_to_size(Tensor self, int[] sizes) -> Tensor",
    .doc = R"(Σ over what broadcasting `sizes` to self's shape repeats: the inverse of expand.
Errors: InvalidArgument when sizes do not broadcast to self. Source: torch.Tensor.sum_to_size.)",
    .flags = kComposite,
    .boxed = &box<&sum_to_size>,
}};

Tensor reduce_dims(const Op& op, const Tensor& self, const Shape& dims, bool keepdim) {
  return call_op(op, {&self},
                 {static_cast<int64_t>(dim_mask(dims, self.dim(), op.name())), keepdim ? 1 : 0});
}

Tensor arg_reduce(const Op& op, const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  if (dim) {
    const int64_t at = wrap_dim(*dim, self.dim(), op.name());
    return call_op(op, {&self}, {self.dim() == 0 ? 0 : int64_t{1} << at, keepdim ? 1 : 0});
  }
  const Tensor flat = self.detach().reshape({-1});
  const Tensor index = call_op(op, {&flat}, {1, 0});
  if (!keepdim) return index;
  Shape ones = self.sizes();
  for (int64_t d = 0; d < ones.rank(); ++d) ones[d] = 1;
  return index.view(ones);
}

std::pair<Tensor, Tensor> pick(const Op& op, const Tensor& self, int64_t dim, bool keepdim) {
  Tensor index = arg_reduce(op, self, dim, true);
  if (self.dim() == 0) return {self.clone(), index};
  Tensor values = gather(self, dim, index);
  if (keepdim) return {values, index};
  return {values.squeeze(dim), index.squeeze(dim)};
}

}  // namespace

Tensor sum(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kSum, self, dims, keepdim);
}
Tensor prod(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kProd, self, dims, keepdim);
}
Tensor amax(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAmax, self, dims, keepdim);
}
Tensor amin(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAmin, self, dims, keepdim);
}
Tensor all(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAll, self, dims, keepdim);
}
Tensor any(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAny, self, dims, keepdim);
}
Tensor argmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_reduce(kArgmax, self, dim, keepdim);
}
Tensor argmin(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_reduce(kArgmin, self, dim, keepdim);
}
std::pair<Tensor, Tensor> max(const Tensor& self, int64_t dim, bool keepdim) {
  return pick(kArgmax, self, dim, keepdim);
}
std::pair<Tensor, Tensor> min(const Tensor& self, int64_t dim, bool keepdim) {
  return pick(kArgmin, self, dim, keepdim);
}

Tensor mean(const Tensor& self, const Shape& dims, bool keepdim) {
  check(self.is_floating_point(), ErrorCode::kDType, "mean",
        "a floating point tensor was expected, got ", self, "; use .to(kFloat32) first");
  const uint32_t mask = dim_mask(dims, self.dim(), "mean");
  int64_t count = 1;
  for (int64_t d = 0; d < self.dim(); ++d)
    if ((mask >> d & 1u) != 0) count *= self.size(d);
  const bool narrow = size_bytes(self.dtype()) == 2;
  const Tensor wide = narrow ? self.to(kFloat32) : self;
  const Tensor result = div(sum(wide, dims, keepdim), static_cast<double>(count));
  return narrow ? result.to(self.dtype()) : result;
}

Tensor sum_to_size(const Tensor& self, const Shape& sizes) {
  const Shape own = self.sizes();
  if (own == sizes) return self;
  const int64_t lead = own.rank() - sizes.rank();
  check(lead >= 0 && broadcast_shapes(own, sizes, "sum_to_size") == own,
        ErrorCode::kInvalidArgument, "sum_to_size", "sizes ", sizes, " must broadcast to ", own);
  Shape dims;
  for (int64_t d = 0; d < own.rank(); ++d)
    if (d < lead || (sizes[d - lead] == 1 && own[d] != 1)) dims.push_back(d);
  const Tensor reduced = dims.empty() ? self : sum(self, dims, true);
  return reduced.view(sizes);
}

void register_reduction_ops(OpList& list) {
  for (const Op* op : {&kSum, &kProd, &kMean, &kAmax, &kAmin, &kArgmax, &kArgmin, &kMaxDim,
                       &kMinDim, &kAll, &kAny, &kSumToSize})
    list.add(*op);
}

}  // namespace tenon
