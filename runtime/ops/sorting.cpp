// Order along a dimension: everything here is a sort and a choice of positions in it.
#include <tenon/runtime/ops/sorting.h>

#include <cmath>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/sorting_internal.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {
namespace {

// ---- sort ----

void infer_sort(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  ops::give_output(call, 0, self.sizes(), self.dtype());
  ops::give_output(call, 1, self.sizes(), kInt64);
}

void decompose_sort(OpCall& call) {
  primitive::sort(as_row(call.outputs[0]), as_row(call.outputs[1]), as_row(*call.inputs[0]),
                  call.attributes[0], call.attributes[1] != 0);
}

std::pair<Tensor, Tensor> sort_boxed(const Tensor& self, std::optional<int64_t> dim,
                                     std::optional<bool> descending, std::optional<bool> stable) {
  return sort(self, dim.value_or(-1), descending.value_or(false), stable.value_or(false));
}
Tensor argsort_boxed(const Tensor& self, std::optional<int64_t> dim, std::optional<bool> descending,
                     std::optional<bool> stable) {
  return argsort(self, dim.value_or(-1), descending.value_or(false), stable.value_or(false));
}
std::pair<Tensor, Tensor> topk_boxed(const Tensor& self, int64_t k, std::optional<int64_t> dim,
                                     std::optional<bool> largest, std::optional<bool> sorted) {
  return topk(self, k, dim.value_or(-1), largest.value_or(true), sorted.value_or(true));
}
std::pair<Tensor, Tensor> kthvalue_boxed(const Tensor& self, int64_t k, std::optional<int64_t> dim,
                                         std::optional<bool> keepdim) {
  return kthvalue(self, k, dim.value_or(-1), keepdim.value_or(false));
}

// attributes: dim, descending
const Op kSort{{
    .name = "sort",
    .schema = "sort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> "
              "(Tensor values, Tensor indices)",
    .doc =
        R"(The elements along dim in order, and where they were: values[i] = self[indices[i]]. Equal
elements keep their order, with or without `stable`. NaN is greater than every number.

Shapes: as self, twice.
Dtypes: any; indices int64.
Errors: Index for a dim out of range.
Source: torch.sort.)",
    .boxed = &box<&sort_boxed>,
    .infer = &infer_sort,
    .decompose = &decompose_sort,
}};

constinit const Op kArgsort{composite_spec(
    "argsort",
    "argsort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
    "The indices of sort. Errors: Index for a dim out of range. Source: torch.argsort.",
    &box<&argsort_boxed>, kNoGradient)};
constinit const Op kMsort{
    composite_spec("msort", "msort(Tensor self) -> Tensor",
                   "The values of sort along dimension 0. Source: torch.msort.", &box<&msort>)};
constinit const Op kTopk{composite_spec(
    "topk",
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> "
    "(Tensor values, Tensor indices)",
    R"(The k greatest (or least) elements along dim in order, greatest (or least) first, and where
they are. Of equal elements the first are taken; the result is in order even without `sorted`.
Shapes: n at dim -> k. Dtypes: numbers; indices int64.
Errors: InvalidArgument for k < 0 or above n; Index for dim; DType for bool. Source: torch.topk.)",
    &box<&topk_boxed>)};
constinit const Op kKthvalue{composite_spec(
    "kthvalue",
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor "
    "indices)",
    R"(The k-th least element along dim, counted from 1, and where it is; NaN counts as greatest.
Shapes: dim removed, or 1 with keepdim. Dtypes: numbers; indices int64.
Errors: InvalidArgument unless 1 <= k <= n; Index for dim; DType for bool. Source: torch.kthvalue.)",
    &box<&kthvalue_boxed>)};

void check_numbers(const Tensor& self, std::string_view op) {
  check(self.dtype() != kBool, ErrorCode::kDType, op, "numbers were expected, got ", self,
        "; convert it with to()");
}

// Element `index` of self along dim, index with extent 1 there.
std::pair<Tensor, Tensor> pick(const Tensor& self, int64_t dim, const Tensor& index, bool keepdim) {
  if (self.dim() == 0) return {clone(self), zeros({}, index.options())};
  const Tensor values = gather(self, dim, index);
  if (keepdim) return {values, index};
  return {squeeze(values, dim), squeeze(index, dim)};
}

// ---- median ----

// Where the median stands in sorted rows of self: of all, or of what is not NaN. n counts them.
Tensor median_position(const Tensor& self, int64_t dim, bool skips_nan) {
  const int64_t n = self.size(dim);
  const Tensor nans = sum(ne(self, self), {dim}, true);
  if (!skips_nan) return where(gt(nans, 0), nans.neg().add(n), (n - 1) / 2);
  // (count - 1) / 2, rounded down, is the number of odd numbers 2j + 1 below count - 1.
  const Tensor last = nans.neg().add(n - 1);
  return sum(lt(numbers_along(self, dim).mul(2).add(1), last), {dim}, true);
}

std::pair<Tensor, Tensor> median_along(std::string_view op, const Tensor& self, int64_t dim,
                                       bool keepdim, bool skips_nan) {
  check_numbers(self, op);
  const int64_t at = wrap_dim(dim, self.dim(), op);
  check(extent_of(self, at) > 0, ErrorCode::kInvalidArgument, op, "dimension ", at, " of ",
        self.sizes(), " is empty; there is no median");
  if (self.dim() == 0) return pick(self, 0, argsort(self), keepdim);
  const Tensor values = self.detach();
  const Tensor position = median_position(values, at, skips_nan);
  return pick(self, at, gather(argsort(values, at), at, position), keepdim);
}

void infer_median(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  check_numbers(self, call.op.name());
  check(self.numel() > 0 || self.is_floating_point(), ErrorCode::kInvalidArgument, call.op.name(),
        "there is no median of nothing in ", self, "; only floating point has NaN");
  ops::give_output(call, 0, {}, self.dtype());
}

template <bool kSkipsNan>
void decompose_median(OpCall& call) {
  const Tensor flat = call.inputs[0]->detach().reshape({-1});
  if (flat.numel() == 0) return primitive::fill(call.outputs[0], NAN);
  primitive::copy(call.outputs[0], median_along(call.op.name(), flat, 0, false, kSkipsNan).first);
}

using MedianDim = std::pair<Tensor, Tensor> (*)(const Tensor&, int64_t, bool);

template <MedianDim kMedianDim>
std::pair<Tensor, Tensor> median_dim_boxed(const Tensor& self, int64_t dim,
                                           std::optional<bool> keepdim) {
  return kMedianDim(self, dim, keepdim.value_or(false));
}

// Without dim of all elements.
template <Tensor (*kAll)(const Tensor&), MedianDim kDim>
std::vector<Value> box_median(std::span<const Value> arguments) {
  const bool along = arguments.size() > 1 && !std::holds_alternative<std::monostate>(arguments[1]);
  return along ? box<&median_dim_boxed<kDim>>(arguments) : box<kAll>(arguments);
}

const Op kMedian{{
    .name = "median",
    .schema = "median(Tensor self, int? dim=None, bool keepdim=False) -> (Tensor, Tensor?)",
    .doc = R"(The middle value in order, the lower one of two; with dim along it, with its index. A
NaN makes the result NaN. The gradient without dim is shared by equal elements, with dim it goes to
the index.

Shapes: () without dim; dim removed, or 1 with keepdim.
Dtypes: numbers; indices int64.
Errors: InvalidArgument when there is nothing (without dim floats give NaN); DType for bool; Index.
Source: torch.median.)",
    .boxed = &box_median<&median, &median>,
    .infer = &infer_median,
    .decompose = &decompose_median<false>,
}};

const Op kNanmedian{{
    .name = "nanmedian",
    .schema = "nanmedian(Tensor self, int? dim=None, bool keepdim=False) -> (Tensor, Tensor?)",
    .doc = R"(median of the elements that are not NaN; NaN when all are.

Shapes, dtypes, errors: as median.
Source: torch.nanmedian.)",
    .boxed = &box_median<&nanmedian, &nanmedian>,
    .infer = &infer_median,
    .decompose = &decompose_median<true>,
}};

}  // namespace

std::pair<Tensor, Tensor> sort(const Tensor& self, int64_t dim, bool descending, bool) {
  const int64_t attributes[] = {wrap_dim(dim, self.dim(), "sort"), descending ? 1 : 0};
  const Tensor* inputs[] = {&self};
  Tensor outputs[2];
  OpCall call{.op = kSort, .inputs = inputs, .attributes = attributes, .outputs = outputs};
  dispatch(call);
  return {outputs[0], outputs[1]};
}

std::pair<Tensor&, Tensor&> sort_out(Tensor& values, Tensor& indices, const Tensor& self,
                                     int64_t dim, bool descending, bool stable) {
  return ops::write_out(kSort, values, indices, {&self},
                        [&] { return sort(self, dim, descending, stable); });
}

Tensor argsort(const Tensor& self, int64_t dim, bool descending, bool stable) {
  (void)wrap_dim(dim, self.dim(), "argsort");
  return sort(self.detach(), dim, descending, stable).second;
}

Tensor msort(const Tensor& self) { return sort(self, 0).first; }

std::pair<Tensor, Tensor> topk(const Tensor& self, int64_t k, int64_t dim, bool largest, bool) {
  check_numbers(self, "topk");
  const int64_t at = wrap_dim(dim, self.dim(), "topk"), extent = extent_of(self, at);
  check(k >= 0 && k <= extent, ErrorCode::kInvalidArgument, "topk", "k must be between 0 and ",
        extent, ", the size of dimension ", at, ", got ", k);
  const Tensor order = argsort(self, at, largest);
  if (self.dim() == 0) return {clone(self), order};
  const Tensor index = clone(narrow(order, at, 0, k));  // the rest of the order is not kept
  return {gather(self, at, index), index};
}

std::pair<Tensor&, Tensor&> topk_out(Tensor& values, Tensor& indices, const Tensor& self, int64_t k,
                                     int64_t dim, bool largest, bool sorted) {
  return ops::write_out(kTopk, values, indices, {&self},
                        [&] { return topk(self, k, dim, largest, sorted); });
}

std::pair<Tensor, Tensor> kthvalue(const Tensor& self, int64_t k, int64_t dim, bool keepdim) {
  check_numbers(self, "kthvalue");
  const int64_t at = wrap_dim(dim, self.dim(), "kthvalue"), extent = extent_of(self, at);
  check(k >= 1 && k <= extent, ErrorCode::kInvalidArgument, "kthvalue", "k must be between 1 and ",
        extent, ", the size of dimension ", at, ", got ", k);
  const Tensor order = argsort(self, at);
  return pick(self, at, self.dim() == 0 ? order : clone(narrow(order, at, k - 1, 1)), keepdim);
}

std::pair<Tensor&, Tensor&> kthvalue_out(Tensor& values, Tensor& indices, const Tensor& self,
                                         int64_t k, int64_t dim, bool keepdim) {
  return ops::write_out(kKthvalue, values, indices, {&self},
                        [&] { return kthvalue(self, k, dim, keepdim); });
}

Tensor median(const Tensor& self) { return call_op(kMedian, {&self}); }
std::pair<Tensor, Tensor> median(const Tensor& self, int64_t dim, bool keepdim) {
  return median_along("median", self, dim, keepdim, false);
}
std::pair<Tensor&, Tensor&> median_out(Tensor& values, Tensor& indices, const Tensor& self,
                                       int64_t dim, bool keepdim) {
  return ops::write_out(kMedian, values, indices, {&self},
                        [&] { return median(self, dim, keepdim); });
}
Tensor nanmedian(const Tensor& self) { return call_op(kNanmedian, {&self}); }
std::pair<Tensor, Tensor> nanmedian(const Tensor& self, int64_t dim, bool keepdim) {
  return median_along("nanmedian", self, dim, keepdim, true);
}

std::pair<Tensor&, Tensor&> nanmedian_out(Tensor& values, Tensor& indices, const Tensor& self,
                                          int64_t dim, bool keepdim) {
  return ops::write_out(kNanmedian, values, indices, {&self},
                        [&] { return nanmedian(self, dim, keepdim); });
}

void register_sorting_ops(OpList& list) {
  for (const Op* op : {&kSort, &kArgsort, &kMsort, &kTopk, &kKthvalue, &kMedian, &kNanmedian})
    list.add(*op);
  register_scan_ops(list);
  register_search_ops(list);
}

}  // namespace tenon
