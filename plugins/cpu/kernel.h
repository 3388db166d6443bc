// A prepared kernel, and the list of operators this plugin serves.
#ifndef TENON_PLUGINS_CPU_KERNEL_H
#define TENON_PLUGINS_CPU_KERNEL_H

#include <tenon/api/device_plugin.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "device.h"

namespace tenon::cpu {

// What a launch brings.
struct Launch {
  const tn_tensor* const* operands;
  const uint64_t* scalars;
  std::byte* workspace;
};

}  // namespace tenon::cpu

struct tn_kernel_s {
  explicit tn_kernel_s(tn_device device_in) : device(device_in) {}
  tn_kernel_s(const tn_kernel_s&) = delete;
  tn_kernel_s& operator=(const tn_kernel_s&) = delete;
  virtual ~tn_kernel_s() = default;

  virtual tn_status launch(const tenon::cpu::Launch& launch) const = 0;
  virtual uint64_t workspace_bytes(const tn_tensor* const*) const { return 0; }

  tn_device device;
};

namespace tenon::cpu {

using Kernel = tn_kernel_s;

// Empty when the signature can be run, else the reason why not.
using Refusal = std::string_view;

// One operator: how to answer query and prepare. A signature that reaches `prepare` was accepted.
struct Operator {
  std::string_view name;
  Refusal (*refuse)(const tn_signature& signature);
  std::unique_ptr<Kernel> (*prepare)(tn_device device, const tn_signature& signature);
  bool needs_contiguous = false;  // answers TN_ANSWER_CONTIGUOUS for other layouts
};

// Each family lists its operators.
std::span<const Operator> creation_operators();
std::span<const Operator> view_operators();
std::span<const Operator> elementwise_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> matmul_operators();
std::span<const Operator> convolution_operators();
std::span<const Operator> pooling_operators();
std::span<const Operator> normalization_operators();
std::span<const Operator> optimizer_operators();
std::span<const Operator> indexing_operators();
std::span<const Operator> ordering_operators();
std::span<const Operator> random_operators();

// NULL when no family lists it.
const Operator* find_operator(std::string_view name);

// dtype of operand i.
inline uint32_t operand_dtype(const tn_signature& s, uint32_t i) {
  return TN_CLASS_DTYPE(s.classes[i]);
}

// All operands have known dtypes and there are as many as expected.
inline bool has_operands(const tn_signature& s, uint32_t count) {
  if (s.operand_count != count) return false;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t dtype = operand_dtype(s, i);
    if (dtype < TN_DTYPE_BOOL || dtype >= TN_DTYPE_COUNT) return false;
  }
  return true;
}

}  // namespace tenon::cpu

#endif
