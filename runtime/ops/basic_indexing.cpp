// Tensor::index and Tensor::index_put_: views made of select, slice and unsqueeze.
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/tensor.h>

namespace tenon {
namespace {

constexpr std::string_view kOp = "index";

// Dimensions of the tensor that an index uses up.
int64_t used_dims(const TensorIndex& index) {
  return std::holds_alternative<int64_t>(index) || std::holds_alternative<Slice>(index) ? 1 : 0;
}

Tensor sliced(const Tensor& self, int64_t dim, const Slice& range) {
  check(range.step >= 1, ErrorCode::kInvalidArgument, kOp,
        "a slice's step must be at least 1, got ", range.step, "; flip is not a view here");
  const int64_t size = self.size(dim);
  return self.slice(dim, range.start.value_or(0), range.stop.value_or(size), range.step);
}

// `dim` is where the index stands now; it moves behind the dimensions that the index leaves.
Tensor apply(const Tensor& self, const TensorIndex& index, int64_t& dim, int64_t ellipsis_dims) {
  if (const auto* position = std::get_if<int64_t>(&index)) return self.select(dim, *position);
  if (const auto* range = std::get_if<Slice>(&index)) return sliced(self, dim++, *range);
  if (std::holds_alternative<None_>(index)) return self.unsqueeze(dim++);
  if (std::holds_alternative<Ellipsis_>(index)) {
    dim += ellipsis_dims;
    return self;
  }
  fail(ErrorCode::kUnsupported, kOp,
       "masks and index tensors are not supported here yet; use where, gather or index_select");
}

}  // namespace

Tensor Tensor::index(std::span<const TensorIndex> indices) const {
  int64_t used = 0, ellipses = 0;
  for (const TensorIndex& item : indices) {
    used += used_dims(item);
    ellipses += std::holds_alternative<Ellipsis_>(item) ? 1 : 0;
  }
  check(ellipses <= 1, ErrorCode::kIndex, kOp, "an index can only have one ellipsis ('...')");
  check(used <= dim(), ErrorCode::kIndex, kOp, "too many indices for a tensor of dimension ", dim(),
        ", got ", used);
  Tensor result = *this;
  int64_t at = 0;
  for (const TensorIndex& item : indices) result = apply(result, item, at, dim() - used);
  // Always a view of its own, so that metadata edits (t_) leave this tensor alone.
  return result.is_same(*this) ? as_strided(sizes(), strides(), storage_offset()) : result;
}

Tensor& Tensor::index_put_(std::span<const TensorIndex> indices, const Operand& value) {
  Tensor target = index(indices);
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
