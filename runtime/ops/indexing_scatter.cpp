// Gather and scatter: index tensors of self's rank.
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- checks ----

void check_index(const OpCall& call, const Tensor& self, const Tensor& index) {
  check(index.dim() == self.dim(), ErrorCode::kInvalidArgument, call.op.name(),
        "index must have as many dimensions as self, got ", index.sizes(), " for ", self.sizes());
  const int64_t dim = call.attributes[0];
  for (int64_t d = 0; d < self.dim(); ++d)
    check(d == dim || index.size(d) <= self.size(d), ErrorCode::kInvalidArgument, call.op.name(),
          "index may not be larger than self outside of dimension ", dim, ", got ", index.sizes(),
          " for ", self.sizes());
  ops::check_has_positions(call.op.name(), self, dim, index.numel());
}

void infer_gather(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor& index = *call.inputs[1];
  ops::check_one_device(call);
  check_index(call, self, index);
  ops::give_output(call, 0, index.sizes(), self.dtype());
}

void decompose_gather(OpCall& call) {
  primitive::gather(call.outputs[0], *call.inputs[0], *call.inputs[1], call.attributes[0]);
}

void infer_scatter(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor& index = *call.inputs[1];
  const Tensor& source = *call.inputs[2];
  ops::check_one_device(call);
  check_index(call, self, index);
  ops::check_same_dtype(call.op.name(), self, source);
  bool covered = source.dim() == index.dim();
  for (int64_t d = 0; covered && d < index.dim(); ++d) covered = index.size(d) <= source.size(d);
  check(covered, ErrorCode::kInvalidArgument, call.op.name(),
        "source must cover index in every dimension, got ", source.sizes(), " for index ",
        index.sizes());
  ops::give_output(call, 0, self.sizes(), self.dtype());
}

// The part of source that index reads.
Tensor read_part(const Tensor& source, const Tensor& index) {
  Tensor part = source;
  for (int64_t d = 0; d < index.dim(); ++d)
    if (part.size(d) != index.size(d)) part = part.narrow(d, 0, index.size(d));
  return part;
}

template <uint32_t kMode>
void decompose_scatter(OpCall& call) {
  const Tensor& out = call.outputs[0];
  const Tensor index = ops::apart_from(out, *call.inputs[1]);
  const Tensor source = ops::apart_from(out, read_part(*call.inputs[2], index));
  if (!out.is_same(*call.inputs[0])) primitive::copy(out, *call.inputs[0]);
  primitive::scatter(out, index, source, call.attributes[0], kMode);
}

// Attributes: dim, reduction (kAmax or kAmin), include_self. Sorted along dim, the last source of a
// place is its extreme, and the last is the one that a scatter leaves there. NaN sorts greatest, so
// floats are negated for the least.
void decompose_extremes(OpCall& call) {
  const Tensor &self = *call.inputs[0], &index = *call.inputs[1], &out = call.outputs[0];
  const int64_t dim = call.attributes[0];
  const bool least = static_cast<ScatterReduction>(call.attributes[1]) == ScatterReduction::kAmin;
  const bool negated = least && self.is_floating_point();
  const Tensor source = read_part(*call.inputs[2], index);
  Tensor values = empty(index.sizes(), source.options());
  const Tensor order = empty(index.sizes(), {kInt64, index.device()});
  primitive::sort(values, order, negated ? neg(source) : source, dim, least && !negated);
  if (negated) values = neg(values);
  primitive::copy(out, self);
  primitive::scatter(out, gather(index, dim, order), values, dim, TN_SCATTER_SET);
  if (call.attributes[2] != 0)
    primitive::copy(out, least ? minimum(self, out) : maximum(self, out));
}

// ---- records ----

Tensor scatter_boxed(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source,
                     std::optional<ScatterReduction> reduce) {
  return scatter(self, dim, index, source, reduce.value_or(ScatterReduction::kNone));
}
Tensor scatter_reduce_boxed(const Tensor& self, int64_t dim, const Tensor& index,
                            const Tensor& source, ScatterReduction reduce,
                            std::optional<bool> include_self) {
  return scatter_reduce(self, dim, index, source, reduce, include_self.value_or(true));
}

const Op kGather{{
    .name = "gather",
    .schema = "gather(Tensor self, int dim, Tensor index) -> Tensor",
    .doc = R"(out[i...] = self[i... with i_dim = index[i...]].

Shapes: self and index of one rank, index not larger than self outside of dim -> sizes of index.
Dtypes: any; index int64 or int32.
Errors: InvalidArgument; DType; Index for a value outside [0, self.size(dim)) (on asynchronous
  devices at the next synchronisation).
Source: torch.gather.)",
    .boxed = &box<&gather>,
    .infer = &infer_gather,
    .decompose = &decompose_gather,
}};

const Op kTakeAlongDim{{
    .name = "take_along_dim",
    .schema = "take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor",
    .doc =
        R"(gather, with self and indices broadcast against each other outside of dim. Without dim both are
taken as one row of elements.

Shapes: of one rank; without dim any -> (number of indices).
Dtypes: any; indices int64. Errors: as gather.
Source: torch.take_along_dim.)",
    .flags = kComposite,
    .boxed = &box<&take_along_dim>,
}};

const Op kScatter{{
    .name = "scatter",
    .schema = "scatter(Tensor self, int dim, Tensor index, Tensor|Scalar source, *, int reduce=0)"
              " -> Tensor",
    .doc =
        R"(A copy of self with self[i... with i_dim = index[i...]] = source[i...]; of several the last in
row-major order stays, and has the gradient. reduce 1 (sum) adds, 2 (product) multiplies.

Shapes: self, index, source of one rank; index not larger than self outside of dim nor than source
  anywhere -> sizes of self. source may be a number.
Dtypes: self and source the same; index int64 or int32.
Errors: as gather; InvalidArgument for other reductions; scatter_ may have written a part when an
  index is out of range.
Source: torch.scatter.)",
    .flags = kInPlaceForm,
    .boxed = &box<&scatter_boxed>,
    .infer = &infer_scatter,
    .decompose = &decompose_scatter<TN_SCATTER_SET>,
}};

const Op kScatterAdd{{
    .name = "scatter_add",
    .schema = "scatter_add(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
    .doc =
        R"(A copy of self with self[i... with i_dim = index[i...]] += source[i...], in row-major order.

Shapes: self, index, source of one rank; index not larger than self outside of dim nor than source
  anywhere -> sizes of self.
Dtypes: self and source the same; index int64 or int32. bool: or.
Errors: as gather; scatter_add_ may have added a part when an index is out of range.
Source: torch.scatter_add.)",
    .flags = kInPlaceForm,
    .boxed = &box<&scatter_add>,
    .infer = &infer_scatter,
    .decompose = &decompose_scatter<TN_SCATTER_ADD>,
}};

const Op kScatterReduce{{
    .name = "scatter_reduce",
    .schema = "scatter_reduce(Tensor self, int dim, Tensor index, Tensor source, int reduce, *, "
              "bool include_self=True) -> Tensor",
    .doc =
        R"(A copy of self where every place that index names holds the sum (1), product (2), mean (3),
greatest (4) or least (5) of the sources of that place, and of self if include_self. Equal extremes
share the gradient; NaN is an extreme. Integer means are rounded down.

Shapes: as scatter. Dtypes: self and source the same; no mean of bool; index int64 or int32.
Errors: as gather; InvalidArgument for another reduction; DType.
Source: torch.scatter_reduce.)",
    .flags = kInPlaceForm,
    .boxed = &box<&scatter_reduce_boxed>,
    .infer = &infer_scatter,
    .decompose = &decompose_extremes,
}};

// The quotient of integers rounded down; the divisor is positive.
const Op kFloorQuotient{{
    .name = "floor_quotient",
    .schema = "",
    .doc = "An integer mean, not public.",
    .flags = kPrimitive | kNoGradient,
    .emit =
        [](ProgramBuilder& p) {
          const uint32_t a = p.arg(0), b = p.arg(1);
          const uint32_t negative =
              p.emit(TN_PROGRAM_LT, p.dtype(), {p.op(TN_PROGRAM_REM, a, b), p.constant(0)});
          const uint32_t quotient = p.op(TN_PROGRAM_DIV, a, b);
          const uint32_t below = p.op(TN_PROGRAM_SUB, quotient, p.constant(1));
          return p.op(TN_PROGRAM_WHERE, negative, below, quotient);
        },
}};

// ---- calls ----

bool all_scalars(const Tensor& self, const Tensor& index, const Tensor& source) {
  return self.dim() == 0 && index.dim() == 0 && source.dim() == 0;
}

Tensor scatter_call(const Op& op, const Tensor& self, int64_t dim, const Tensor& index,
                    const Tensor& source) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), op.name());
  if (all_scalars(self, index, source))
    return scatter_call(op, self.view({1}), 0, index.view({1}), source.view({1})).view({});
  const Tensor positions = ops::as_positions(op.name(), index);
  return call_op(op, {&self, &positions, &source}, {wrapped});
}

Tensor& scatter_call_(const Op& op, Tensor& self, int64_t dim, const Tensor& index,
                      const Tensor& source) {
  const int64_t attributes[] = {wrap_dim(dim, self.dim(), op.name())};
  if (all_scalars(self, index, source)) {
    Tensor row = self.view({1});
    scatter_call_(op, row, 0, index.view({1}), source.view({1}));
    return self;
  }
  const Tensor positions = ops::as_positions(op.name(), index);
  const Tensor* inputs[] = {&self, &positions, &source};
  OpCall call{.op = op,
              .inputs = inputs,
              .attributes = attributes,
              .outputs = {&self, 1},
              .form = CallForm::kInPlace};
  infer_scatter(call);
  write_in_place(call, op.spec().decompose);
  return self;
}

// self as the history of an in-place call will need it.
Tensor kept(const Tensor& self, const Operand& source) {
  const bool in_graph =
      self.requires_grad() || (source.is_tensor() && source.tensor().requires_grad());
  return in_graph && recording_enabled() ? clone(self) : self;
}

// A number in the shape of index, without memory of its own.
Tensor source_of(const Tensor& self, const Tensor& index, const Operand& source) {
  if (source.is_tensor()) return source.tensor();
  return ops::value_like("scatter", self, source).expand(index.sizes());
}

// The products of the sources of each place, 1 where there are none: sources are sorted by place,
// then an inclusive scan by doubling (Hillis and Steele 1986) multiplies within each place.
Tensor grouped_products(const Tensor& self, int64_t dim, const Tensor& index,
                        const Tensor& source) {
  const int64_t count = index.size(dim);
  const Tensor places = empty(index.sizes(), index.options());
  const Tensor order = empty(index.sizes(), index.options());
  primitive::sort(places, order, index, dim, false);
  Tensor products = gather(source, dim, order);
  for (int64_t step = 1; step < count; step *= 2) {
    const Tensor head = products.narrow(dim, 0, count - step);
    const Tensor same =
        eq(places.narrow(dim, step, count - step), places.narrow(dim, 0, count - step));
    const Tensor tail =
        products.narrow(dim, step, count - step) * where(same, head, ones({}, source.options()));
    const Tensor parts[] = {products.narrow(dim, 0, step), tail};
    products = cat(parts, dim);
  }
  return scatter(ones(self.sizes(), source.options()), dim, places, products);
}

Tensor scatter_products(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                        bool include_self) {
  const DType wide = ops::accumulate_dtype(self.dtype());
  const Tensor base = include_self ? self : scatter(self, dim, index, 1);
  const Tensor products = grouped_products(self, dim, index, read_part(source.to(wide), index));
  return mul(base.to(wide), products).to(self.dtype());
}

Tensor scatter_means(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                     bool include_self) {
  check(self.dtype() != kBool, ErrorCode::kDType, "scatter_reduce",
        "there is no mean of bool tensors; convert them with to()");
  const Tensor base = include_self ? self : scatter(self, dim, index, 0);
  const Tensor total = scatter_add(base, dim, index, source);
  const TensorOptions whole(kInt64, self.device());
  Tensor start = ones(self.sizes(), whole);
  if (!include_self) start = scatter(start, dim, index, 0);
  const Tensor count = scatter_add(start, dim, index, ones({}, whole).expand(index.sizes()));
  if (self.is_floating_point()) return total / count.to(self.dtype());
  return pointwise(kFloorQuotient, {total.to(kInt64), count}).to(self.dtype());
}

void check_scatter(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor* inputs[] = {&self, &index, &source};
  const int64_t attributes[] = {dim};
  Tensor output = self;
  OpCall call{
      .op = kScatterReduce, .inputs = inputs, .attributes = attributes, .outputs = {&output, 1}};
  infer_scatter(call);
}

}  // namespace

namespace ops {

Tensor wrap_positions(const Tensor& index, int64_t size) {
  return where(lt(index, 0), add(index, size), index);
}

Scalar number_for(std::string_view op, DType dtype, const Scalar& number) {
  if (is_floating_point(dtype)) return number;
  if (dtype == kBool) return number.to_bool();
  const int64_t whole = number.to_int64();
  const int64_t bits = size_bytes(dtype) * 8;
  const int64_t greatest =
      bits == 64 ? INT64_MAX : (int64_t{1} << (dtype == kUInt8 ? bits : bits - 1)) - 1;
  const int64_t least = dtype == kUInt8 ? 0 : -greatest - 1;
  check(whole >= least && whole <= greatest, ErrorCode::kInvalidArgument, op, "the value ", number,
        " can't be converted to ", dtype, " without overflow");
  return whole;
}

Tensor value_like(std::string_view op, const Tensor& self, const Operand& value) {
  if (!value.is_tensor())
    return full({}, number_for(op, self.dtype(), value.scalar()), self.options());
  const Tensor& tensor = value.tensor();
  check(tensor.dim() == 0, ErrorCode::kInvalidArgument, op,
        "the value must be a number or a 0-dim tensor, got ", tensor);
  const bool from_host = tensor.device() == Device();
  if (!from_host) check_same_device(op, self, tensor);
  return tensor.to(self.options());
}

}  // namespace ops

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "gather");
  if (self.dim() == 0 && index.dim() == 0)
    return gather(self.view({1}), 0, index.view({1})).view({});
  const Tensor positions = ops::as_positions("gather", index);
  return call_op(kGather, {&self, &positions}, {wrapped});
}

Tensor take_along_dim(const Tensor& self, const Tensor& indices, std::optional<int64_t> dim) {
  ops::check_index_dtype("take_along_dim", indices);
  if (!dim) {
    const Tensor row = self.reshape({self.numel()});
    ops::check_has_positions("take_along_dim", row, 0, indices.numel());
    return gather(row, 0, indices.reshape({indices.numel()}));
  }
  check(self.dim() == indices.dim(), ErrorCode::kInvalidArgument, "take_along_dim",
        "self and indices must have as many dimensions, got ", self.sizes(), " and ",
        indices.sizes());
  if (self.dim() == 0) return gather(self, *dim, indices);
  const int64_t wrapped = wrap_dim(*dim, self.dim(), "take_along_dim");
  Shape ours = self.sizes(), theirs = indices.sizes();
  ours[wrapped] = theirs[wrapped] = 1;
  ours = theirs = broadcast_shapes(ours, theirs, "take_along_dim");
  ours[wrapped] = self.size(wrapped);
  theirs[wrapped] = indices.size(wrapped);
  ops::check_has_positions("take_along_dim", self, wrapped, theirs.numel());
  return gather(self.expand(ours), wrapped, indices.expand(theirs));
}

Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source,
               ScatterReduction reduce) {
  const Tensor values = source_of(self, index, source);
  if (reduce == ScatterReduction::kNone) return scatter_call(kScatter, self, dim, index, values);
  check(reduce == ScatterReduction::kSum || reduce == ScatterReduction::kProd,
        ErrorCode::kInvalidArgument, "scatter",
        "the reduction must be none, sum or product, got number ", static_cast<int64_t>(reduce),
        "; use scatter_reduce");
  return scatter_reduce(self, dim, index, values, reduce);
}

Tensor& scatter_(Tensor& self, int64_t dim, const Tensor& index, const Operand& source,
                 ScatterReduction reduce) {
  if (reduce != ScatterReduction::kNone)
    return self.copy_(scatter(kept(self, source), dim, index, source, reduce));
  return scatter_call_(kScatter, self, dim, index, source_of(self, index, source));
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_call(kScatterAdd, self, dim, index, source);
}

Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_call_(kScatterAdd, self, dim, index, source);
}

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& given, const Tensor& source,
                      ScatterReduction reduce, bool include_self) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "scatter_reduce");
  const Tensor index = ops::as_positions("scatter_reduce", given);
  if (all_scalars(self, index, source))
    return scatter_reduce(self.view({1}), 0, index.view({1}), source.view({1}), reduce,
                          include_self)
        .view({});
  check_scatter(self, wrapped, index, source);
  switch (reduce) {
    case ScatterReduction::kSum:
      return scatter_add(include_self ? self : scatter(self, dim, index, 0), dim, index, source);
    case ScatterReduction::kProd:
      return scatter_products(self, wrapped, index, source, include_self);
    case ScatterReduction::kMean:
      return scatter_means(self, wrapped, index, source, include_self);
    case ScatterReduction::kAmax:
    case ScatterReduction::kAmin:
      return call_op(kScatterReduce, {&self, &index, &source},
                     {wrapped, static_cast<int64_t>(reduce), include_self ? 1 : 0});
    default:
      fail(ErrorCode::kInvalidArgument, "scatter_reduce",
           "the reduction must be sum, product, mean, amax or amin, got number ",
           static_cast<int64_t>(reduce));
  }
}

Tensor& scatter_reduce_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                        ScatterReduction reduce, bool include_self) {
  return self.copy_(scatter_reduce(kept(self, source), dim, index, source, reduce, include_self));
}

void register_scatter_ops(OpList& list) {
  for (const Op* op : {&kGather, &kTakeAlongDim, &kScatter, &kScatterAdd, &kScatterReduce})
    list.add(*op);
}

}  // namespace tenon
