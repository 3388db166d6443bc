// Reductions over all or some dimensions.
#include <tenon/runtime/ops/reduction.h>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/reduction_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using ops::mask_of;
using ops::reduce_dims;

template <DType (*kResult)(DType)>
void infer(OpCall& call) {
  ops::give_reduced(call, kResult(call.inputs[0]->dtype()));
}

constexpr DType wide_result(DType dtype) {
  return is_floating_point(dtype) ? dtype : DType::kInt64;
}
constexpr DType same_result(DType dtype) { return dtype; }
constexpr DType bool_result(DType) { return DType::kBool; }
constexpr DType index_result(DType) { return DType::kInt64; }

template <uint32_t kKind>
void decompose(OpCall& call) {
  const Tensor& out = call.outputs[0];
  constexpr bool kAccumulates = kKind == TN_REDUCE_SUM || kKind == TN_REDUCE_PROD;
  constexpr bool kCompares = kKind == TN_REDUCE_MAX || kKind == TN_REDUCE_MIN;
  Tensor converted;
  const Tensor* self = call.inputs[0];
  if (kAccumulates && self->dtype() != out.dtype()) {
    converted = self->to(out.dtype());
    self = &converted;
  }
  const uint32_t mask = self->dim() == 0 ? 1u : mask_of(call);
  // Without a dimension to reduce every value stands for itself.
  if (mask == 0 && (kAccumulates || kCompares)) return primitive::copy(out, *self);
  primitive::reduce(out, *self, kKind, mask);
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
  return {.name = name,
          .schema = schema,
          .doc = doc,
          .flags = flags,
          .boxed = boxed,
          .infer = infer_fn,
          .decompose = decompose_fn};
}

constinit const Op kSum{reduction(
    "sum",
    "sum(Tensor self, int[] dims=[], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    R"(Σ x over dims (all when empty). Shapes: dims removed, or 1 with keepdim.
Dtypes: floats the same (accumulated in ≥ f32), integers and bool int64; with dtype, self is
converted first and the result has that dtype.
Errors: Index for a dim out of range. Source: torch.sum.)",
    &box<&sum>, &infer<wide_result>, &decompose<TN_REDUCE_SUM>)};
constinit const Op kProd{reduction(
    "prod",
    "prod(Tensor self, int[] dims=[], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    R"(Π x over dims (all when empty). Shapes and dtypes as sum. Source: torch.prod.)", &box<&prod>,
    &infer<wide_result>, &decompose<TN_REDUCE_PROD>)};
constinit const Op kAmax{reduction(
    "amax", "amax(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    R"(Greatest value over dims (all when empty); NaN wins; the gradient is shared by ties.
Errors: InvalidArgument when a reduced dimension is empty. Source: torch.amax.)",
    &box<&amax>, &infer_not_empty<same_result>, &decompose<TN_REDUCE_MAX>)};
constinit const Op kAmin{
    reduction("amin", "amin(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
              R"(Least value over dims (all when empty); NaN wins; the gradient is shared by ties.
Errors: InvalidArgument when a reduced dimension is empty. Source: torch.amin.)",
              &box<&amin>, &infer_not_empty<same_result>, &decompose<TN_REDUCE_MIN>)};
constinit const Op kAll{reduction(
    "all", "all(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    "Whether every x ≠ 0 over dims (all when empty); bool, of uint8 uint8. Source: torch.all.",
    &box<&all>, &infer<bool_result>, &decompose<TN_REDUCE_ALL>, kNoGradient)};
constinit const Op kAny{reduction(
    "any", "any(Tensor self, int[] dims=[], bool keepdim=False) -> Tensor",
    "Whether some x ≠ 0 over dims (all when empty); bool, of uint8 uint8. Source: torch.any.",
    &box<&any>, &infer<bool_result>, &decompose<TN_REDUCE_ANY>, kNoGradient)};
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

// f16 and bf16 are summed and divided in f32, and rounded once.
void infer_mean(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  check(self.is_floating_point(), ErrorCode::kDType, "mean",
        "a floating point tensor was expected, got ", self, "; use .to(kFloat32) or dtype first");
  ops::give_reduced(call, self.dtype());
}

void decompose_mean(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor wide = self.to(ops::accumulate_dtype(self.dtype()));
  const Tensor total = sum(wide, ops::dims_of(mask_of(call), self.dim()), call.attributes[1] != 0);
  div_out(call.outputs[0], total, static_cast<double>(ops::reduced_count(self, mask_of(call))));
}

constinit const Op kMean{reduction(
    "mean",
    "mean(Tensor self, int[] dims=[], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
    R"(Σ x / n over dims (all when empty); f16 and bf16 are summed in f32. Empty gives NaN. With
dtype, self is converted first. Errors: DType for integers and bool. Source: torch.mean.)",
    &box<&mean>, &infer_mean, &decompose_mean)};
using Pair = std::pair<Tensor, Tensor>;

constinit const Op kMaxDim{{
    .name = "max",
    .schema = "max(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    .doc = R"(Greatest value along dim and the index of the first of them; NaN is greatest. The
gradient goes to that index. Errors: InvalidArgument when dim is empty. Source: torch.max.)",
    .flags = kComposite,
    .boxed = &box<static_cast<Pair (*)(const Tensor&, int64_t, bool)>(&max)>,
}};
constinit const Op kMinDim{{
    .name = "min",
    .schema = "min(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    .doc = R"(Least value along dim and the index of the first of them; NaN is least. The gradient
goes to that index. Errors: InvalidArgument when dim is empty. Source: torch.min.)",
    .flags = kComposite,
    .boxed = &box<static_cast<Pair (*)(const Tensor&, int64_t, bool)>(&min)>,
}};
constinit const Op kSumToSize{{
    .name = "sum_to_size",
    .schema = "sum_to_size(Tensor self, int[] sizes) -> Tensor",
    .doc = R"(Σ over what broadcasting `sizes` to self's shape repeats: the inverse of expand.
Errors: InvalidArgument when sizes do not broadcast to self. Source: torch.Tensor.sum_to_size.)",
    .flags = kComposite,
    .boxed = &box<&sum_to_size>,
}};

// Sums and products of integers are made in int64 and wrap into a narrower dtype in the end.
Tensor accumulate(const Op& op, const Tensor& self, const Shape& dims, bool keepdim,
                  std::optional<DType> dtype) {
  if (!dtype) return reduce_dims(op, self, dims, keepdim);
  return reduce_dims(op, self.to(*dtype), dims, keepdim).to(*dtype);
}

// bool; of uint8, which once was PyTorch's bool, uint8.
Tensor truth(const Op& op, const Tensor& self, const Shape& dims, bool keepdim) {
  const Tensor result = reduce_dims(op, self, dims, keepdim);
  return self.dtype() == kUInt8 ? result.to(kUInt8) : result;
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

Pair pick(const Op& op, const Tensor& self, int64_t dim, bool keepdim) {
  Tensor index = arg_reduce(op, self, dim, true);
  if (self.dim() == 0) return {self.clone(), index};
  Tensor values = gather(self, dim, index);
  if (keepdim) return {values, index};
  return {values.squeeze(dim), index.squeeze(dim)};
}

}  // namespace

Tensor sum(const Tensor& self, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  return accumulate(kSum, self, dims, keepdim, dtype);
}
Tensor prod(const Tensor& self, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  return accumulate(kProd, self, dims, keepdim, dtype);
}
Tensor mean(const Tensor& self, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  return accumulate(kMean, self, dims, keepdim, dtype);
}
Tensor amax(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAmax, self, dims, keepdim);
}
Tensor amin(const Tensor& self, const Shape& dims, bool keepdim) {
  return reduce_dims(kAmin, self, dims, keepdim);
}
Tensor all(const Tensor& self, const Shape& dims, bool keepdim) {
  return truth(kAll, self, dims, keepdim);
}
Tensor any(const Tensor& self, const Shape& dims, bool keepdim) {
  return truth(kAny, self, dims, keepdim);
}
Tensor argmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_reduce(kArgmax, self, dim, keepdim);
}
Tensor argmin(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_reduce(kArgmin, self, dim, keepdim);
}
Pair max(const Tensor& self, int64_t dim, bool keepdim) {
  return pick(kArgmax, self, dim, keepdim);
}
Pair min(const Tensor& self, int64_t dim, bool keepdim) {
  return pick(kArgmin, self, dim, keepdim);
}

std::pair<Tensor&, Tensor&> max_out(Tensor& values, Tensor& indices, const Tensor& self,
                                    int64_t dim, bool keepdim) {
  return ops::write_out(kMaxDim, values, indices, {&self}, [&] { return max(self, dim, keepdim); });
}
std::pair<Tensor&, Tensor&> min_out(Tensor& values, Tensor& indices, const Tensor& self,
                                    int64_t dim, bool keepdim) {
  return ops::write_out(kMinDim, values, indices, {&self}, [&] { return min(self, dim, keepdim); });
}

Tensor sum_to_size(const Tensor& self, const Shape& sizes) {
  const Shape own = self.sizes();
  if (own == sizes) return self;
  const int64_t lead = own.rank() - sizes.rank();
  check(lead >= 0 && broadcast_shapes(own, sizes, "sum_to_size") == own,
        ErrorCode::kInvalidArgument, "sum_to_size", "sizes ", sizes, " must broadcast to ", own);
  Shape dims;
  bool keeps = lead == 0;  // a dimension of size 1 of `sizes` is summed, or nothing but such
  for (int64_t d = 0; d < own.rank(); ++d) {
    if (d >= lead && (sizes[d - lead] != 1 || own[d] == 1)) continue;
    dims.push_back(d);
    keeps = keeps || d >= lead;
  }
  if (dims.empty()) return self.view(sizes);
  return keeps ? sum(self, dims, true).view(sizes) : sum(self, dims);
}

Tensor& sum_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim,
                std::optional<DType> dtype) {
  return ops::write_out(kSum, out, {&self}, [&] { return sum(self, dims, keepdim, dtype); });
}
Tensor& prod_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim,
                 std::optional<DType> dtype) {
  return ops::write_out(kProd, out, {&self}, [&] { return prod(self, dims, keepdim, dtype); });
}
Tensor& mean_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim,
                 std::optional<DType> dtype) {
  return ops::write_out(kMean, out, {&self}, [&] { return mean(self, dims, keepdim, dtype); });
}
Tensor& amax_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim) {
  return ops::write_out(kAmax, out, {&self}, [&] { return amax(self, dims, keepdim); });
}
Tensor& amin_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim) {
  return ops::write_out(kAmin, out, {&self}, [&] { return amin(self, dims, keepdim); });
}
Tensor& all_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim) {
  return ops::write_out(kAll, out, {&self}, [&] { return all(self, dims, keepdim); });
}
Tensor& any_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim) {
  return ops::write_out(kAny, out, {&self}, [&] { return any(self, dims, keepdim); });
}
Tensor& argmax_out(Tensor& out, const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return ops::write_out(kArgmax, out, {&self}, [&] { return argmax(self, dim, keepdim); });
}
Tensor& argmin_out(Tensor& out, const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return ops::write_out(kArgmin, out, {&self}, [&] { return argmin(self, dim, keepdim); });
}

void register_reduction_ops(OpList& list) {
  for (const Op* op : {&kSum, &kProd, &kMean, &kAmax, &kAmin, &kArgmax, &kArgmin, &kMaxDim,
                       &kMinDim, &kAll, &kAny, &kSumToSize})
    list.add(*op);
  register_statistics_ops(list);
}

}  // namespace tenon
