// What the two ways of a pointwise call share: the general one (pointwise.cpp), which promotes,
// broadcasts and collapses, and the short one of dense operands (pointwise_flat.cpp).
#pragma once

#include <memory>
#include <vector>

#include <tenon/runtime/dispatch/kernel_call.h>
#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/program_builder.h>

namespace tenon {

inline constexpr size_t kMaxArguments = 6;
inline constexpr size_t kMaxScalars = 8;

struct PointwiseTypes {
  DType compute, result;
};

struct PointwiseCall {
  const Op& op;
  std::span<const Operand> operands;
  std::span<const Scalar> extras;
  std::span<const int64_t> attributes;
  CallForm form;
  Tensor& out;  // undefined: made on the way
  // Filled on the general way. Arrays start unset: only what is counted is read.
  DeviceContext* context = nullptr;
  PointwiseTypes types{};
  DType out_dtype{};
  size_t tensor_count = 0;
  size_t scalar_count = 0;
  TensorImpl* tensors[kMaxArguments];   // inputs that reach the kernel
  bool is_tensor[kMaxArguments];        // per operand
  const Scalar* scalars[kMaxScalars];   // scalar operands, then extras
  std::vector<Scalar> numbers;          // what 0-dim tensors of the host hold
  std::vector<Ref<TensorImpl>> copies;  // inputs replaced because they overlap the output

  PointwiseCall(const Op& of, std::span<const Operand> with, std::span<const Scalar> extra,
                std::span<const int64_t> variant, CallForm as, Tensor& into)
      : op(of), operands(with), extras(extra), attributes(variant), form(as), out(into) {}
};

// What one structural key leads to.
struct PointwisePlan : CacheEntry {
  SplitProgram split;
  std::vector<ScalarSource> scalars;
  std::vector<std::unique_ptr<PreparedKernel>> kernels;
  // One launch, of all tensors in their order.
  [[nodiscard]] bool is_simple(size_t tensor_count) const noexcept;
};

// A look at the operands of a call, before anything else. They fit the short way when they are on
// one device and each is row-major and of one shape, or is one element that is repeated. What the
// general way would find out about such a call follows from its key alone.
class FlatOperands {
 public:
  // Errors: InvalidArgument for undefined tensors.
  explicit FlatOperands(const PointwiseCall& call);

  [[nodiscard]] bool fit() const noexcept { return fit_; }
  // Whether some operand, or the output, takes part in the graph.
  [[nodiscard]] bool in_graph() const noexcept { return in_graph_; }

  // Runs the call when its plan is known; makes the output if need be.
  [[nodiscard]] bool run(PointwiseCall& call) const;
  // Keeps the plan that the general way went by.
  void keep(const PointwiseCall& call, const PointwisePlan& plan) const;

 private:
  void look_at(TensorImpl& impl) noexcept;
  void choose_model() noexcept;
  void look_at_output(const TensorImpl& out) noexcept;
  void make_key(const PointwiseCall& call, uint64_t operand_bits) noexcept;

  bool fit_ = true;
  bool in_graph_ = false;
  uint32_t count_ = 0;           // tensors among the operands
  uint32_t singles_ = 0;         // bit i: tensor i is one element, repeated
  TensorImpl* model_ = nullptr;  // the output is like it
  TensorImpl* tensors_[kMaxArguments];
  CacheKey key_;
};

}  // namespace tenon
