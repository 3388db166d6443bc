// A prepared operator, what it is given, and the list of operators.
#ifndef TENON_PLUGINS_VULKAN_KERNEL_H
#define TENON_PLUGINS_VULKAN_KERNEL_H

#include <tenon/api/plugin_tables.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gpu.h"
#include "hazards.h"
#include "pipelines.h"
#include "support/elements.h"

namespace tenon::vulkan {

// A tensor of a launch, the address of its first element, and the bytes from there to the end of
// its last; 0: it is empty.
struct Operand {
  const tn_tensor* tensor;
  VkDeviceAddress address;
  uint64_t span_bytes;

  [[nodiscard]] Range reads() const { return {address, address + span_bytes, false}; }
  [[nodiscard]] Range writes() const { return {address, address + span_bytes, true}; }
};

struct Call {
  std::span<const Operand> operands;
  const uint64_t* scalars;
  VkDeviceAddress workspace;  // 0: none
  uint64_t workspace_bytes;

  [[nodiscard]] Range scratch() const { return {workspace, workspace + workspace_bytes, true}; }
};

// The parameter block of one dispatch: words in the order in which the shader reads them.
class Words {
 public:
  static constexpr size_t kMost = 384;

  Words& u32(uint64_t value) {
    if (count_ == kMost) throw plugin::Status(TN_INTERNAL, "a parameter block is too long");
    words_[count_++] = static_cast<uint32_t>(value);
    return *this;
  }
  Words& u64(uint64_t value) { return u32(value).u32(value >> 32); }

  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] const uint32_t* data() const { return words_.data(); }

 private:
  std::array<uint32_t, kMost> words_;  // NOLINT(cppcoreguidelines-pro-type-member-init): counted
  size_t count_ = 0;
};

// Where a launch records its commands.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // `groups` workgroups of the pipeline. Waits for what touched the ranges before, where needed.
  virtual void dispatch(VkPipeline pipeline, const Words& words, uint64_t groups,
                        std::span<const Range> ranges) = 0;
  // Address of the word that gets the number of the first launch with a bad index, and the number
  // of this launch.
  virtual std::pair<VkDeviceAddress, uint32_t> bad_index() = 0;
};

class Kernel {
 public:
  Kernel() = default;
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  virtual void record(Recorder& to, const Call& call) const = 0;
  [[nodiscard]] virtual uint64_t workspace(std::span<const tn_tensor* const>) const { return 0; }

  std::string name;  // of the operator, for messages
};

// One operator: what it demands of a signature (the reason of a refusal, or nothing), and the
// kernel for one that was accepted.
struct Operator {
  std::string_view name;
  uint32_t operands;  // 0: its own check
  uint32_t outputs;
  uint32_t attributes;
  std::string (*refuse)(const Gpu& gpu, const plugin::Signature& signature);
  std::unique_ptr<Kernel> (*make)(Gpu& gpu, const plugin::Signature& signature);
};

std::span<const Operator> elementwise_operators();  // program, fill, copy
std::span<const Operator> random_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> matmul_operators();
std::span<const Operator> indexing_operators();  // gather, scatter, nonzero
std::span<const Operator> ordering_operators();  // scan, sort

template <class K>
std::unique_ptr<Kernel> make_kernel(Gpu& gpu, const plugin::Signature& signature) {
  return std::make_unique<K>(gpu, signature);
}

// What the device states, and what "program" checks against.
inline constexpr uint32_t kMaxInstructions = 64;
inline constexpr uint32_t kMaxInputs = 12;
inline constexpr uint32_t kMaxScalars = 16;
inline constexpr uint32_t kMaxOutputs = 8;
inline constexpr uint32_t kMaxOperands = kMaxInputs + kMaxOutputs;

// Elements that one launch may touch: indices in shaders are 32 bits wide.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

}  // namespace tenon::vulkan

#endif
