#include <tenon/runtime/ops/indexing.h>

#include <algorithm>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- gather and scatter_add ----

void check_index(const OpCall& call, const Tensor& self, const Tensor& index) {
  check(index.dtype() == kInt64, ErrorCode::kDType, call.op.name(), "index must be int64, got ",
        index.dtype(), "; convert it with to()");
  check(index.dim() == self.dim(), ErrorCode::kInvalidArgument, call.op.name(),
        "index must have as many dimensions as self, got ", index.sizes(), " for ", self.sizes());
  const int64_t dim = call.attributes[0];
  for (int64_t d = 0; d < self.dim(); ++d)
    check(d == dim || index.size(d) <= self.size(d), ErrorCode::kInvalidArgument, call.op.name(),
          "index may not be larger than self outside of dimension ", dim, ", got ", index.sizes(),
          " for ", self.sizes());
}

void infer_gather(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor& index = *call.inputs[1];
  ops::check_one_device(call);
  check_index(call, self, index);
  check(self.size(call.attributes[0]) > 0 || index.numel() == 0, ErrorCode::kIndex, "gather",
        "dimension ", call.attributes[0], " of self is empty, got ", self.sizes());
  ops::give_output(call, 0, index.sizes(), self.dtype());
}

void decompose_gather(OpCall& call) {
  primitive::gather(call.outputs[0], *call.inputs[0], *call.inputs[1], call.attributes[0]);
}

void infer_scatter_add(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor& index = *call.inputs[1];
  const Tensor& source = *call.inputs[2];
  ops::check_one_device(call);
  check_index(call, self, index);
  check(source.dtype() == self.dtype(), ErrorCode::kDType, call.op.name(),
        "self and source must have the same dtype, got ", self.dtype(), " and ", source.dtype(),
        "; convert one with to()");
  bool covered = source.dim() == index.dim();
  for (int64_t d = 0; covered && d < index.dim(); ++d) covered = index.size(d) <= source.size(d);
  check(covered, ErrorCode::kInvalidArgument, call.op.name(),
        "source must cover index in every dimension, got ", source.sizes(), " for index ",
        index.sizes());
  check(self.size(call.attributes[0]) > 0 || index.numel() == 0, ErrorCode::kIndex, call.op.name(),
        "dimension ", call.attributes[0], " of self is empty, got ", self.sizes());
  ops::give_output(call, 0, self.sizes(), self.dtype());
}

void decompose_scatter_add(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  const Tensor& index = *call.inputs[1];
  const Tensor& out = call.outputs[0];
  if (!out.is_same(self)) primitive::copy(out, self);
  Tensor source = *call.inputs[2];
  for (int64_t d = 0; d < index.dim(); ++d) source = source.narrow(d, 0, index.size(d));
  primitive::scatter(out, index, source, call.attributes[0], TN_SCATTER_ADD);
}

const Op kGather{{
    .name = "gather",
    .schema = "gather(Tensor self, int dim, Tensor index) -> Tensor",
    .doc = R"(out[i...] = self[i... with i_dim = index[i...]].

Shapes: self and index of one rank, index not larger than self outside of dim -> sizes of index.
Dtypes: any; index int64.
Errors: InvalidArgument; DType; Index for a value outside [0, self.size(dim)) (on asynchronous
  devices at the next synchronisation).
Source: torch.gather.)",
    .boxed = &box<&gather>,
    .infer = &infer_gather,
    .decompose = &decompose_gather,
}};

const Op kScatterAdd{{
    .name = "scatter_add",
    .schema = "scatter_add(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
    .doc =
        R"(A copy of self with self[i... with i_dim = index[i...]] += source[i...], in row-major order.

Shapes: self, index, source of one rank; index not larger than self outside of dim nor than source
  anywhere -> sizes of self.
Dtypes: self and source the same; index int64. bool: or.
Errors: as gather; scatter_add_ may have added a part when an index is out of range.
Source: torch.scatter_add.)",
    .flags = kInPlaceForm,
    .boxed = &box<&scatter_add>,
    .infer = &infer_scatter_add,
    .decompose = &decompose_scatter_add,
}};

// ---- composites on gather and scatter ----

const Op kIndexSelect{{
    .name = "index_select",
    .schema = "index_select(Tensor self, int dim, Tensor index) -> Tensor",
    .doc = R"(The slices index[0], index[1], ... of self along dim, copied.

Shapes: index (n) or () -> sizes of self with n at dim.
Dtypes: any; index int64.
Errors: as gather.
Source: torch.index_select.)",
    .flags = kComposite,
    .boxed = &box<&index_select>,
}};

Tensor one_hot_boxed(const Tensor& self, std::optional<int64_t> classes) {
  return one_hot(self, classes.value_or(-1));
}

const Op kOneHot{{
    .name = "one_hot",
    .schema = "one_hot(Tensor self, int num_classes=-1) -> Tensor",
    .doc =
        R"(out[i..., c] = 1 where c = self[i...], else 0. With -1 there are as many classes as the
greatest value asks for (this reads the values).

Shapes: (d...) -> (d..., classes).
Dtypes: int64 -> int64.
Errors: DType; Index for a class outside [0, classes).
Source: torch.nn.functional.one_hot.)",
    .flags = kComposite | kNoGradient,
    .boxed = &box<&one_hot_boxed>,
}};

}  // namespace

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "gather");
  if (self.dim() == 0 && index.dim() == 0)
    return gather(self.view({1}), 0, index.view({1})).view({});
  return call_op(kGather, {&self, &index}, {wrapped});
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const int64_t wrapped = wrap_dim(dim, self.dim(), "scatter_add");
  if (self.dim() == 0 && index.dim() == 0 && source.dim() == 0)
    return scatter_add(self.view({1}), 0, index.view({1}), source.view({1})).view({});
  return call_op(kScatterAdd, {&self, &index, &source}, {wrapped});
}

Tensor& scatter_add_(Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const int64_t attributes[] = {wrap_dim(dim, self.dim(), "scatter_add_")};
  if (self.dim() == 0 && index.dim() == 0 && source.dim() == 0) {
    Tensor row = self.view({1});
    scatter_add_(row, 0, index.view({1}), source.view({1}));
    return self;
  }
  const Tensor* inputs[] = {&self, &index, &source};
  OpCall call{.op = kScatterAdd,
              .inputs = inputs,
              .attributes = attributes,
              .outputs = {&self, 1},
              .form = CallForm::kInPlace};
  infer_scatter_add(call);
  write_in_place(call, &decompose_scatter_add);
  return self;
}

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  check(index.dim() <= 1, ErrorCode::kInvalidArgument, "index_select",
        "index must have one dimension, got ", index.sizes());
  if (self.dim() == 0) return index_select(self.view({1}), dim, index).view({});
  const int64_t wrapped = wrap_dim(dim, self.dim(), "index_select");
  Shape sizes = self.sizes();
  sizes[wrapped] = index.numel();
  Shape along = sizes;
  for (int64_t d = 0; d < along.rank(); ++d)
    if (d != wrapped) along[d] = 1;
  return gather(self, wrapped, index.reshape(along).expand(sizes));
}

Tensor one_hot(const Tensor& self, int64_t classes) {
  check(self.dtype() == kInt64, ErrorCode::kDType, "one_hot", "classes must be int64, got ",
        self.dtype(), "; convert with to()");
  check(classes >= 1 || (classes == -1 && self.numel() > 0), ErrorCode::kInvalidArgument, "one_hot",
        "the number of classes must be at least 1, or -1 with at least one element, got ", classes);
  if (classes == -1) classes = checked_add(self.max().item<int64_t>(), 1, "one_hot");
  Tensor result = zeros(self.sizes() + Shape{classes}, self.options());
  const Tensor index = self.unsqueeze(-1);
  scatter_add_(result, -1, index, ones_like(index));
  return result;
}

void register_indexing_ops(OpList& list) {
  for (const Op* op : {&kGather, &kScatterAdd, &kIndexSelect, &kOneHot}) list.add(*op);
}

}  // namespace tenon
