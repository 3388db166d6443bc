// Running totals along a dimension. The ABI scans sums and products; other totals are joined from
// spans that double: after the step with distance s, element i holds the total of the 2s up to it.
#include <tenon/runtime/ops/sorting.h>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/sorting_internal.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {
namespace {

// ---- cumsum and cumprod ----

void infer_scan(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  ops::give_output(call, 0, self.sizes(), self.is_floating_point() ? self.dtype() : kInt64);
}

template <uint32_t kKind>
void decompose_scan(OpCall& call) {
  const Tensor& out = call.outputs[0];
  primitive::scan(as_row(out), as_row(call.inputs[0]->to(out.dtype())), call.attributes[0], kKind);
}

// attributes: dim
const Op kCumsum{{
    .name = "cumsum",
    .schema = "cumsum(Tensor self, int dim, *, dtype? dtype=None) -> Tensor",
    .doc = R"(out[i] = self[0] + ... + self[i] along dim.

Shapes: as self.
Dtypes: floats the same (accumulated in f32 or wider), integers and bool int64; with dtype self is
  converted first, integers narrower than int64 wrap.
Errors: Index for a dim out of range.
Source: torch.cumsum.)",
    .flags = kInPlaceForm,
    .boxed = &box<&cumsum>,
    .infer = &infer_scan,
    .decompose = &decompose_scan<TN_SCAN_SUM>,
}};

const Op kCumprod{{
    .name = "cumprod",
    .schema = "cumprod(Tensor self, int dim, *, dtype? dtype=None) -> Tensor",
    .doc = R"(out[i] = self[0] * ... * self[i] along dim.

Shapes, dtypes, errors: as cumsum.
Source: torch.cumprod.)",
    .flags = kInPlaceForm,
    .boxed = &box<&cumprod>,
    .infer = &infer_scan,
    .decompose = &decompose_scan<TN_SCAN_PROD>,
}};

// Totals of integers are taken in int64 whatever the dtype is: the low bits are the same.
Tensor scan_as(const Op& op, const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const int64_t at = wrap_dim(dim, self.dim(), op.name());
  const Tensor from = dtype ? self.to(*dtype) : self;
  const Tensor total = call_op(op, {&from}, {at});
  return dtype ? total.to(*dtype) : total;
}

Tensor& scan_in_place(const Op& op, Tensor& self, int64_t dim) {
  check(self.dtype() != kBool, ErrorCode::kDType, op.name(),
        "a bool tensor can't hold its running totals; use the form without _");
  // The derivative asks for the values from before.
  return self.copy_(scan_as(op, self.requires_grad() ? clone(self) : self, dim, {}));
}

// ---- totals by doubling ----

struct Span {
  Tensor earlier, later;
};

// Elements i - distance and i, for the i that have both.
Span pairs(const Tensor& x, int64_t dim, int64_t distance) {
  const int64_t count = x.size(dim) - distance;
  return {narrow(x, dim, 0, count), narrow(x, dim, distance, count)};
}

// The first `distance` elements of x are final, the others become `joined`.
Tensor advanced(const Tensor& x, int64_t dim, int64_t distance, const Tensor& joined) {
  const Tensor parts[] = {narrow(x, dim, 0, distance), joined};
  return cat(parts, dim);
}

template <Tensor (*kReaches)(const Operand&, const Operand&)>
std::pair<Tensor, Tensor> cumulative_extreme(std::string_view op, const Tensor& self, int64_t dim) {
  const int64_t at = wrap_dim(dim, self.dim(), op);
  if (self.dim() == 0) return {clone(self), zeros({}, self.options().dtype(kInt64))};
  Tensor values = self.detach();
  Tensor index = numbers_along(self, at).expand(self.sizes());
  for (int64_t distance = 1; distance < self.size(at); distance *= 2) {
    const auto [earlier, later] = pairs(values, at, distance);
    const auto [earlier_index, later_index] = pairs(index, at, distance);
    // A NaN is reached by NaN alone.
    const Tensor wins = logical_or(kReaches(later, earlier), ne(later, later));
    values = advanced(values, at, distance, where(wins, later, earlier));
    index = advanced(index, at, distance, where(wins, later_index, earlier_index));
  }
  index = contiguous(index);
  return {gather(self, at, index), index};
}

constinit const Op kCummax{composite_spec(
    "cummax", "cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)",
    R"(The greatest element up to each one along dim, and where it is: the last of equals. A NaN stays.
Shapes: as self, twice. Dtypes: any; indices int64.
Errors: Index for a dim out of range. Source: torch.cummax.)",
    &box<&cummax>)};
constinit const Op kCummin{composite_spec(
    "cummin", "cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)",
    R"(The least element up to each one along dim, and where it is: the last of equals. A NaN stays.
Shapes: as self, twice. Dtypes: any; indices int64.
Errors: Index for a dim out of range. Source: torch.cummin.)",
    &box<&cummin>)};
constinit const Op kLogcumsumexp{composite_spec(
    "logcumsumexp", "logcumsumexp(Tensor self, int dim) -> Tensor",
    R"(out[i] = ln(e^self[0] + ... + e^self[i]) along dim, each sum relative to its greater part, so that
nothing overflows. Dtypes: floats (f16 and bf16 in f32).
Errors: DType for others; Index for a dim out of range. Source: torch.logcumsumexp.)",
    &box<&logcumsumexp>)};

// ln(e^a + e^b), relative to the greater one where it is finite.
Tensor log_add(const Tensor& a, const Tensor& b) {
  const Tensor greater = maximum(a.detach(), b.detach());
  const Tensor base = where(eq(greater.sub(greater), 0), greater, 0.0);
  return log(exp(a.sub(base)).add(exp(b.sub(base)))).add(base);
}

Tensor diff_boxed(const Tensor& self, std::optional<int64_t> n, std::optional<int64_t> dim,
                  const Tensor& prepend, const Tensor& append) {
  return diff(self, n.value_or(1), dim.value_or(-1), prepend, append);
}

constinit const Op kDiff{composite_spec(
    "diff",
    "diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
    R"(out[i] = self[i + 1] - self[i] along dim, n times; for bool whether they differ. prepend and
append are joined to self first. Shapes: m at dim -> max(m - n, 0).
Errors: InvalidArgument for n < 0, 0 dimensions, or sizes that can't be joined; Index for dim.
Source: torch.diff.)",
    &box<&diff_boxed>)};

}  // namespace

Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return scan_as(kCumsum, self, dim, dtype);
}
Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return scan_as(kCumprod, self, dim, dtype);
}
Tensor& cumsum_(Tensor& self, int64_t dim) { return scan_in_place(kCumsum, self, dim); }
Tensor& cumprod_(Tensor& self, int64_t dim) { return scan_in_place(kCumprod, self, dim); }
Tensor& cumsum_out(Tensor& out, const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return store_result(kCumsum, out, cumsum(self, dim, dtype));
}
Tensor& cumprod_out(Tensor& out, const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return store_result(kCumprod, out, cumprod(self, dim, dtype));
}

std::pair<Tensor, Tensor> cummax(const Tensor& self, int64_t dim) {
  return cumulative_extreme<&ge>("cummax", self, dim);
}
std::pair<Tensor, Tensor> cummin(const Tensor& self, int64_t dim) {
  return cumulative_extreme<&le>("cummin", self, dim);
}

std::pair<Tensor&, Tensor&> cummax_out(Tensor& values, Tensor& indices, const Tensor& self,
                                       int64_t dim) {
  return ops::write_out(kCummax, values, indices, {&self}, [&] { return cummax(self, dim); });
}
std::pair<Tensor&, Tensor&> cummin_out(Tensor& values, Tensor& indices, const Tensor& self,
                                       int64_t dim) {
  return ops::write_out(kCummin, values, indices, {&self}, [&] { return cummin(self, dim); });
}

Tensor logcumsumexp(const Tensor& self, int64_t dim) {
  check(self.is_floating_point(), ErrorCode::kDType, "logcumsumexp",
        "a floating point tensor was expected, got ", self, "; use .to(kFloat32) first");
  const int64_t at = wrap_dim(dim, self.dim(), "logcumsumexp");
  if (self.dim() == 0) return clone(self);
  Tensor total = self.to(ops::accumulate_dtype(self.dtype()));
  for (int64_t distance = 1; distance < self.size(at); distance *= 2) {
    const auto [earlier, later] = pairs(total, at, distance);
    total = advanced(total, at, distance, log_add(earlier, later));
  }
  return total.is_same(self) ? clone(self) : total.to(self.dtype());
}

Tensor diff(const Tensor& self, int64_t n, int64_t dim, const Tensor& prepend,
            const Tensor& append) {
  check(self.dim() > 0, ErrorCode::kInvalidArgument, "diff",
        "at least one dimension was expected, got ", self);
  check(n >= 0, ErrorCode::kInvalidArgument, "diff", "n must be >= 0, got ", n);
  const int64_t at = wrap_dim(dim, self.dim(), "diff");
  std::vector<Tensor> parts;
  for (const Tensor& part : {prepend, self, append})
    if (part.defined()) parts.push_back(part);
  Tensor x = parts.size() > 1 ? cat(parts, at) : self;
  if (n == 0) return clone(x);
  for (int64_t i = 0; i < n && x.size(at) > 0; ++i) {
    const auto [earlier, later] = pairs(x, at, 1);
    x = x.dtype() == kBool ? ne(later, earlier) : sub(later, earlier);
  }
  return x;
}

void register_scan_ops(OpList& list) {
  for (const Op* op : {&kCumsum, &kCumprod, &kCummax, &kCummin, &kLogcumsumexp, &kDiff})
    list.add(*op);
}

}  // namespace tenon
