// Elements several times in a row.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/manipulation_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/sorting.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

std::vector<Value> repeat_interleave_boxed(std::span<const Value> arguments) {
  constexpr Tensor (*kOne)(const Tensor&, int64_t, std::optional<int64_t>) = &repeat_interleave;
  constexpr Tensor (*kEach)(const Tensor&, const Tensor&, std::optional<int64_t>) =
      &repeat_interleave;
  const bool one = arguments.size() > 1 && std::holds_alternative<Scalar>(arguments[1]);
  return one ? box<kOne>(arguments) : box<kEach>(arguments);
}

constinit const Op kRepeatInterleave{composite_spec(
    "repeat_interleave",
    "repeat_interleave(Tensor self, Tensor|int repeats, int? dim=None) -> Tensor",
    R"(Every position of dim several times in a row: `repeats` times, or position i repeats[i] times.
Without dim self is flattened first. A tensor of repeats is read by the host, which must know the
size of the result.
Shapes: n at dim -> n*repeats, or the sum of repeats.
Errors: InvalidArgument for repeats < 0 or of another length than dim; DType unless they are int64 or
  int32; Index for dim. Source: torch.repeat_interleave.)",
    &repeat_interleave_boxed)};

// Where repeat_interleave works: self flattened without dim, numbers as one element.
Tensor interleaved_input(const Tensor& self, std::optional<int64_t>& dim) {
  if (!dim) {
    dim = 0;
    return self.reshape({self.numel()});
  }
  dim = wrap_dim(*dim, self.dim(), "repeat_interleave");
  return self.dim() == 0 ? self.reshape({1}) : self;
}

// For counts (n) with the sum `total`: 0 counts[0] times, then 1 counts[1] times, ...
// Every group but the first adds one where it starts; the running total numbers the groups.
Tensor group_numbers(const Tensor& counts, int64_t total) {
  Tensor marks = zeros({total + 1}, counts.options());
  const Tensor starts = cumsum(counts, 0).narrow(0, 0, counts.size(0) - 1);
  scatter_add_(marks, 0, starts, ones_like(starts));
  return cumsum(marks, 0).narrow(0, 0, total);
}

}  // namespace

Tensor repeat_interleave(const Tensor& self, int64_t repeats, std::optional<int64_t> dim) {
  check(repeats >= 0, ErrorCode::kInvalidArgument, "repeat_interleave",
        "repeats must be >= 0, got ", repeats);
  const Tensor x = interleaved_input(self, dim);
  const Shape sizes = x.sizes();
  Shape target = sizes;
  target[*dim] = checked_mul(sizes[*dim], repeats, "repeat_interleave");
  const Shape wide =
      sizes.slice(0, *dim + 1) + Shape{repeats} + sizes.slice(*dim + 1, sizes.rank());
  return clone(unsqueeze(x, *dim + 1).expand(wide)).view(target);
}

Tensor repeat_interleave(const Tensor& self, const Tensor& repeats, std::optional<int64_t> dim) {
  check(repeats.dtype() == kInt64 || repeats.dtype() == kInt32, ErrorCode::kDType,
        "repeat_interleave", "repeats must be int64 or int32, got ", repeats.dtype(),
        "; convert them with to()");
  const Tensor x = interleaved_input(self, dim);
  const int64_t extent = x.size(*dim);
  check(repeats.dim() <= 1 && (repeats.numel() == 1 || repeats.numel() == extent),
        ErrorCode::kInvalidArgument, "repeat_interleave", "repeats must have one element or ",
        extent, ", the size of dimension ", *dim, ", got ", repeats.sizes());
  if (extent == 0) return clone(x);
  const Tensor counts = repeats.to(kInt64).reshape({-1}).expand({extent});
  check(amin(counts).item<int64_t>() >= 0, ErrorCode::kInvalidArgument, "repeat_interleave",
        "repeats must be >= 0, got ", amin(counts).item());
  return index_select(x, *dim, group_numbers(counts, sum(counts).item<int64_t>()));
}

void register_interleave_ops(OpList& list) { list.add(kRepeatInterleave); }

}  // namespace tenon
