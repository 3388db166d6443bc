// Tensor::index and Tensor::index_put_. Integers, slices, None and the ellipsis make views; index
// tensors and masks pick elements by gather.
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/tensor.h>

namespace tenon {
namespace {

constexpr std::string_view kOp = "index";

// A tensor among the indices, and the dimension of the view that it stands for (its first).
struct Picker {
  int64_t dim;
  Tensor index;
  [[nodiscard]] bool is_mask() const { return index.dtype() == kBool; }
};

// What is left when the basic indices are applied: a view, and the tensors still to apply.
struct Indexed {
  Tensor view;
  std::vector<Picker> pickers;
};

// Dimensions of the tensor that an index uses up.
int64_t used_dims(const TensorIndex& index) {
  if (const auto* tensor = std::get_if<Tensor>(&index))
    return tensor->dtype() == kBool ? tensor->dim() : 1;
  return std::holds_alternative<int64_t>(index) || std::holds_alternative<Slice>(index) ? 1 : 0;
}

Tensor sliced(const Tensor& self, int64_t dim, const Slice& range) {
  check(range.step >= 1, ErrorCode::kInvalidArgument, kOp,
        "a slice's step must be at least 1, got ", range.step, "; flip is not a view here");
  const int64_t size = self.size(dim);
  return self.slice(dim, range.start.value_or(0), range.stop.value_or(size), range.step);
}

void check_picker(const Tensor& index, const Tensor& view, int64_t dim) {
  check(index.dtype() == kBool || index.dtype() == kInt64, ErrorCode::kDType, kOp,
        "index tensors must be int64 or bool, got ", index.dtype(), "; convert with to()");
  check(index.device() == view.device(), ErrorCode::kDevice, kOp,
        "tensor and index must be on one device, got ", view.device(), " and ", index.device());
  if (index.dtype() != kBool) return;
  check(index.dim() >= 1, ErrorCode::kInvalidArgument, kOp, "a mask needs a dimension, got ()");
  const Shape covered = view.sizes().slice(dim, dim + index.dim());
  check(index.sizes() == covered, ErrorCode::kIndex, kOp, "a mask must have the sizes ", covered,
        " of what it covers, got ", index.sizes());
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
  } else {
    const Tensor& picker = std::get<Tensor>(index);
    check_picker(picker, result.view, dim);
    result.pickers.push_back({dim, picker});
    dim += used_dims(index);
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
  // Always a view of its own, so that metadata edits (t_) leave the tensor alone.
  if (result.view.is_same(self))
    result.view = self.as_strided(self.sizes(), self.strides(), self.storage_offset());
  return result;
}

// A mask as one int64 index per dimension that it covers.
void add_coordinates(const Picker& mask, std::vector<Picker>& pickers) {
  const RecordingScope off(false);
  const Tensor bits = mask.index.contiguous();
  const int64_t count = primitive::nonzero_count(bits);
  const Tensor coordinates = empty({count, bits.dim()}, {kInt64, bits.device()});
  primitive::nonzero(coordinates, bits);
  for (int64_t d = 0; d < bits.dim(); ++d)
    pickers.push_back({mask.dim + d, coordinates.select(1, d)});
}

// Row-major numbers of the picked positions within dimensions of `sizes`. Each index goes through a
// table, so that every value is checked against its own dimension.
Tensor linear_index(const std::vector<Picker>& pickers, const Shape& sizes, const Shape& common) {
  Tensor total;
  const Shape strides = contiguous_strides(sizes);
  for (size_t i = 0; i < pickers.size(); ++i) {
    const int64_t size = sizes[static_cast<int64_t>(i)];
    const Tensor& raw = pickers[i].index;
    const Tensor wrapped = where(lt(raw, 0), add(raw, size), raw);
    const Tensor flat = wrapped.expand(common).reshape({common.numel()});
    const Tensor table = arange(size, flat.options()).mul(strides[static_cast<int64_t>(i)]);
    const Tensor part = gather(table, 0, flat);
    total = total.defined() ? total.add(part) : part;
  }
  return total;
}

// NumPy's advanced indexing: the picked dimensions give way to the common shape of the indices, in
// their place when they are neighbours, else in front.
Tensor pick(const Tensor& view, const std::vector<Picker>& pickers) {
  Shape common, order, picked, rest;
  bool neighbours = true;
  uint32_t mask = 0;
  for (size_t i = 0; i < pickers.size(); ++i) {
    const int64_t dim = pickers[i].dim;
    common = broadcast_shapes(common, pickers[i].index.sizes(), kOp);
    neighbours = neighbours && (i == 0 || dim == pickers[i - 1].dim + 1);
    order.push_back(dim);
    picked.push_back(view.size(dim));
    mask |= 1u << dim;
  }
  for (int64_t d = 0; d < view.dim(); ++d) {
    if ((mask >> d & 1u) != 0) continue;
    order.push_back(d);
    rest.push_back(view.size(d));
  }
  const Tensor rows = view.permute(order).reshape(Shape{picked.numel()} + rest);
  const Tensor result =
      index_select(rows, 0, linear_index(pickers, picked, common)).view(common + rest);
  if (!neighbours || pickers[0].dim == 0) return result;
  // The dimensions before the first index return to the front.
  Shape back;
  const int64_t before = pickers[0].dim;
  for (int64_t d = 0; d < before; ++d) back.push_back(common.rank() + d);
  for (int64_t d = 0; d < common.rank(); ++d) back.push_back(d);
  for (int64_t d = common.rank() + before; d < result.dim(); ++d) back.push_back(d);
  return result.permute(back);
}

}  // namespace

Tensor Tensor::index(std::span<const TensorIndex> indices) const {
  const Indexed indexed = apply_basic(*this, indices);
  if (indexed.pickers.empty()) return indexed.view;
  std::vector<Picker> pickers;
  for (const Picker& picker : indexed.pickers) {
    if (picker.is_mask())
      add_coordinates(picker, pickers);
    else
      pickers.push_back(picker);
  }
  return pick(indexed.view, pickers);
}

Tensor& Tensor::index_put_(std::span<const TensorIndex> indices, const Operand& value) {
  Indexed indexed = apply_basic(*this, indices);
  Tensor& target = indexed.view;
  if (!indexed.pickers.empty()) {
    const Picker& mask = indexed.pickers[0];
    check(indexed.pickers.size() == 1 && mask.is_mask() &&
              (!value.is_tensor() || value.tensor().numel() == 1),
          ErrorCode::kUnsupported, "index_put_",
          "only one mask and one value can be assigned; use scatter_add_ or where");
    Tensor bits = mask.index;
    while (mask.dim + bits.dim() < target.dim()) bits = bits.unsqueeze(-1);
    if (value.is_tensor())
      target.copy_(where(bits, value.tensor().reshape({}), target));
    else
      target.copy_(where(bits, value, target));
    return *this;
  }
  if (!value.is_tensor()) {
    target.fill_(value);
    return *this;
  }
  // As in NumPy, leading dimensions of 1 are dropped.
  Tensor source = value.tensor();
  while (source.dim() > target.dim() && source.size(0) == 1) source = source.squeeze(0);
  target.copy_(source);
  return *this;
}

}  // namespace tenon
