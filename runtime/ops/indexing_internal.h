// What the files of the indexing family share.
#pragma once

#include <tenon/runtime/dispatch/geometry.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {

void register_scatter_ops(OpList& list);
void register_slice_index_ops(OpList& list);
void register_mask_ops(OpList& list);
void register_position_ops(OpList& list);
void register_tensor_index_ops(OpList& list);

namespace ops {

// `operand`, or a copy where it shares memory with what is about to be written.
[[nodiscard]] inline Tensor apart_from(const Tensor& out, const Tensor& operand) {
  const bool shares = overlap_of(*out.impl(), *operand.impl()) != Overlap::kNone;
  return shares ? clone(operand) : operand;
}

inline void check_index_dtype(std::string_view op, const Tensor& index) {
  check(index.dtype() == kInt64, ErrorCode::kDType, op, "index must be int64, got ", index.dtype(),
        "; convert it with to()");
}

// Index as int64. Errors: DType for other dtypes than int64 and int32.
[[nodiscard]] inline Tensor as_positions(std::string_view op, const Tensor& index) {
  if (index.dtype() == kInt32) return index.to(kInt64);
  check(index.dtype() == kInt64, ErrorCode::kDType, op, "index must be int64 or int32, got ",
        index.dtype(), "; convert it with to()");
  return index;
}

// `count` positions of one dimension. Errors: Index where it has none.
inline void check_has_positions(std::string_view op, const Tensor& self, int64_t dim,
                                int64_t count) {
  check(count == 0 || self.size(dim) > 0, ErrorCode::kIndex, op, "dimension ", dim,
        " of self is empty, so that no position is in range, got ", self.sizes());
}

inline void check_same_device(std::string_view op, const Tensor& self, const Tensor& other) {
  check(self.device() == other.device(), ErrorCode::kDevice, op,
        "all tensors must be on one device, got ", self.device(), " and ", other.device(),
        "; move one with to()");
}

inline void check_same_dtype(std::string_view op, const Tensor& self, const Tensor& source) {
  check(self.dtype() == source.dtype(), ErrorCode::kDType, op,
        "self and source must have the same dtype, got ", self.dtype(), " and ", source.dtype(),
        "; convert one with to()");
}

// Positions counted from the end made positive; what is still out of range is the kernel's to
// refuse.
[[nodiscard]] Tensor wrap_positions(const Tensor& index, int64_t size);

// A number as one of `dtype`. Errors: InvalidArgument when an integer dtype can't hold it.
[[nodiscard]] Scalar number_for(std::string_view op, DType dtype, const Scalar& number);

// The value to write everywhere: a number, or a 0-dim tensor of any dtype, as a 0-dim tensor like
// self. Errors: InvalidArgument for a tensor with dimensions.
[[nodiscard]] Tensor value_like(std::string_view op, const Tensor& self, const Operand& value);

}  // namespace ops
}  // namespace tenon
