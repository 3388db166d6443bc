// What the two ways of a pointwise call share: the general one (pointwise.cpp), which promotes,
// broadcasts and collapses, and the short one of dense operands (pointwise_flat_internal.h).
#pragma once

#include <memory>
#include <vector>

#include <tenon/runtime/dispatch/kernel_call.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/program_builder.h>

namespace tenon {

inline constexpr size_t kMaxArguments = 6;
inline constexpr size_t kMaxScalars = 8;

// A call as it was asked for.
struct PointwiseCall {
  const Op& op;
  std::span<const Operand> operands;
  std::span<const Scalar> extras;
  std::span<const int64_t> attributes;
  CallForm form;
  Tensor& out;  // undefined: made on the way
};

// What one structural key leads to.
struct PointwisePlan : CacheEntry {
  SplitProgram split;
  std::vector<ScalarSource> scalars;
  std::vector<std::unique_ptr<PreparedKernel>> kernels;
  // One launch, of all tensors in their order.
  [[nodiscard]] bool is_simple(size_t tensor_count) const noexcept;
};

}  // namespace tenon
