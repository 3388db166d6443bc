// Masks, and where what is not 0 lies.
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

void check_mask(std::string_view op, const Tensor& mask) {
  check(mask.dtype() == kBool, ErrorCode::kDType, op, "the mask must be bool, got ", mask.dtype(),
        "; compare first, e.g. x != 0");
}

const Op kMaskedFill{{
    .name = "masked_fill",
    .schema = "masked_fill(Tensor self, Tensor mask, Tensor|Scalar value) -> Tensor",
    .doc = R"(mask ? value : self. value is a number or a 0-dim tensor, converted to self's dtype.

Shapes: self and mask broadcast; in place the mask broadcasts to self.
Dtypes: any; mask bool.
Errors: DType for another mask; InvalidArgument for a value with dimensions, or one that an integer
  dtype can't hold; Device.
Source: torch.masked_fill.)",
    .flags = kInPlaceForm,
    .boxed = &box<&masked_fill>,
    .emit =
        [](ProgramBuilder& p) {
          const uint32_t self = p.arg(0), mask = p.cast(p.raw_arg(1), kBool);
          return p.op(TN_PROGRAM_WHERE, mask, p.arg(2), self);
        },
}};

const Op kMaskedSelect{{
    .name = "masked_select",
    .schema = "masked_select(Tensor self, Tensor mask) -> Tensor",
    .doc = R"(The elements of self where mask is true, in row-major order, copied into one row.

Shapes: self and mask broadcast -> (number of true elements). Dtypes: any; mask bool.
Errors: DType; Device; InvalidArgument for sizes that do not broadcast.
Source: torch.masked_select.)",
    .flags = kComposite,
    .boxed = &box<&masked_select>,
}};

const Op kMaskedScatter{{
    .name = "masked_scatter",
    .schema = "masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
    .doc =
        R"(A copy of self where the true places of mask hold the first elements of source, in order.

Shapes: self and mask broadcast (in place the mask to self); source any with elements enough.
Dtypes: self and source the same; mask bool.
Errors: DType; Device; InvalidArgument for a source that is too small.
Source: torch.masked_scatter.)",
    .flags = kComposite | kInPlaceForm,
    .boxed = &box<&masked_scatter>,
}};

const Op kNonzero{{
    .name = "nonzero",
    .schema = "nonzero(Tensor self) -> Tensor",
    .doc = R"(The coordinates of the elements that are not 0, in row-major order. NaN is not 0.

Shapes: (d...) -> (n, rank), int64. Dtypes: any. Waits for the device, since n is a value.
Source: torch.nonzero.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&nonzero>,
}};

const Op kArgwhere{{
    .name = "argwhere",
    .schema = "argwhere(Tensor self) -> Tensor",
    .doc = R"(nonzero, by NumPy's name. Source: torch.argwhere.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&argwhere>,
}};

const Op kCountNonzero{{
    .name = "count_nonzero",
    .schema = "count_nonzero(Tensor self, int[] dim=[]) -> Tensor",
    .doc = R"(How many elements are not 0, of all or along dimensions. NaN is not 0.

Shapes: (d...) -> without dim. Dtypes: any -> int64. Errors: Index for a dimension out of range;
  InvalidArgument for one named twice. Source: torch.count_nonzero.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&count_nonzero>,
}};

// Row-major numbers of the true elements.
Tensor true_places(const Tensor& mask) {
  return nonzero(mask.reshape({mask.numel()})).select(1, 0);
}

// A value that masked_fill can take as it is: a number or a 0-dim tensor of self's dtype.
struct FillValue {
  FillValue(std::string_view op, const Tensor& self, const Operand& value) {
    if (value.is_tensor()) {
      check(value.tensor().dim() == 0, ErrorCode::kInvalidArgument, op,
            "the value must be a number or a 0-dim tensor, got ", value.tensor());
      tensor = value.tensor().to(self.dtype());
    } else {
      number = ops::number_for(op, self.dtype(), value.scalar());
    }
  }
  [[nodiscard]] Operand operand() const { return tensor.defined() ? Operand(tensor) : number; }
  Tensor tensor;
  Scalar number;
};

}  // namespace

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value) {
  check_mask("masked_fill", mask);
  const FillValue fill("masked_fill", self, value);
  return pointwise(kMaskedFill, {self, mask, fill.operand()});
}

Tensor& masked_fill_(Tensor& self, const Tensor& mask, const Operand& value) {
  check_mask("masked_fill", mask);
  const FillValue fill("masked_fill", self, value);
  return pointwise_(kMaskedFill, self, {mask, fill.operand()});
}

Tensor masked_select(const Tensor& self, const Tensor& mask) {
  check_mask("masked_select", mask);
  ops::check_same_device("masked_select", self, mask);
  const Shape sizes = broadcast_shapes(self.sizes(), mask.sizes(), "masked_select");
  const Tensor row = self.expand(sizes).reshape({sizes.numel()});
  return gather(row, 0, true_places(mask.expand(sizes)));
}

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  const Shape sizes = broadcast_shapes(self.sizes(), mask.sizes(), "masked_scatter");
  Tensor result = clone(self.expand(sizes));
  return masked_scatter_(result, mask, source);
}

Tensor& masked_scatter_(Tensor& self, const Tensor& mask, const Tensor& source) {
  constexpr std::string_view kName = "masked_scatter";
  check_mask(kName, mask);
  ops::check_same_device(kName, self, mask);
  ops::check_same_device(kName, self, source);
  ops::check_same_dtype(kName, self, source);
  check(broadcast_shapes(self.sizes(), mask.sizes(), kName) == self.sizes(),
        ErrorCode::kInvalidArgument, kName, "the mask must broadcast to self, ", self.sizes(),
        ", got ", mask.sizes());
  const Tensor places = true_places(mask.expand(self.sizes()));
  check(source.numel() >= places.numel(), ErrorCode::kInvalidArgument, kName, "the mask has ",
        places.numel(), " true elements, but source has ", source.numel());
  return put_(self, places, source.reshape({source.numel()}).narrow(0, 0, places.numel()));
}

Tensor nonzero(const Tensor& self) {
  const RecordingScope off(false);
  const int64_t count = primitive::nonzero_count(self);
  const Tensor coordinates = empty({count, self.dim()}, {kInt64, self.device()});
  primitive::nonzero(coordinates, self);
  return coordinates;
}

Tensor argwhere(const Tensor& self) { return nonzero(self); }

std::vector<Tensor> where(const Tensor& condition) {
  const Tensor whole = condition.dim() == 0 ? condition.detach().view({1}) : condition;
  return nonzero(whole).unbind(1);
}

Tensor count_nonzero(const Tensor& self, const Shape& dims) {
  const RecordingScope off(false);
  return sum(ne(self, 0), dims);
}

void register_mask_ops(OpList& list) {
  for (const Op* op :
       {&kMaskedFill, &kMaskedSelect, &kMaskedScatter, &kNonzero, &kArgwhere, &kCountNonzero})
    list.add(*op);
}

}  // namespace tenon
