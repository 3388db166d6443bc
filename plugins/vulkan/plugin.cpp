// Device type `vulkan`: compute shaders on any vendor's device.
#include <algorithm>

#include "kernel.h"
#include "stream.h"

namespace tenon::vulkan {
namespace {

using plugin::Status;

using Family = std::span<const Operator> (*)();
constexpr Family kFamilies[] = {elementwise_operators, random_operators,   reduction_operators,
                                matmul_operators,      indexing_operators, ordering_operators};

const Operator* find_operator(const plugin::Signature& signature) {
  for (Family family : kFamilies) {
    for (const Operator& op : family()) {
      if (op.name == signature.op() && signature.raw().op_version == 1) return &op;
    }
  }
  return nullptr;
}

// Why the signature cannot be run; empty when it can.
std::string refuse(const Gpu& gpu, const plugin::Signature& s) {
  if ((s.raw().flags & TN_FLAGS_MUST_UNDERSTAND) != 0) return "unknown flags of a signature";
  const Operator* op = find_operator(s);
  if (op == nullptr) return std::string(s.op()) + ": not overridden here, the host composes it";
  const bool fits =
      op->operands == 0 || (op->operands == s.operand_count() && op->outputs == s.output_count() &&
                            op->attributes == s.attributes().size());
  if (!fits || s.operand_count() == 0 || s.operand_count() > kMaxOperands) {
    return std::string(s.op()) + ": wrong number of operands or attributes";
  }
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (!support::is_known(s.dtype(i)) || s.rank(i) > TN_MAX_RANK) {
      return std::string(s.op()) + ": unknown dtype or rank";
    }
  }
  return op->refuse(gpu, s);
}

class Device {
 public:
  Device(std::shared_ptr<Instance> instance, VkPhysicalDevice physical)
      : gpu_(std::make_shared<Gpu>(std::move(instance), physical)) {}

  [[nodiscard]] tn_device_info info() const {
    tn_device_info info{};
    info.flags = TN_DEVICE_ASYNC | TN_DEVICE_RECOVERABLE;
    if (gpu_->features().properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) {
      info.flags |= TN_DEVICE_SOFTWARE;
    }
    const std::string_view device(gpu_->features().properties.deviceName);
    device.copy(info.name, std::min(device.size(), sizeof info.name - 1));
    info.memory_bytes = gpu_->budget_bytes();
    info.allocation_max = gpu_->allocation_max();
    info.offset_alignment = 64;
    info.compute_dtypes = 0;
    for (uint32_t dtype = TN_DTYPE_BOOL; dtype < TN_DTYPE_F64; ++dtype) {
      info.compute_dtypes |= 1u << dtype;
    }
    info.program_instructions = kMaxInstructions;
    info.program_inputs = kMaxInputs;
    info.program_scalars = kMaxScalars;
    info.program_outputs = kMaxOutputs;
    info.program_tail = 0;
    info.compute_units = 1;
    return info;
  }
  [[nodiscard]] plugin::Budget budget() const {
    return {gpu_->budget_bytes() - gpu_->used_bytes(), gpu_->budget_bytes()};
  }
  [[nodiscard]] std::unique_ptr<Buffer> allocate(uint64_t size_bytes) const {
    return std::make_unique<Buffer>(gpu_, size_bytes);
  }
  [[nodiscard]] std::unique_ptr<Stream> make_stream() const {
    gpu_->check_alive();
    return std::make_unique<Stream>(gpu_);
  }
  [[nodiscard]] tn_answer query(const plugin::Signature& s) const {
    const std::string reason = refuse(*gpu_, s);
    return reason.empty() ? plugin::native() : plugin::no(reason);
  }
  [[nodiscard]] std::unique_ptr<Kernel> prepare(const plugin::Signature& s) const {
    gpu_->check_alive();
    const std::string reason = refuse(*gpu_, s);
    if (!reason.empty()) throw Status(TN_UNSUPPORTED, reason);
    auto kernel = find_operator(s)->make(*gpu_, s);
    kernel->name = s.op();
    return kernel;
  }

 private:
  std::shared_ptr<Gpu> gpu_;
};

class Driver {
 public:
  explicit Driver(plugin::Host host) : host_(host), instance_(std::make_shared<Instance>(host)) {}

  [[nodiscard]] uint32_t device_count() const {
    const auto count = static_cast<uint32_t>(instance_->devices().size());
    if (count == 0) host_.set_error("vulkan: " + instance_->reason());
    return count;
  }
  [[nodiscard]] std::unique_ptr<Device> open(uint32_t index) const {
    return std::make_unique<Device>(instance_, instance_->devices()[index]);
  }

 private:
  plugin::Host host_;
  std::shared_ptr<Instance> instance_;
};

struct Plugin {
  using Driver = vulkan::Driver;
  using Device = vulkan::Device;
  using Buffer = vulkan::Buffer;
  using Stream = vulkan::Stream;
  using Kernel = vulkan::Kernel;
  static constexpr std::string_view kVersion = TENON_VERSION;
  static constexpr std::string_view kVendor = "Tenon";
  static constexpr uint32_t kDlpackType = TN_DLPACK_VULKAN;
};

void card(tn_plugin_descriptor* d) { plugin::Plugin<Plugin>::describe(*d); }

}  // namespace
}  // namespace tenon::vulkan

TN_PLUGIN("vulkan", tenon::vulkan::card)
