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
  uint32_t flags;  // TN_SIGNATURE_*
  std::span<const int64_t> attributes = {};
  const tn_program* program = nullptr;
  // Only the first operand_count are set: there is one of these in every call.
  const tn_tensor* operands[kMaxOperands];
  uint32_t classes[kMaxOperands];  // TN_CLASS words

  KernelCall(DeviceContext& on, const Op& of);
  // Errors: InvalidArgument beyond kMaxOperands; Device (through the buffer).
  void add(TensorImpl& impl) { add(*impl.operand(), impl.class_word()); }
  // A descriptor in the memory of `impl`, with another geometry from the same first byte on.
  void add(const tn_tensor& desc, const TensorImpl& impl) {
    add(desc, class_word(desc, TN_CLASS_ALIGN(impl.class_word())));
  }
  void add(const tn_tensor& desc, uint32_t word) {
    if (operand_count >= kMaxOperands) [[unlikely]]
      fail_count();
    operands[operand_count] = &desc;
    classes[operand_count++] = word;
  }
  [[nodiscard]] static uint32_t class_word(const tn_tensor& desc, uint32_t alignment) noexcept {
    return static_cast<uint32_t>(TN_CLASS(desc.dtype, desc.rank, layout_of(desc), alignment));
  }

 private:
  [[noreturn]] void fail_count() const;
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

// The kernel for a call from the op's cache; asks and prepares on first sight.
// Errors: what the plugin answered. support may be NO.
[[nodiscard]] const PreparedKernel& find_kernel(const KernelCall& call);
// Asks and prepares, without a cache.
[[nodiscard]] std::unique_ptr<PreparedKernel> prepare_kernel(const KernelCall& call);
// The answer alone, for `tenon ops`.
[[nodiscard]] tn_answer query_kernel(const KernelCall& call);

// Deterministic results are asked for unless turned off.
[[nodiscard]] inline uint32_t signature_flags() noexcept { return TN_SIGNATURE_DETERMINISTIC; }

inline KernelCall::KernelCall(DeviceContext& on, const Op& of)
    : context(on), op(of), flags(signature_flags()) {}

}  // namespace tenon
