// From operands to a prepared kernel: classes, cache key, query, prepare.
#pragma once

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/operator.h>

namespace tenon {

inline constexpr uint32_t kMaxOperands = 16;

// Everything a kernel is chosen by. Operand descriptors have their buffers resolved.
struct KernelCall {
  DeviceContext& context;
  const Op& op;
  uint32_t output_count = 0;
  uint32_t operand_count = 0;
  const tn_tensor* operands[kMaxOperands] = {};
  uint8_t alignment[kMaxOperands] = {};  // log2, <= 6
  std::span<const int64_t> attributes = {};
  const tn_program* program = nullptr;
  uint32_t flags = 0;  // TN_SIGNATURE_*

  // Errors: InvalidArgument beyond kMaxOperands; Device (through the buffer).
  void add(TensorImpl& impl);
  void add(const tn_tensor& desc, uint8_t align);
};

struct PreparedKernel : CacheEntry {
  PreparedKernel() = default;
  PreparedKernel(const PreparedKernel&) = delete;
  PreparedKernel& operator=(const PreparedKernel&) = delete;
  ~PreparedKernel() override {  // another thread's entry came first, or a later step failed
    if (kernel != nullptr) release(kernel);
  }

  uint32_t support = TN_ANSWER_NO;
  bool per_shape = false;
  tn_kernel kernel = nullptr;
  void (*release)(tn_kernel) = nullptr;
  std::string reason;
};

// log2 of the alignment of a tensor's first byte, at most 6 (64 bytes).
[[nodiscard]] uint8_t alignment_of(const TensorImpl& impl) noexcept;
[[nodiscard]] uint64_t class_word(const tn_tensor& desc, uint8_t alignment) noexcept;

// The kernel for a call from the op's cache; asks and prepares on first sight.
// Errors: what the plugin answered. support may be NO.
[[nodiscard]] const PreparedKernel& find_kernel(const KernelCall& call);
// Asks and prepares, without a cache.
[[nodiscard]] std::unique_ptr<PreparedKernel> prepare_kernel(const KernelCall& call);
// The answer alone, for `tenon ops`.
[[nodiscard]] tn_answer query_kernel(const KernelCall& call);

// Deterministic results are asked for unless turned off.
[[nodiscard]] inline uint32_t signature_flags() noexcept { return TN_SIGNATURE_DETERMINISTIC; }

}  // namespace tenon
