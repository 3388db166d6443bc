// The oracle's objects: a kernel, its operands, and the list of operators.
//
// Everything is computed the plain way: floats as double, integers and bool as int64, one rounding
// to the dtype at the end (of each instruction of a program).
#ifndef TENON_PLUGINS_REFERENCE_KERNEL_H
#define TENON_PLUGINS_REFERENCE_KERNEL_H

#include <tenon/api/plugin_tables.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "support/elements.h"

namespace tenon::reference {

// A tensor of a launch and the host address of its first element.
struct Operand {
  const tn_tensor* tensor;
  std::byte* data;
};

struct Call {
  std::span<const Operand> operands;
  const uint64_t* scalars;
  std::byte* workspace;
  plugin::Host host;
};

class Kernel {
 public:
  explicit Kernel(const plugin::Signature& signature) : operand_count_(signature.operand_count()) {
    for (uint32_t i = 0; i < operand_count_; ++i) dtypes_[i] = signature.dtype(i);
  }
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  virtual void run(const Call& call) const = 0;
  [[nodiscard]] virtual uint64_t workspace(std::span<const tn_tensor* const>) const { return 0; }

  [[nodiscard]] uint32_t operand_count() const { return operand_count_; }
  [[nodiscard]] uint32_t dtype(uint32_t i) const { return dtypes_[i]; }

  static constexpr uint32_t kMaxOperands = 32;

 private:
  uint32_t operand_count_;
  uint32_t dtypes_[kMaxOperands] = {};
};

// One operator: what it demands of a signature (the reason of a refusal, or nothing), and the
// kernel for one that was accepted.
struct Operator {
  std::string_view name;
  uint32_t operands;  // 0: its own check
  uint32_t outputs;
  uint32_t attributes;
  std::string (*refuse)(const plugin::Signature& signature);
  std::unique_ptr<Kernel> (*make)(const plugin::Signature& signature);
};

std::span<const Operator> movement_operators();     // fill, copy, random
std::span<const Operator> elementwise_operators();  // program
std::span<const Operator> reduction_operators();
std::span<const Operator> matmul_operators();
std::span<const Operator> indexing_operators();  // gather, scatter, nonzero
std::span<const Operator> ordering_operators();  // scan, sort

// What the device states, and what "program" checks against.
inline constexpr uint32_t kMaxInstructions = 32;
inline constexpr uint32_t kMaxInputs = 16;
inline constexpr uint32_t kMaxScalars = 16;
inline constexpr uint32_t kMaxOutputs = 8;

template <class K>
std::unique_ptr<Kernel> make_kernel(const plugin::Signature& signature) {
  return std::make_unique<K>(signature);
}

}  // namespace tenon::reference

#endif
