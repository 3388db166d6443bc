// Iteration spaces of elementwise calls: broadcasting, collapsing, overlap.
#pragma once

#include <tenon/runtime/tensor_impl.h>

namespace tenon {

// A stored tensor seen through the iteration space of a call.
inline constexpr uint32_t kMaxSpaceOperands = 12;
struct IterationSpace {
  uint32_t operand_count = 0;
  uint32_t rank = 0;
  int64_t shape[8] = {};
  int64_t strides[kMaxSpaceOperands][8] = {};

  explicit IterationSpace(const Shape& sizes);
  // Strides of `desc` broadcast to the space (its sizes already broadcast).
  void add(const tn_tensor& desc) noexcept;
  // Drops dimensions of 1, orders them by the first operand's strides unless `keep_order`, merges
  // neighbours that every operand walks as one.
  void collapse(bool keep_order) noexcept;
  // `desc` with the space's geometry for operand i.
  [[nodiscard]] tn_tensor describe(const tn_tensor& desc, uint32_t i) const noexcept;
};

// True when two elements of the tensor may lie on the same memory.
[[nodiscard]] bool may_overlap_itself(const tn_tensor& desc) noexcept;

enum class Overlap : uint8_t { kNone, kExact, kPartial, kPossible };
// How two tensors share memory. kPossible: their byte ranges meet but they may interleave.
[[nodiscard]] Overlap overlap_of(const TensorImpl& a, const TensorImpl& b) noexcept;

}  // namespace tenon
