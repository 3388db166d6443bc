// Distinct values, places in sorted rows, counts.
#include <tenon/runtime/ops/sorting.h>

#include <cmath>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/sorting_internal.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {
namespace {

// ---- unique and unique_consecutive ----

std::vector<Tensor> unique_list(const Tensor& self, std::optional<bool> sorted,
                                std::optional<bool> inverse, std::optional<bool> counts,
                                std::optional<int64_t> dim) {
  const auto [a, b, c] =
      unique(self, sorted.value_or(true), inverse.value_or(false), counts.value_or(false), dim);
  return {a, b, c};
}
std::vector<Tensor> unique_consecutive_list(const Tensor& self, std::optional<bool> inverse,
                                            std::optional<bool> counts,
                                            std::optional<int64_t> dim) {
  const auto [a, b, c] =
      unique_consecutive(self, inverse.value_or(false), counts.value_or(false), dim);
  return {a, b, c};
}

// Results that were asked for, one by one.
template <auto F>
std::vector<Value> box_given(std::span<const Value> arguments) {
  const std::vector<Value> list = box<F>(arguments);
  std::vector<Value> results;
  for (const Tensor& one : std::get<std::vector<Tensor>>(list[0]))
    if (one.defined()) results.emplace_back(one);
  return results;
}

constinit const Op kUnique{composite_spec(
    "unique",
    "unique(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False, "
    "int? dim=None) -> (Tensor, Tensor?, Tensor?)",
    R"(The distinct values in ascending order (even without `sorted`), for every element the number of
its value, and how often each value came. Every NaN is a value of its own. With dim the values are
slices along dim, in lexicographic order. The host reads how many values there are.
Shapes: (m), sizes of self, (m); with dim m at dim, (n), (m). Dtypes: any; the others int64.
Errors: Index for dim. Source: torch.unique.)",
    &box_given<&unique_list>, kNoGradient)};
constinit const Op kUniqueConsecutive{composite_spec(
    "unique_consecutive",
    "unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, "
    "int? dim=None) -> (Tensor, Tensor?, Tensor?)",
    R"(Of every run of equal neighbours the first, for every element the number of its run, and the
lengths of the runs; without dim in the flattened tensor. The host reads how many runs there are.
Shapes, dtypes, errors: as unique. Source: torch.unique_consecutive.)",
    &box_given<&unique_consecutive_list>, kNoGradient)};

// Rows (n, k) of x along dim, or its elements (n, 1).
Tensor rows_of(const Tensor& x, std::optional<int64_t> dim) {
  if (!dim) return x.reshape({x.numel(), 1});
  const Tensor first = movedim(x, *dim, 0);
  const int64_t n = first.size(0);
  return first.reshape({n, first.sizes().slice(1, first.dim()).numel()});
}

struct Runs {
  Tensor starts, numbers, counts;  // (m) of the first rows, (n) of each row's run, (m)
};

// The runs of equal rows.
Runs runs_of(const Tensor& rows) {
  const int64_t n = rows.size(0);
  const TensorOptions options(kInt64, rows.device());
  const Tensor changes =
      n > 1 ? any(ne(narrow(rows, 0, 1, n - 1), narrow(rows, 0, 0, n - 1)), {1}) : Tensor();
  const Tensor first = ones({std::min<int64_t>(n, 1)}, options.dtype(kBool));
  const Tensor parts[] = {first, n > 1 ? changes : first};
  const Tensor begins = n > 1 ? cat(parts, 0) : first;
  const Tensor starts = empty({primitive::nonzero_count(begins), 1}, options);
  primitive::nonzero(starts, begins);
  const Tensor ends[] = {starts.reshape({-1}), full({1}, n, options)};
  return {ends[0], cumsum(begins, 0).sub(1), diff(cat(ends, 0))};
}

// Stable order of rows (n, k) by column 0, then 1, ...: sorted by the last column first.
Tensor row_order(const Tensor& rows) {
  Tensor order = arange(rows.size(0), TensorOptions(kInt64, rows.device()));
  for (int64_t column = rows.size(1) - 1; column >= 0; --column) {
    const Tensor keys = select(rows, 1, column);
    order = gather(order, 0, argsort(gather(keys, 0, order), 0));
  }
  return order;
}

std::optional<int64_t> row_dim(const Tensor& self, std::optional<int64_t> dim,
                               std::string_view op) {
  check(self.defined(), ErrorCode::kInvalidArgument, op, "a defined tensor was expected");
  if (!dim) return {};
  check(self.dim() > 0, ErrorCode::kIndex, op, "a 0-dim tensor has no dim; leave it out");
  return wrap_dim(*dim, self.dim(), op);
}

// The results for rows that come in `order` (undefined: as they are).
std::tuple<Tensor, Tensor, Tensor> distinct(const Tensor& self, std::optional<int64_t> dim,
                                            const Tensor& rows, const Tensor& order, bool inverse,
                                            bool counts) {
  const Runs runs = runs_of(order.defined() ? index_select(rows, 0, order) : rows);
  const Tensor chosen = order.defined() ? gather(order, 0, runs.starts) : runs.starts;
  const Tensor values =
      dim ? index_select(self, *dim, chosen) : gather(self.reshape({self.numel()}), 0, chosen);
  Tensor numbers;
  if (inverse) {
    numbers = runs.numbers;
    if (order.defined()) {
      numbers = empty(runs.numbers.sizes(), runs.numbers.options());
      primitive::scatter(numbers, order, runs.numbers, 0, TN_SCATTER_SET);
    }
    if (!dim) numbers = numbers.view(self.sizes());
  }
  return {values, numbers, counts ? runs.counts : Tensor()};
}

// ---- searchsorted and bucketize ----

Tensor searchsorted_boxed(const Tensor& sequence, const Operand& values,
                          std::optional<bool> out_int32, std::optional<bool> right,
                          const Tensor& sorter) {
  return searchsorted(sequence, values, out_int32.value_or(false), right.value_or(false), sorter);
}
Tensor bucketize_boxed(const Operand& values, const Tensor& boundaries,
                       std::optional<bool> out_int32, std::optional<bool> right) {
  return bucketize(values, boundaries, out_int32.value_or(false), right.value_or(false));
}
Tensor histc_boxed(const Tensor& self, std::optional<int64_t> bins, std::optional<Scalar> min,
                   std::optional<Scalar> max) {
  return histc(self, bins.value_or(100), min.value_or(0), max.value_or(0));
}

constinit const Op kSearchsorted{composite_spec(
    "searchsorted",
    "searchsorted(Tensor sorted_sequence, Tensor|Scalar values, *, bool out_int32=False, "
    "bool right=False, Tensor? sorter=None) -> Tensor",
    R"(The number of elements of the row that are below the value (right: not above it): where it
would be put in. Rows are sequences along the last dimension in ascending order, or in the order of
the indices in sorter. NaN belongs at the end.
Shapes: one row (n) for values of any shape, or (..., n) for values (..., m); as values.
Dtypes: numbers, promoted to the common one -> int64, or int32.
Errors: InvalidArgument for other sizes; DType for bool or a sorter that is not int64.
Source: torch.searchsorted.)",
    &box<&searchsorted_boxed>, kNoGradient)};
constinit const Op kBucketize{composite_spec(
    "bucketize",
    "bucketize(Tensor|Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) "
    "-> Tensor",
    R"(searchsorted(boundaries, self) for one row of boundaries: the number of the bucket of each value.
Errors: InvalidArgument unless boundaries has one dimension; as searchsorted.
Source: torch.bucketize.)",
    &box<&bucketize_boxed>, kNoGradient)};
constinit const Op kHistc{composite_spec(
    "histc", "histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
    R"(How many elements lie in each of `bins` equal parts of [min, max]; the last part has its end,
what lies outside and NaN is left out. With min = max the extremes of self are taken (the host reads
them), one more on both sides when they are equal.
Shapes: any -> (bins). Dtypes: floats -> the same.
Errors: InvalidArgument for bins < 1, max < min or ends that are not finite; DType.
Source: torch.histc.)",
    &box<&histc_boxed>, kNoGradient)};

Tensor as_tensor(const Operand& value, const Tensor& like) {
  if (value.is_tensor()) return value.tensor().detach();
  const bool real = value.scalar().is_double() && !like.is_floating_point();
  return full({}, value.scalar(), like.options().dtype(real ? default_dtype() : like.dtype()));
}

void check_search(std::string_view op, const Tensor& sequence, const Tensor& values) {
  check(sequence.dtype() != kBool && values.dtype() != kBool, ErrorCode::kDType, op,
        "numbers were expected, got ", sequence, " and ", values, "; convert them with to()");
  check(sequence.device() == values.device(), ErrorCode::kDevice, op,
        "all tensors must be on one device, got ", sequence.device(), " and ", values.device(),
        "; move one with to()");
  check(sequence.dim() > 0, ErrorCode::kInvalidArgument, op,
        "a sorted sequence needs a dimension, got ", sequence);
  const int64_t lead = sequence.dim() - 1;
  const bool fits = lead == 0 || (values.dim() == sequence.dim() &&
                                  values.sizes().slice(0, lead) == sequence.sizes().slice(0, lead));
  check(fits, ErrorCode::kInvalidArgument, op,
        "one row, or the same sizes but for the last were expected, got ", sequence.sizes(),
        " and values of ", values.sizes());
}

// How many elements at the start of rows (..., n) come before values (..., m). Halves the distance:
// `found` of them are known to.
Tensor count_before(const Tensor& rows, const Tensor& values, bool right) {
  const int64_t n = rows.size(-1), dim = rows.dim() - 1;
  Tensor found = zeros(values.sizes(), values.options().dtype(kInt64));
  int64_t step = 1;
  while (step <= n / 2) step *= 2;
  for (; step > 0 && n > 0; step /= 2) {
    const Tensor tried = found.add(step);
    const Tensor probe = gather(rows, dim, clamp(tried, 1, n).sub(1));
    // NaN belongs at the end: everything is before it.
    Tensor stays = right ? gt(probe, values) : ge(probe, values);
    if (values.is_floating_point())
      stays = logical_or(stays, logical_and(isnan(probe), logical_not(isnan(values))));
    found = where(logical_and(logical_not(stays), le(tried, n)), tried, found);
  }
  return found;
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> unique(const Tensor& self, bool, bool return_inverse,
                                          bool return_counts, std::optional<int64_t> dim) {
  const std::optional<int64_t> at = row_dim(self, dim, "unique");
  const RecordingScope off(false);
  const Tensor rows = rows_of(self.detach(), at);
  return distinct(self.detach(), at, rows, row_order(rows), return_inverse, return_counts);
}

std::tuple<Tensor, Tensor, Tensor> unique_consecutive(const Tensor& self, bool return_inverse,
                                                      bool return_counts,
                                                      std::optional<int64_t> dim) {
  const std::optional<int64_t> at = row_dim(self, dim, "unique_consecutive");
  const RecordingScope off(false);
  const Tensor rows = rows_of(self.detach(), at);
  return distinct(self.detach(), at, rows, Tensor(), return_inverse, return_counts);
}

Tensor searchsorted(const Tensor& sorted_sequence, const Operand& values, bool out_int32,
                    bool right, const Tensor& sorter) {
  const Tensor given = as_tensor(values, sorted_sequence);
  check_search("searchsorted", sorted_sequence, given);
  Tensor rows = sorted_sequence.detach();
  if (sorter.defined()) {
    check(sorter.dtype() == kInt64, ErrorCode::kDType, "searchsorted", "sorter must be int64, got ",
          sorter.dtype(), "; convert it with to()");
    check(sorter.sizes() == rows.sizes(), ErrorCode::kInvalidArgument, "searchsorted",
          "sorter must have the sizes of the sequence, ", rows.sizes(), ", got ", sorter.sizes());
    rows = gather(rows, -1, sorter);
  }
  const DType common = promote(rows.dtype(), given.dtype());
  const bool one_row = rows.dim() == 1;
  const Tensor wanted = given.to(common);
  const Tensor found =
      count_before(rows.to(common), one_row ? wanted.reshape({given.numel()}) : wanted, right);
  const Tensor shaped = one_row ? found.view(given.sizes()) : found;
  return out_int32 ? shaped.to(kInt32) : shaped;
}

Tensor bucketize(const Operand& values, const Tensor& boundaries, bool out_int32, bool right) {
  check(boundaries.dim() == 1, ErrorCode::kInvalidArgument, "bucketize",
        "boundaries of one dimension were expected, got ", boundaries, "; use searchsorted");
  check_search("bucketize", boundaries, as_tensor(values, boundaries));
  return searchsorted(boundaries, values, out_int32, right);
}

Tensor histc(const Tensor& self, int64_t bins, Scalar min, Scalar max) {
  check(self.is_floating_point(), ErrorCode::kDType, "histc",
        "a floating point tensor was expected, got ", self, "; use .to(kFloat32) first");
  check(bins >= 1, ErrorCode::kInvalidArgument, "histc", "at least one bin is needed, got ", bins);
  const Tensor x = self.detach().reshape({self.numel()});
  double low = min.to_double(), high = max.to_double();
  if (low == high && x.numel() > 0) {
    low = amin(x).item<double>();
    high = amax(x).item<double>();
  }
  if (low == high) low -= 1, high += 1;
  check(std::isfinite(low) && std::isfinite(high) && low < high, ErrorCode::kInvalidArgument,
        "histc", "finite ends with min <= max were expected, got ", low, " and ", high);
  const Tensor wide = x.to(ops::accumulate_dtype(x.dtype()));
  const Tensor inside = logical_and(ge(wide, low), le(wide, high));
  const Tensor scaled = wide.sub(low).div(high - low).mul(static_cast<double>(bins));
  const Tensor bin = clamp(where(inside, scaled, 0.0).to(kInt64), 0, bins - 1);
  const Tensor counts = zeros({bins}, wide.options());
  return scatter_add(counts, 0, bin, inside.to(wide.dtype())).to(self.dtype());
}

void register_search_ops(OpList& list) {
  for (const Op* op : {&kUnique, &kUniqueConsecutive, &kSearchsorted, &kBucketize, &kHistc})
    list.add(*op);
}

}  // namespace tenon
