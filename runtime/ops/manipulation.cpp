// Joining, repeating and reordering elements.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- cat and stack ----

Shape joined_sizes(const OpCall& call) {
  const int64_t dim = call.attributes[0];
  Shape sizes = call.inputs[0]->sizes();
  for (const Tensor* input : call.inputs.subspan(1)) {
    bool fits = input->dim() == sizes.rank();
    for (int64_t d = 0; fits && d < sizes.rank(); ++d)
      fits = d == dim || input->size(d) == sizes[d];
    check(fits, ErrorCode::kInvalidArgument, call.op.name(), "sizes may differ in dimension ", dim,
          " only, got ", call.inputs[0]->sizes(), " and ", input->sizes());
    sizes[dim] = checked_add(sizes[dim], input->size(dim), call.op.name());
  }
  return sizes;
}

void infer_cat(OpCall& call) {
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::give_output(call, 0, joined_sizes(call), call.inputs[0]->dtype());
}

void decompose_cat(OpCall& call) {
  const int64_t dim = call.attributes[0];
  int64_t begin = 0;
  for (const Tensor* input : call.inputs) {
    primitive::copy(call.outputs[0].narrow(dim, begin, input->size(dim)), *input);
    begin += input->size(dim);
  }
}

const Op kCat{{
    .name = "cat",
    .schema = "cat(Tensor[] tensors, int dim=0) -> Tensor",
    .doc = R"(Joins tensors along an existing dimension, in order.

Shapes: equal but for dim -> the sum along dim. 1-d tensors without elements are left out.
Dtypes: promoted to the common one.
Errors: InvalidArgument for no tensors or sizes that differ elsewhere; Device.
Source: torch.cat.)",
    .boxed = &box<&cat>,
    .infer = &infer_cat,
    .decompose = &decompose_cat,
}};

const Op kStack{{
    .name = "stack",
    .schema = "stack(Tensor[] tensors, int dim=0) -> Tensor",
    .doc = R"(Joins tensors of the same sizes along a new dimension: cat of unsqueeze(dim).

Errors: InvalidArgument for no tensors or different sizes.
Source: torch.stack.)",
    .flags = kComposite,
    .boxed = &box<&stack>,
}};

// Tensors that take part in cat, in one dtype.
std::vector<Tensor> joined_inputs(std::span<const Tensor> tensors) {
  DType common = tensors[0].dtype();
  for (const Tensor& tensor : tensors) common = promote(common, tensor.dtype());
  std::vector<Tensor> inputs;
  for (const Tensor& tensor : tensors)
    if (tensor.sizes() != Shape{0}) inputs.push_back(tensor.to(common));
  if (inputs.empty()) inputs.push_back(tensors[0].to(common));
  return inputs;
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, int64_t dim) {
  check(!tensors.empty(), ErrorCode::kInvalidArgument, "cat", "at least one tensor is needed");
  const std::vector<Tensor> inputs = joined_inputs(tensors);
  check(inputs[0].dim() > 0, ErrorCode::kInvalidArgument, "cat",
        "tensors need at least one dimension, got (); use stack");
  const int64_t attributes[] = {wrap_dim(dim, inputs[0].dim(), "cat")};
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  Tensor output;
  OpCall call{.op = kCat, .inputs = pointers, .attributes = attributes, .outputs = {&output, 1}};
  dispatch(call);
  return output;
}

Tensor stack(std::span<const Tensor> tensors, int64_t dim) {
  check(!tensors.empty(), ErrorCode::kInvalidArgument, "stack", "at least one tensor is needed");
  const int64_t wrapped = wrap_dim(dim, tensors[0].dim() + 1, "stack");
  std::vector<Tensor> rows;
  for (const Tensor& tensor : tensors) {
    check(tensor.sizes() == tensors[0].sizes(), ErrorCode::kInvalidArgument, "stack",
          "all tensors must have the same sizes, got ", tensors[0].sizes(), " and ",
          tensor.sizes());
    rows.push_back(tensor.unsqueeze(wrapped));
  }
  return cat(rows, wrapped);
}

void register_manipulation_ops(OpList& list) {
  for (const Op* op : {&kCat, &kStack}) list.add(*op);
}

}  // namespace tenon
