// Tensors as one row of elements, and positions and counts of values.
#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

Tensor as_row(const Tensor& tensor) { return tensor.reshape({tensor.numel()}); }

// Index as a vector of positions of `row`. Errors: Index where that is empty.
Tensor places_of(std::string_view op, const Tensor& row, const Tensor& index) {
  ops::check_has_positions(op, row, 0, index.numel());
  return ops::wrap_positions(as_row(index), row.numel());
}

Tensor put_boxed(const Tensor& self, const Tensor& index, const Tensor& source,
                 std::optional<bool> accumulate) {
  return put(self, index, source, accumulate.value_or(false));
}
Tensor bincount_boxed(const Tensor& self, const Tensor& weights, std::optional<int64_t> minlength) {
  return bincount(self, weights, minlength.value_or(0));
}

const Op kTake{{
    .name = "take",
    .schema = "take(Tensor self, Tensor index) -> Tensor",
    .doc =
        R"(out[i...] = self as one row of elements [index[i...]]. Negative positions count from the end.

Shapes: any -> sizes of index. Dtypes: any; index int64.
Errors: DType; Device; Index for a position outside of self.
Source: torch.take.)",
    .flags = kComposite,
    .boxed = &box<&take>,
}};

const Op kPut{{
    .name = "put",
    .schema = "put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
    .doc =
        R"(A copy of self with source written (or added) at the positions index of self as one row of
elements. Negative positions count from the end; the last of several stays.

Shapes: self any; index and source with as many elements -> sizes of self.
Dtypes: self and source the same; index int64.
Errors: DType; Device; InvalidArgument for another number of elements; Index.
Source: torch.Tensor.put.)",
    .flags = kComposite | kInPlaceForm,
    .boxed = &box<&put_boxed>,
}};

const Op kBincount{{
    .name = "bincount",
    .schema = "bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor",
    .doc =
        R"(out[v] = how many elements are v, or the sum of their weights. Reads the greatest value.

Shapes: (n), weights (n) -> (max(greatest + 1, minlength)).
Dtypes: integers; result int64, with weights float32 for float32, else float64.
Errors: DType; InvalidArgument for other ranks, a negative value or minlength, weights of another
  size.
Source: torch.bincount.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&bincount_boxed>,
}};

}  // namespace

Tensor take(const Tensor& self, const Tensor& index) {
  ops::check_index_dtype("take", index);
  ops::check_same_device("take", self, index);
  const Tensor row = as_row(self);
  return gather(row, 0, places_of("take", row, index)).view(index.sizes());
}

Tensor put(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate) {
  Tensor result = clone(self);
  return put_(result, index, source, accumulate);
}

Tensor& put_(Tensor& self, const Tensor& index, const Tensor& source, bool accumulate) {
  ops::check_index_dtype("put", index);
  ops::check_same_device("put", self, index);
  ops::check_same_device("put", self, source);
  ops::check_same_dtype("put", self, source);
  check(index.numel() == source.numel(), ErrorCode::kInvalidArgument, "put",
        "index and source must have as many elements, got ", index.numel(), " and ",
        source.numel());
  Tensor row = self.reshape({self.numel()});  // a copy where self is not dense
  const Tensor places = places_of("put", row, index);
  if (accumulate)
    scatter_add_(row, 0, places, as_row(source));
  else
    scatter_(row, 0, places, as_row(source));
  if (row.impl()->storage.get() != self.impl()->storage.get()) self.copy_(row.view(self.sizes()));
  return self;
}

Tensor bincount(const Tensor& self, const Tensor& weights, int64_t minlength) {
  const RecordingScope off(false);
  const bool whole = !self.is_floating_point() && self.dtype() != kBool;
  check(whole, ErrorCode::kDType, "bincount", "integers were expected, got ", self.dtype(),
        "; convert with to()");
  check(self.dim() == 1, ErrorCode::kInvalidArgument, "bincount",
        "one dimension was expected, got ", self.sizes());
  check(minlength >= 0, ErrorCode::kInvalidArgument, "bincount",
        "minlength must be at least 0, got ", minlength);
  if (weights.defined()) {
    ops::check_same_device("bincount", self, weights);
    check(weights.sizes() == self.sizes(), ErrorCode::kInvalidArgument, "bincount",
          "weights must have the sizes of self, ", self.sizes(), ", got ", weights.sizes());
  }
  const Tensor places = self.to(kInt64);
  int64_t length = 0;
  if (self.numel() > 0) {
    const auto least = amin(places).item<int64_t>();
    check(least >= 0, ErrorCode::kInvalidArgument, "bincount", "values must not be negative, got ",
          least);
    length = checked_add(amax(places).item<int64_t>(), 1, "bincount");
  }
  length = std::max(length, minlength);
  if (!weights.defined())
    return scatter_add(zeros({length}, places.options()), 0, places, ones_like(places));
  const DType dtype = weights.dtype() == kFloat32 ? kFloat32 : kFloat64;
  return scatter_add(zeros({length}, TensorOptions(dtype, self.device())), 0, places,
                     weights.to(dtype));
}

void register_position_ops(OpList& list) {
  for (const Op* op : {&kTake, &kPut, &kBincount}) list.add(*op);
}

}  // namespace tenon
