// Joining tensors.
#include <tenon/runtime/ops/manipulation.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/manipulation_internal.h>
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

constinit const Op kVstack{
    composite_spec("vstack", "vstack(Tensor[] tensors) -> Tensor",
                   R"(cat of atleast_2d along dimension 0. Errors: as cat. Source: torch.vstack.)",
                   &box<&vstack>)};
constinit const Op kHstack{composite_spec(
    "hstack", "hstack(Tensor[] tensors) -> Tensor",
    R"(cat of atleast_1d: vectors along dimension 0, others along dimension 1. Errors: as cat.
Source: torch.hstack.)",
    &box<&hstack>)};
constinit const Op kDstack{
    composite_spec("dstack", "dstack(Tensor[] tensors) -> Tensor",
                   R"(cat of atleast_3d along dimension 2. Errors: as cat. Source: torch.dstack.)",
                   &box<&dstack>)};
constinit const Op kColumnStack{composite_spec(
    "column_stack", "column_stack(Tensor[] tensors) -> Tensor",
    R"(hstack, with vectors as columns. Errors: as cat. Source: torch.column_stack.)",
    &box<&column_stack>)};
constinit const Op kBlockDiag{composite_spec(
    "block_diag", "block_diag(Tensor[] tensors) -> Tensor",
    R"(The matrices along a diagonal, zeros elsewhere; vectors count as one row, numbers as (1, 1).
Shapes: (m_i, n_i) -> (sum m_i, sum n_i); no tensors give (1, 0). Dtypes: promoted to the common one.
Errors: InvalidArgument above 2 dimensions. Source: torch.block_diag.)",
    &box<&block_diag>)};

std::vector<Tensor> meshgrid_boxed(std::span<const Tensor> tensors,
                                   std::optional<MeshIndexing> indexing) {
  return meshgrid(tensors, indexing.value_or(MeshIndexing::kIj));
}

constinit const Op kMeshgrid{composite_spec(
    "meshgrid", "meshgrid(Tensor(a)[] tensors, int indexing=0) -> Tensor(a)[]",
    R"(Result i holds at every point of the grid its coordinate from tensor i; the results are views.
indexing is ij (0: tensor 0 counts rows) or xy (1: tensor 0 counts columns).
Shapes: (n0), (n1), ... -> (n0, n1, ...) each, or (n1, n0, ...) with xy; numbers count as (1).
Errors: InvalidArgument for no tensors, above 1 dimension or an unknown indexing; DType for different
  dtypes. Source: torch.meshgrid.)",
    &box<&meshgrid_boxed>, kView)};

// Every tensor of a list that must not be empty, changed by `f`.
template <class F>
std::vector<Tensor> each(std::string_view op, std::span<const Tensor> tensors, F f) {
  check(!tensors.empty(), ErrorCode::kInvalidArgument, op, "at least one tensor is needed");
  std::vector<Tensor> results;
  for (const Tensor& tensor : tensors) results.push_back(f(tensor));
  return results;
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

Tensor& cat_out(Tensor& out, std::span<const Tensor> tensors, int64_t dim) {
  return store_result(kCat, out, cat(tensors, dim));
}

Tensor& stack_out(Tensor& out, std::span<const Tensor> tensors, int64_t dim) {
  return store_result(kStack, out, stack(tensors, dim));
}

Tensor vstack(std::span<const Tensor> tensors) {
  return cat(each("vstack", tensors, [](const Tensor& x) { return atleast_2d(x); }), 0);
}

Tensor hstack(std::span<const Tensor> tensors) {
  const std::vector<Tensor> parts =
      each("hstack", tensors, [](const Tensor& x) { return atleast_1d(x); });
  return cat(parts, parts[0].dim() == 1 ? 0 : 1);
}

Tensor dstack(std::span<const Tensor> tensors) {
  return cat(each("dstack", tensors, [](const Tensor& x) { return atleast_3d(x); }), 2);
}

Tensor column_stack(std::span<const Tensor> tensors) {
  const auto column = [](const Tensor& x) { return x.dim() < 2 ? x.reshape({x.numel(), 1}) : x; };
  return hstack(each("column_stack", tensors, column));
}

Tensor block_diag(std::span<const Tensor> tensors) {
  if (tensors.empty()) return zeros({1, 0});
  std::vector<Tensor> blocks, rows;
  int64_t columns = 0;
  for (const Tensor& tensor : tensors) {
    check(tensor.dim() <= 2, ErrorCode::kInvalidArgument, "block_diag",
          "at most 2 dimensions were expected, got ", tensor, "; select a matrix");
    blocks.push_back(atleast_2d(tensor));
    columns = checked_add(columns, blocks.back().size(1), "block_diag");
  }
  int64_t left = 0;
  for (const Tensor& block : blocks) {
    const int64_t right = columns - left - block.size(1);
    rows.push_back(pad(block, {left, right}));
    left += block.size(1);
  }
  return cat(rows, 0);
}

std::vector<Tensor> meshgrid(std::span<const Tensor> tensors, MeshIndexing indexing) {
  check(!tensors.empty(), ErrorCode::kInvalidArgument, "meshgrid", "at least one tensor is needed");
  check(indexing == MeshIndexing::kIj || indexing == MeshIndexing::kXy, ErrorCode::kInvalidArgument,
        "meshgrid", "indexing must be ij (0) or xy (1), got ", static_cast<int64_t>(indexing));
  Shape sizes;
  for (const Tensor& tensor : tensors) {
    check(tensor.dim() <= 1, ErrorCode::kInvalidArgument, "meshgrid",
          "tensors of at most one dimension were expected, got ", tensor, "; use ravel");
    check(tensor.dtype() == tensors[0].dtype(), ErrorCode::kDType, "meshgrid",
          "all tensors must have the same dtype, got ", tensors[0].dtype(), " and ", tensor.dtype(),
          "; convert one with to()");
    sizes.push_back(tensor.numel());
  }
  std::vector<Tensor> grids;
  for (int64_t i = 0; i < sizes.rank(); ++i) {
    Shape along = sizes;
    for (int64_t d = 0; d < along.rank(); ++d) along[d] = d == i ? sizes[i] : 1;
    const Tensor grid = tensors[static_cast<size_t>(i)].reshape(along).expand(sizes);
    const bool swaps = indexing == MeshIndexing::kXy && sizes.rank() > 1;
    grids.push_back(swaps ? transpose(grid, 0, 1) : grid);
  }
  return grids;
}

void register_manipulation_ops(OpList& list) {
  for (const Op* op :
       {&kCat, &kStack, &kVstack, &kHstack, &kDstack, &kColumnStack, &kBlockDiag, &kMeshgrid})
    list.add(*op);
  register_repeat_ops(list);
  register_interleave_ops(list);
  register_order_ops(list);
  register_image_layout_ops(list);
}

}  // namespace tenon
