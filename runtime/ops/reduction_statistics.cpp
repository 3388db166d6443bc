// Sums over what is not NaN, spread, norms.
#include <cmath>
#include <limits>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/reduction_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using ops::mask_of;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool keepdim_of(const OpCall& call) { return call.attributes[1] != 0; }
Shape dims_of(const OpCall& call) { return ops::dims_of(mask_of(call), call.inputs[0]->dim()); }

// f16 and bf16 are computed in f32 and rounded once.
Tensor widened(const Tensor& self) { return self.to(ops::accumulate_dtype(self.dtype())); }

void infer_same(OpCall& call) {
  ops::check_floating(call, *call.inputs[0]);
  ops::give_reduced(call, call.inputs[0]->dtype());
}

// ---- var and std; scalar 0: correction ----

// In two passes, mean first, so that a mean far from 0 costs no digits.
Tensor variance(const OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor wide = widened(self);
  const Tensor centred = wide.sub(mean(wide, dims_of(call), true));
  const Tensor total = sum(square(centred), dims_of(call), keepdim_of(call));
  const auto count = static_cast<double>(ops::reduced_count(self, mask_of(call)));
  return total.div(std::fmax(0.0, count - call.scalars[0].to_double()));
}

void decompose_var(OpCall& call) { primitive::copy(call.outputs[0], variance(call)); }
void decompose_std(OpCall& call) { primitive::copy(call.outputs[0], variance(call).sqrt()); }

const Op kVar{{
    .name = "var",
    .schema =
        "var(Tensor self, int[] dims=[], *, Scalar correction=1, bool keepdim=False) -> Tensor",
    .doc = R"(Variance over dims (all when empty): sum of (x - mean)^2 / max(0, n - correction).

Shapes: dims removed, or 1 with keepdim.
Dtypes: floating point; f16 and bf16 are computed in f32 and rounded once. n <= correction gives
  NaN or infinity.
Errors: DType for integers and bool; Index for a dim out of range.
Source: torch.var.)",
    .boxed = &box<&var>,
    .infer = &infer_same,
    .decompose = &decompose_var,
}};

const Op kStd{{
    .name = "std",
    .schema =
        "std(Tensor self, int[] dims=[], *, Scalar correction=1, bool keepdim=False) -> Tensor",
    .doc =
        R"(Standard deviation over dims: the square root of var. Where it is 0 so is the gradient.

Shapes, dtypes, errors: as var.
Source: torch.std.)",
    .boxed = &box<&std>,
    .infer = &infer_same,
    .decompose = &decompose_std,
}};

const Op kVarMean{{
    .name = "var_mean",
    .schema = "var_mean(Tensor self, int[] dims=[], *, Scalar correction=1, bool keepdim=False) -> "
              "(Tensor var, Tensor mean)",
    .doc =
        R"(Variance and mean over dims. Shapes, dtypes, errors: as var. Source: torch.var_mean.)",
    .flags = kComposite,
    .boxed = &box<&var_mean>,
}};

const Op kStdMean{{
    .name = "std_mean",
    .schema = "std_mean(Tensor self, int[] dims=[], *, Scalar correction=1, bool keepdim=False) -> "
              "(Tensor std, Tensor mean)",
    .doc = R"(Standard deviation and mean over dims. Shapes, dtypes, errors: as var.
Source: torch.std_mean.)",
    .flags = kComposite,
    .boxed = &box<&std_mean>,
}};

// ---- logsumexp ----

void decompose_logsumexp(OpCall& call) {
  const Tensor& out = call.outputs[0];
  if (call.inputs[0]->numel() == 0) return primitive::fill(out, -kInfinity);
  const Tensor x = widened(*call.inputs[0]);
  const Tensor top = amax(x, dims_of(call), true);
  const Tensor shift = where(eq(abs(top), kInfinity), 0.0, top);  // inf - inf would be NaN
  const Tensor total = sum(exp(x.sub(shift)), dims_of(call), true);
  primitive::copy(out, total.log().add(shift).view(out.sizes()));
}

const Op kLogsumexp{{
    .name = "logsumexp",
    .schema = "logsumexp(Tensor self, int[] dims, bool keepdim=False) -> Tensor",
    .doc = R"(m + log of the sum of e^(x - m) over dims (all when empty), with m the greatest value.

Shapes: dims removed, or 1 with keepdim; nothing to sum gives -inf.
Dtypes: floating point (f16 and bf16 in f32, rounded once); integers and bool as the default float.
Errors: Index for a dim out of range; InvalidArgument for one named twice.
Source: torch.logsumexp.)",
    .boxed = &box<&logsumexp>,
    .infer = &infer_same,
    .decompose = &decompose_logsumexp,
}};

// ---- norms; scalar 0: ord ----

void infer_norm(OpCall& call) {
  infer_same(call);
  const Tensor& self = *call.inputs[0];
  const double ord = call.scalars[0].to_double();
  check(ops::reduced_count(self, mask_of(call)) > 0 || (ord >= 0 && ord < kInfinity),
        ErrorCode::kInvalidArgument, call.op.name(), "the norm of order ", ord,
        " has no identity for an empty dimension, got ", self, "; use a finite order >= 0");
}

void decompose_norm(OpCall& call) {
  const Tensor x = widened(*call.inputs[0]);
  const Shape dims = dims_of(call);
  const double ord = call.scalars[0].to_double();
  const bool keepdim = keepdim_of(call);
  const auto norm_of = [&]() -> Tensor {
    if (ord == 0) return sum(ne(x, 0).to(x.dtype()), dims, keepdim);
    if (ord == 1) return sum(abs(x), dims, keepdim);
    if (ord == 2) return sum(square(x), dims, keepdim).sqrt();
    if (ord == kInfinity) return amax(abs(x), dims, keepdim);
    if (ord == -kInfinity) return amin(abs(x), dims, keepdim);
    return sum(abs(x).pow(ord), dims, keepdim).pow(1 / ord);
  };
  primitive::copy(call.outputs[0], norm_of());
}

const Op kVectorNorm{{
    .name = "linalg_vector_norm",
    .schema = "linalg_vector_norm(Tensor self, Scalar ord=2, int[] dims=[], bool keepdim=False, *, "
              "ScalarType? dtype=None) -> Tensor",
    .doc = R"((sum of |x|^ord)^(1/ord) over dims (all when empty). ord 0 counts what is not 0, ord
inf and -inf are the greatest and least |x|. Equal extremes share the gradient; at norm 0 it is 0.

Shapes: dims removed, or 1 with keepdim.
Dtypes: floating point (f16 and bf16 in f32, rounded once); dtype converts self first and may not
  be narrower.
Errors: DType; InvalidArgument for an empty dimension where ord < 0 or infinite; Index.
Source: torch.linalg.vector_norm.)",
    .boxed = &box<&linalg_vector_norm>,
    .infer = &infer_norm,
    .decompose = &decompose_norm,
}};

const Op kNorm{{
    .name = "norm",
    .schema = "norm(Tensor self, Scalar p=2, int[] dims=[], bool keepdim=False, *, "
              "ScalarType? dtype=None) -> Tensor",
    .doc = R"(linalg_vector_norm(self, p, dims, keepdim, dtype): of a matrix too, entry by entry.
Source: torch.norm.)",
    .flags = kComposite,
    .boxed = &box<&norm>,
}};

Tensor wide_enough(const Tensor& self, std::optional<DType> dtype) {
  if (!dtype) return self;
  check(is_floating_point(*dtype) && promote(self.dtype(), *dtype) == *dtype, ErrorCode::kDType,
        "linalg_vector_norm", "dtype must be floating point and not narrower than the input's ",
        self.dtype(), ", got ", *dtype, "; convert with to()");
  return self.to(*dtype);
}

// ---- composites ----

const Op kNansum{{
    .name = "nansum",
    .schema =
        "nansum(Tensor self, int[] dims=[], bool keepdim=False, *, ScalarType? dtype=None) -> "
        "Tensor",
    .doc = R"(Sum over dims (all when empty) with NaN counted as 0; integers and bool as sum.
Shapes, dtypes, errors: as sum. Source: torch.nansum.)",
    .flags = kComposite,
    .boxed = &box<&nansum>,
}};

const Op kNanmean{{
    .name = "nanmean",
    .schema = "nanmean(Tensor self, int[] dims=[], bool keepdim=False, *, ScalarType? dtype=None) "
              "-> Tensor",
    .doc = R"(Mean over dims (all when empty) of what is not NaN; NaN where nothing is left.
Shapes, dtypes, errors: as mean. Source: torch.nanmean.)",
    .flags = kComposite,
    .boxed = &box<&nanmean>,
}};

const Op kAminmax{{
    .name = "aminmax",
    .schema =
        "aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
    .doc =
        R"(Least and greatest value along dim (of all when None); NaN wins; ties share the gradient.
Errors: InvalidArgument when there is nothing to compare; Index. Source: torch.aminmax.)",
    .flags = kComposite,
    .boxed = &box<&aminmax>,
}};

// NaN replaced by 0.
Tensor without_nan(const Tensor& self) {
  return self.is_floating_point() ? where(isnan(self), 0.0, self) : self;
}

}  // namespace

Tensor var(const Tensor& self, const Shape& dims, Scalar correction, bool keepdim) {
  return ops::reduce_dims(kVar, self, dims, keepdim, {correction});
}
Tensor& var_out(Tensor& out, const Tensor& self, const Shape& dims, Scalar correction,
                bool keepdim) {
  return ops::write_out(kVar, out, {&self}, [&] { return var(self, dims, correction, keepdim); });
}
Tensor std(const Tensor& self, const Shape& dims, Scalar correction, bool keepdim) {
  return ops::reduce_dims(kStd, self, dims, keepdim, {correction});
}
Tensor& std_out(Tensor& out, const Tensor& self, const Shape& dims, Scalar correction,
                bool keepdim) {
  return ops::write_out(kStd, out, {&self},
                        [&] { return tenon::std(self, dims, correction, keepdim); });
}
std::pair<Tensor, Tensor> var_mean(const Tensor& self, const Shape& dims, Scalar correction,
                                   bool keepdim) {
  return {var(self, dims, correction, keepdim), mean(self, dims, keepdim)};
}
std::pair<Tensor, Tensor> std_mean(const Tensor& self, const Shape& dims, Scalar correction,
                                   bool keepdim) {
  return {tenon::std(self, dims, correction, keepdim), mean(self, dims, keepdim)};
}

Tensor logsumexp(const Tensor& self, const Shape& dims, bool keepdim) {
  const Tensor real = self.is_floating_point() ? self : self.to(default_dtype());
  return ops::reduce_dims(kLogsumexp, real, dims, keepdim);
}
Tensor& logsumexp_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim) {
  return ops::write_out(kLogsumexp, out, {&self}, [&] { return logsumexp(self, dims, keepdim); });
}

Tensor linalg_vector_norm(const Tensor& self, Scalar ord, const Shape& dims, bool keepdim,
                          std::optional<DType> dtype) {
  return ops::reduce_dims(kVectorNorm, wide_enough(self, dtype), dims, keepdim, {ord.to_double()});
}
Tensor& linalg_vector_norm_out(Tensor& out, const Tensor& self, Scalar ord, const Shape& dims,
                               bool keepdim, std::optional<DType> dtype) {
  return ops::write_out(kVectorNorm, out, {&self},
                        [&] { return linalg_vector_norm(self, ord, dims, keepdim, dtype); });
}
Tensor norm(const Tensor& self, Scalar p, const Shape& dims, bool keepdim,
            std::optional<DType> dtype) {
  return linalg_vector_norm(self, p, dims, keepdim, dtype);
}
Tensor& norm_out(Tensor& out, const Tensor& self, Scalar p, const Shape& dims, bool keepdim,
                 std::optional<DType> dtype) {
  return ops::write_out(kNorm, out, {&self}, [&] { return norm(self, p, dims, keepdim, dtype); });
}

Tensor nansum(const Tensor& self, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  return sum(without_nan(self), dims, keepdim, dtype);
}
Tensor& nansum_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim,
                   std::optional<DType> dtype) {
  return ops::write_out(kNansum, out, {&self}, [&] { return nansum(self, dims, keepdim, dtype); });
}

Tensor nanmean(const Tensor& self, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  check(self.is_floating_point(), ErrorCode::kDType, "nanmean",
        "a floating point tensor was expected, got ", self, "; use .to(kFloat32) first");
  const DType result = dtype.value_or(self.dtype());
  const DType wide = ops::accumulate_dtype(result);
  const Tensor count = sum(logical_not(isnan(self.detach())), dims, keepdim);
  return nansum(ops::converted(self, dtype), dims, keepdim, wide).div(count.to(wide)).to(result);
}
Tensor& nanmean_out(Tensor& out, const Tensor& self, const Shape& dims, bool keepdim,
                    std::optional<DType> dtype) {
  return ops::write_out(kNanmean, out, {&self},
                        [&] { return nanmean(self, dims, keepdim, dtype); });
}

std::pair<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  const Shape dims = dim ? Shape{*dim} : Shape{};
  return {amin(self, dims, keepdim), amax(self, dims, keepdim)};
}
std::pair<Tensor&, Tensor&> aminmax_out(Tensor& least, Tensor& greatest, const Tensor& self,
                                        std::optional<int64_t> dim, bool keepdim) {
  return ops::write_out(kAminmax, least, greatest, {&self},
                        [&] { return aminmax(self, dim, keepdim); });
}

void register_statistics_ops(OpList& list) {
  for (const Op* op : {&kVar, &kStd, &kVarMean, &kStdMean, &kLogsumexp, &kVectorNorm, &kNorm,
                       &kNansum, &kNanmean, &kAminmax})
    list.add(*op);
}

}  // namespace tenon
