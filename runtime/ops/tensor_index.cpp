// Tensor::index and Tensor::index_put_. Integers, slices, None and the ellipsis make views; index
// tensors and masks pick rows of the view by their linear numbers.
#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/indexing_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/tensor.h>

namespace tenon {
namespace {

constexpr std::string_view kOp = "index";

// ---- basic indices ----

// int64 positions, and the dimension of the view that they stand for.
struct Picker {
  int64_t dim = 0;
  Tensor index;
  bool in_range = false;  // known to be: coordinates of a mask
};

// What is left when the basic indices are applied: a view, and the positions still to apply.
struct Indexed {
  Tensor view;
  std::vector<Picker> pickers;
};

// Index tensors as they count: masks are bool (uint8 is one, as in PyTorch), positions int64.
Tensor normal_index(const Tensor& index) {
  if (index.dtype() == kUInt8) return ne(index, 0);
  if (index.dtype() == kInt32) return index.to(kInt64);
  check(index.dtype() == kBool || index.dtype() == kInt64, ErrorCode::kDType, kOp,
        "index tensors must be int64 or bool (or int32, or uint8 as a mask), got ", index.dtype(),
        "; convert with to()");
  return index;
}

// Dimensions of the tensor that an index uses up.
int64_t used_dims(const TensorIndex& index) {
  if (const auto* tensor = std::get_if<Tensor>(&index)) {
    const bool mask = tensor->dtype() == kBool || tensor->dtype() == kUInt8;
    return mask ? tensor->dim() : 1;
  }
  const bool one = std::holds_alternative<int64_t>(index) || std::holds_alternative<Slice>(index) ||
                   std::holds_alternative<std::vector<int64_t>>(index);
  return one ? 1 : 0;
}

Tensor sliced(const Tensor& self, int64_t dim, const Slice& range) {
  check(range.step >= 1, ErrorCode::kInvalidArgument, kOp,
        "a slice's step must be at least 1, got ", range.step, "; flip is not a view here");
  if (!range.start && !range.stop && range.step == 1) return self;
  const int64_t size = self.size(dim);
  return self.slice(dim, range.start.value_or(0), range.stop.value_or(size), range.step);
}

// A mask as one vector of positions for each dimension that it covers.
void apply_mask(Indexed& result, const Tensor& mask, int64_t& dim) {
  const Shape covered = result.view.sizes().slice(dim, dim + mask.dim());
  check(mask.sizes() == covered, ErrorCode::kIndex, kOp, "a mask must have the sizes ", covered,
        " of the dimensions that it covers, got ", mask.sizes());
  const Tensor coordinates = nonzero(mask);
  for (int64_t d = 0; d < mask.dim(); ++d)
    result.pickers.push_back({dim++, coordinates.select(1, d), true});
}

// As PyTorch: a 0-dim mask is a new dimension of size 1, all or nothing of which is taken.
void apply_truth(Indexed& result, bool truth, int64_t& dim) {
  result.view = result.view.unsqueeze(dim);
  const Tensor index = zeros({truth ? 1 : 0}, TensorOptions(kInt64, result.view.device()));
  result.pickers.push_back({dim++, index, true});
}

void apply_tensor(Indexed& result, const Tensor& raw, int64_t& dim) {
  check(raw.device() == result.view.device(), ErrorCode::kDevice, kOp,
        "tensor and index must be on one device, got ", result.view.device(), " and ", raw.device(),
        "; move the index with to()");
  const Tensor index = normal_index(raw);
  if (index.dim() == 0 && index.dtype() == kBool)
    return apply_truth(result, index.item<bool>(), dim);
  if (index.dtype() == kBool) return apply_mask(result, index, dim);
  if (index.dim() == 0) {  // as PyTorch: a position like any int, so a view
    result.view = result.view.select(dim, index.item<int64_t>());
    return;
  }
  result.pickers.push_back({dim++, index});
}

// `dim` is where the index stands now; it moves behind the dimensions that the index leaves.
void apply(Indexed& result, const TensorIndex& index, int64_t& dim, int64_t ellipsis_dims) {
  if (const auto* position = std::get_if<int64_t>(&index)) {
    result.view = result.view.select(dim, *position);
  } else if (const auto* range = std::get_if<Slice>(&index)) {
    result.view = sliced(result.view, dim++, *range);
  } else if (std::holds_alternative<None_>(index)) {
    result.view = result.view.unsqueeze(dim++);
  } else if (std::holds_alternative<Ellipsis_>(index)) {
    dim += ellipsis_dims;
  } else if (const auto* truth = std::get_if<bool>(&index)) {
    apply_truth(result, *truth, dim);
  } else if (const auto* list = std::get_if<std::vector<int64_t>>(&index)) {
    const TensorOptions options(kInt64, result.view.device());
    result.pickers.push_back({dim++, tensor(*list, options)});
  } else {
    apply_tensor(result, std::get<Tensor>(index), dim);
  }
}

Indexed apply_basic(const Tensor& self, std::span<const TensorIndex> indices) {
  int64_t used = 0, ellipses = 0;
  for (const TensorIndex& item : indices) {
    used += used_dims(item);
    ellipses += std::holds_alternative<Ellipsis_>(item) ? 1 : 0;
  }
  check(ellipses <= 1, ErrorCode::kIndex, kOp, "an index can only have one ellipsis ('...')");
  check(used <= self.dim(), ErrorCode::kIndex, kOp, "too many indices for a tensor of dimension ",
        self.dim(), ", got ", used);
  Indexed result{self, {}};
  int64_t at = 0;
  for (const TensorIndex& item : indices) apply(result, item, at, self.dim() - used);
  return result;
}

// ---- positions ----

// The picked dimensions of a view as one dimension of rows, and the rows picked.
struct Selection {
  Tensor view;      // picked dimensions side by side
  int64_t dim = 0;  // the first of them
  int64_t count = 0;
  Tensor rows;   // int64 vector of row-major numbers within the picked dimensions
  Shape common;  // sizes that the picked dimensions give way to

  [[nodiscard]] Shape before() const { return view.sizes().slice(0, dim); }
  [[nodiscard]] Shape after() const { return view.sizes().slice(dim + count, view.dim()); }
  [[nodiscard]] Shape picked() const { return view.sizes().slice(dim, dim + count); }
};

Shape common_sizes(const std::vector<Picker>& pickers) {
  Shape common;
  for (const Picker& picker : pickers) {
    const Shape sizes = picker.index.sizes();
    bool fits = true;
    for (int64_t d = 1; d <= std::min(common.rank(), sizes.rank()); ++d) {
      const int64_t a = common[common.rank() - d], b = sizes[sizes.rank() - d];
      fits = fits && (a == b || a == 1 || b == 1);
    }
    check(fits, ErrorCode::kIndex, kOp, "index tensors must broadcast against each other, got ",
          common, " and ", sizes);
    common = broadcast_shapes(common, sizes, kOp);
  }
  return common;
}

// Row-major numbers of the picked positions within dimensions of `sizes`. Where there are several,
// each goes through a table, so that every value is checked against its own dimension.
Tensor linear_index(const std::vector<Picker>& pickers, const Shape& sizes, const Shape& common) {
  Tensor total;
  const Shape strides = contiguous_strides(sizes);
  for (size_t i = 0; i < pickers.size(); ++i) {
    const auto d = static_cast<int64_t>(i);
    const Picker& picker = pickers[i];
    check(sizes[d] > 0 || common.numel() == 0, ErrorCode::kIndex, kOp, "dimension ", picker.dim,
          " of the tensor is empty, so that no position is in range");
    Tensor part = picker.in_range ? picker.index : ops::wrap_positions(picker.index, sizes[d]);
    part = part.expand(common).reshape({common.numel()});
    if (pickers.size() == 1) return part;  // checked by the gather or scatter that follows
    if (picker.in_range)
      part = part.mul(strides[d]);
    else
      part = gather(arange(sizes[d], part.options()).mul(strides[d]), 0, part);
    total = total.defined() ? total.add(part) : part;
  }
  return total;
}

// NumPy's rule: the picked dimensions give way to the common sizes of the indices, in their place
// when they are neighbours, else in front.
Selection selection_of(const Indexed& indexed) {
  const std::vector<Picker>& pickers = indexed.pickers;
  Selection result;
  result.count = static_cast<int64_t>(pickers.size());
  bool neighbours = true;
  uint32_t mask = 0;
  Shape order;
  for (size_t i = 0; i < pickers.size(); ++i) {
    neighbours = neighbours && (i == 0 || pickers[i].dim == pickers[i - 1].dim + 1);
    mask |= 1u << pickers[i].dim;
    order.push_back(pickers[i].dim);
  }
  result.dim = neighbours ? pickers[0].dim : 0;
  result.view = indexed.view;
  if (!neighbours) {
    for (int64_t d = 0; d < indexed.view.dim(); ++d)
      if ((mask >> d & 1u) == 0) order.push_back(d);
    result.view = indexed.view.permute(order);
  }
  result.common = common_sizes(pickers);
  const RecordingScope off(false);
  result.rows = linear_index(pickers, result.picked(), result.common);
  return result;
}

// ---- writing ----

// Sizes with `count` dimensions from `dim` on as one.
Shape merged_sizes(const Shape& sizes, int64_t dim, int64_t count) {
  return sizes.slice(0, dim) + Shape{sizes.slice(dim, dim + count).numel()} +
         sizes.slice(dim + count, sizes.rank());
}

// Inputs: self, rows (vector), values (before, number of rows, after). Attributes: dim, count,
// accumulate.
void write_rows(OpCall& call) {
  const Tensor& out = call.outputs[0];
  const int64_t dim = call.attributes[0];
  const Tensor values = ops::apart_from(out, call.inputs[2]->detach());
  const Tensor rows = ops::apart_from(out, *call.inputs[1]);
  Shape along = values.sizes();
  for (int64_t d = 0; d < along.rank(); ++d) along[d] = d == dim ? rows.numel() : 1;
  const Tensor index = rows.view(along).expand(values.sizes());
  // A copy where the picked dimensions do not lie as one; it goes back as a whole.
  const Tensor target = out.detach().reshape(merged_sizes(out.sizes(), dim, call.attributes[1]));
  const bool accumulate = call.attributes[2] != 0;
  primitive::scatter(target, index, values, dim, accumulate ? TN_SCATTER_ADD : TN_SCATTER_SET);
  const bool copied = target.impl()->storage.get() != out.impl()->storage.get();
  if (copied) primitive::copy(out, target.view(out.sizes()));
}

Tensor index_boxed(const Tensor& self, std::span<const Tensor> indices) {
  return index(self, indices);
}
Tensor index_put_boxed(const Tensor& self, std::span<const Tensor> indices, const Operand& values,
                       std::optional<bool> accumulate) {
  return index_put(self, indices, values, accumulate.value_or(false));
}

const Op kIndex{{
    .name = "index",
    .schema = "index(Tensor self, Tensor?[] indices) -> Tensor",
    .doc =
        R"(self[indices...], copied: one tensor for each dimension from the first, none for all of it.
int64 and int32 are positions (negative ones count from the end) and broadcast against each other;
bool and uint8 are masks and stand for the positions of their true elements, one vector for each
dimension of the mask. The common sizes take the place of the dimensions picked when those are
neighbours, else they come first.

Shapes: masks have the sizes of what they cover. Dtypes: any.
Errors: Index for too many indices, positions out of range, sizes that do not fit; DType; Device.
Source: NumPy, "Indexing on ndarrays"; torch.Tensor.__getitem__.)",
    .flags = kComposite,
    .boxed = &box<&index_boxed>,
}};

const Op kIndexPut{{
    .name = "index_put",
    .schema =
        "index_put(Tensor self, Tensor?[] indices, Tensor|Scalar values, bool accumulate=False)"
        " -> Tensor",
    .doc =
        R"(A copy of self with self[indices...] = values (or += with accumulate). Of several values for one
place the last in row-major order stays, and has the gradient; sums are in that order.

Shapes: values broadcast to the sizes of index(self, indices). Dtypes: values as self, or a number,
  or 0-dim of any dtype; bool sums are or.
Errors: as index; InvalidArgument for values that do not broadcast; DType. Positions out of range
  may be noticed when a part is written.
Source: torch.Tensor.index_put.)",
    .flags = kInPlaceForm,
    .boxed = &box<&index_put_boxed>,
}};

Tensor put_values(const Selection& selection, const Operand& value) {
  const Tensor& self = selection.view;
  const bool single = !value.is_tensor() || value.tensor().dim() == 0;
  const Tensor values = single ? ops::value_like("index_put", self, value) : value.tensor();
  check(values.device() == self.device(), ErrorCode::kDevice, "index_put",
        "tensor and values must be on one device, got ", self.device(), " and ", values.device());
  check(values.dtype() == self.dtype(), ErrorCode::kDType, "index_put",
        "values must have the dtype of the tensor written to, ", self.dtype(), ", got ",
        values.dtype(), "; convert them with to()");
  const Shape sizes = selection.before() + selection.common + selection.after();
  bool fits = values.dim() <= sizes.rank();
  for (int64_t d = 1; fits && d <= values.dim(); ++d)
    fits = values.size(-d) == 1 || values.size(-d) == sizes[sizes.rank() - d];
  check(fits, ErrorCode::kInvalidArgument, "index_put", "values must broadcast to ", sizes,
        ", what the indices pick, got ", values.sizes());
  return values.expand(sizes).reshape(selection.before() + Shape{selection.common.numel()} +
                                      selection.after());
}

void put(Tensor& self, const Indexed& indexed, const Operand& value, bool accumulate) {
  // Nothing but leading indices: the call is recorded on self, else on a view of it.
  Selection selection = selection_of(indexed);
  const Tensor values = put_values(selection, value);
  Tensor& target = selection.view.is_same(self) ? self : selection.view;
  const Tensor* inputs[] = {&target, &selection.rows, &values};
  const int64_t attributes[] = {selection.dim, selection.count, accumulate ? 1 : 0};
  OpCall call{.op = kIndexPut,
              .inputs = inputs,
              .attributes = attributes,
              .outputs = {&target, 1},
              .form = CallForm::kInPlace};
  write_in_place(call, &write_rows);
}

// As in NumPy, leading dimensions of 1 are dropped from what is assigned.
Tensor without_leading_ones(const Tensor& value, int64_t rank) {
  Tensor source = value;
  while (source.dim() > rank && source.size(0) == 1) source = source.squeeze(0);
  return source;
}

int64_t picked_rank(const Indexed& indexed) {
  int64_t common = 0;
  for (const Picker& picker : indexed.pickers) common = std::max(common, picker.index.dim());
  return indexed.view.dim() - static_cast<int64_t>(indexed.pickers.size()) + common;
}

// One mask and one value: no need to know how many elements are true.
bool is_masked_fill(std::span<const TensorIndex> indices, const Operand& value) {
  if (indices.size() != 1 || (value.is_tensor() && value.tensor().dim() > 0)) return false;
  const auto* mask = std::get_if<Tensor>(&indices[0]);
  return mask != nullptr && mask->dtype() == kBool && mask->dim() > 0;
}

void fill_mask(Tensor& self, const Tensor& mask, const Operand& value) {
  const Shape covered = self.sizes().slice(0, std::min(mask.dim(), self.dim()));
  check(mask.sizes() == covered, ErrorCode::kIndex, kOp, "a mask must have the sizes ", covered,
        " of the dimensions that it covers, got ", mask.sizes());
  ops::check_same_device("index_put", self, mask);
  masked_fill_(self,
               mask.reshape(mask.sizes() + Shape(std::vector<int64_t>(
                                               static_cast<size_t>(self.dim() - mask.dim()), 1))),
               value);
}

std::vector<TensorIndex> as_indices(std::span<const Tensor> indices) {
  std::vector<TensorIndex> items;
  for (const Tensor& tensor : indices) {
    if (tensor.defined())
      items.emplace_back(tensor);
    else
      items.emplace_back(Slice());
  }
  return items;
}

}  // namespace

Tensor Tensor::index(std::span<const TensorIndex> indices) const {
  const Indexed indexed = apply_basic(*this, indices);
  if (indexed.pickers.empty()) {
    if (!indexed.view.is_same(*this)) return indexed.view;
    // Always a view of its own, so that metadata edits (t_) leave the tensor alone.
    return as_strided(sizes(), strides(), storage_offset());
  }
  const Selection selection = selection_of(indexed);
  const Tensor rows =
      selection.view.reshape(merged_sizes(selection.view.sizes(), selection.dim, selection.count));
  return index_select(rows, selection.dim, selection.rows)
      .view(selection.before() + selection.common + selection.after());
}

Tensor& Tensor::index_put_(std::span<const TensorIndex> indices, const Operand& value,
                           bool accumulate) {
  if (!accumulate && is_masked_fill(indices, value)) {
    fill_mask(*this, std::get<Tensor>(indices[0]), value);
    return *this;
  }
  Indexed indexed = apply_basic(*this, indices);
  Tensor source;
  if (value.is_tensor()) source = without_leading_ones(value.tensor(), picked_rank(indexed));
  const Operand operand = value.is_tensor() ? Operand(source) : value;
  Tensor& target = indexed.view;
  if (!indexed.pickers.empty())
    put(*this, indexed, operand, accumulate);
  else if (accumulate)
    target.add_(operand);
  else if (value.is_tensor())
    target.copy_(source);
  else
    target.fill_(value);
  return *this;
}

Tensor index(const Tensor& self, std::span<const Tensor> indices) {
  return self.index(as_indices(indices));
}

Tensor index_put(const Tensor& self, std::span<const Tensor> indices, const Operand& values,
                 bool accumulate) {
  Tensor result = clone(self);
  return index_put_(result, indices, values, accumulate);
}

Tensor& index_put_(Tensor& self, std::span<const Tensor> indices, const Operand& values,
                   bool accumulate) {
  return self.index_put_(as_indices(indices), values, accumulate);
}

void register_tensor_index_ops(OpList& list) {
  for (const Op* op : {&kIndex, &kIndexPut}) list.add(*op);
}

}  // namespace tenon
