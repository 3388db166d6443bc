// An op is one record: what it is called, what it computes, how it is checked, run and boxed.
#pragma once

#include <atomic>
#include <span>
#include <string_view>
#include <vector>

#include <tenon/runtime/dispatch/boxing.h>
#include <tenon/runtime/dispatch/kernel_cache.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

class Op;
class ProgramBuilder;

enum class CallForm : uint8_t { kFunctional, kInPlace, kOut };

// One call, on the caller's stack. Tensors that are absent (optional, or scalar operands of a
// pointwise op) are undefined.
struct OpCall {
  const Op& op;
  std::span<const Tensor* const> inputs;
  std::span<const int64_t> attributes = {};
  std::span<const Scalar> scalars = {};  // scalar operands first, in order, then extra scalars
  std::span<Tensor> outputs = {};        // in-place and out=: defined on entry
  CallForm form = CallForm::kFunctional;
};

// How a pointwise op finds the dtype that it computes in and the dtype of its result.
enum class Promotion : uint8_t {
  kCommon,     // common dtype of the operands, result the same
  kFloat,      // the same, integers and bool become the default float
  kCompare,    // computed in the common dtype, result bool
  kCondition,  // operand 0 is bool, the others have the common dtype (where)
  kDivision,   // attribute 0 is a rounding mode: 0 is as kFloat, others as kCommon
};

// Extra behaviour of a record.
inline constexpr uint32_t kNoGradient = 1u;  // results never require grad (argmax, eq, …)
inline constexpr uint32_t kView = 2u;        // result shares memory with input 0
inline constexpr uint32_t kNoBool = 4u;      // pointwise: bool operands are an error
inline constexpr uint32_t kInPlaceForm = 8u;  // op_ exists: self is input 0 and output 0
inline constexpr uint32_t kPrimitive = 16u;  // an entry of the ABI, not public
inline constexpr uint32_t kComposite = 32u;  // written in other ops; nothing of its own to record
inline constexpr uint32_t kRandom = 64u;     // draws from a generator
inline constexpr uint32_t kNoFloat = 128u;   // pointwise: floats are an error (bitwise_and)
inline constexpr uint32_t kFloatsOnly = 256u;  // pointwise: only floats are taken (gelu)

class TENON_API Op {
 public:
  struct Spec {
    std::string_view name;  // PyTorch's name
    const char* schema;  // "add(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
    const char* doc;     // formula, shapes, dtypes, errors, source
    uint32_t flags = 0;
    Boxed boxed = nullptr;
    Boxed in_place = nullptr;  // op_(self, …)
    Boxed out = nullptr;       // op_out(out, …)
    // Pointwise ops: emits the instructions, returns the value that is the result.
    Promotion promotion = Promotion::kCommon;
    uint32_t (*emit)(ProgramBuilder& program) = nullptr;
    // Name of the plugin's operator where it is not `name` (api/OPERATORS.md).
    std::string_view kernel = {};
    // Others: all validation; allocates undefined outputs. Null for composites.
    void (*infer)(OpCall& call) = nullptr;
    // The composition: fills the outputs from other ops and primitives.
    void (*decompose)(OpCall& call) = nullptr;
  };

  constexpr explicit Op(const Spec& spec) : spec_(spec) {}
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  [[nodiscard]] std::string_view name() const noexcept { return spec_.name; }
  [[nodiscard]] std::string_view kernel() const noexcept {
    return spec_.kernel.empty() ? spec_.name : spec_.kernel;
  }
  [[nodiscard]] const Spec& spec() const noexcept { return spec_; }
  [[nodiscard]] bool has(uint32_t flag) const noexcept { return (spec_.flags & flag) != 0; }
  [[nodiscard]] KernelCache& cache() const noexcept { return cache_; }

  // The derivative rule, bound by the autograd library; null when there is none.
  [[nodiscard]] const void* gradient() const noexcept {
    return gradient_.load(std::memory_order_acquire);
  }
  void set_gradient(const void* rule) const noexcept {
    gradient_.store(rule, std::memory_order_release);
  }

 private:
  Spec spec_;
  mutable KernelCache cache_;
  mutable std::atomic<const void*> gradient_{nullptr};
};

// Every public op, in a fixed order. Registered by explicit calls on first use.
[[nodiscard]] TENON_API std::span<const Op* const> all_ops();
// By name; nullptr when unknown.
[[nodiscard]] TENON_API const Op* find_op(std::string_view name);

// Runs a call: record hook → infer → plugin kernel → decompose → error. For non-pointwise ops.
TENON_API void dispatch(OpCall& call);

// Runs an in-place call of a non-pointwise op: refuses what can't be written (overlapping memory,
// leaves), calls `write` with recording off, bumps the version, records. outputs[0] is self.
TENON_API void write_in_place(OpCall& call, void (*write)(OpCall&));
// Errors: InvalidArgument when elements of `out` share memory (expand first, then clone).
TENON_API void check_writable(const Tensor& out, std::string_view op);

// Common shapes of dispatch for records with one output.
[[nodiscard]] TENON_API Tensor call_op(const Op& op, std::initializer_list<const Tensor*> inputs,
                                       std::initializer_list<int64_t> attributes = {},
                                       std::initializer_list<Scalar> scalars = {});
[[nodiscard]] TENON_API Tensor call_op(const Op& op, std::initializer_list<const Tensor*> inputs,
                                       std::span<const int64_t> attributes,
                                       std::initializer_list<Scalar> scalars = {});

// Pointwise calls. `scalars` are the op's extra scalars (alpha), attributes choose variants.
[[nodiscard]] TENON_API Tensor pointwise(const Op& op, std::initializer_list<Operand> operands,
                                         std::initializer_list<Scalar> scalars = {},
                                         std::initializer_list<int64_t> attributes = {});
TENON_API Tensor& pointwise_(const Op& op, Tensor& self, std::initializer_list<Operand> others,
                             std::initializer_list<Scalar> scalars = {},
                             std::initializer_list<int64_t> attributes = {});
TENON_API Tensor& pointwise_out(const Op& op, Tensor& out, std::initializer_list<Operand> operands,
                                std::initializer_list<Scalar> scalars = {},
                                std::initializer_list<int64_t> attributes = {});

// A view of `self` with another geometry (offset in elements), recorded for op. `attributes` and
// `shapes` go to the derivative rule.
[[nodiscard]] TENON_API Tensor make_view(const Op& op, const Tensor& self, const Shape& sizes,
                                         const Shape& strides, int64_t offset,
                                         std::span<const int64_t> attributes = {});

}  // namespace tenon
