// Device type `reference`: the oracle. It works on host memory, inside the call, and is made to be
// obviously right rather than fast.
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <new>

#include "kernel.h"

namespace tenon::reference {
namespace {

using plugin::Status;

constexpr uint64_t kAlignment = 64;

struct Plugin;

class Buffer {
 public:
  explicit Buffer(uint64_t size_bytes)
      : data_(allocate(size_bytes)), size_(size_bytes), owned_(true) {}
  Buffer(void* data, uint64_t size_bytes)
      : data_(static_cast<std::byte*>(data)), size_(size_bytes) {}
  ~Buffer() {
    if (owned_) std::free(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* host() { return data_; }
  [[nodiscard]] std::byte* at(uint64_t offset_bytes) { return data_ + offset_bytes; }

  void check_range(uint64_t offset_bytes, uint64_t size_bytes) const {
    if (offset_bytes > size_ || size_bytes > size_ - offset_bytes) {
      throw Status(TN_INVALID_ARGUMENT, "transfer: beyond the end of the buffer");
    }
  }

 private:
  // Not operator new: under a sanitizer that one ends the process where it should throw.
  static std::byte* allocate(uint64_t size_bytes) {
    if (size_bytes > UINT64_MAX - kAlignment) throw std::bad_alloc();
    const uint64_t rounded = (size_bytes / kAlignment + 1) * kAlignment;
    void* data = std::aligned_alloc(kAlignment, rounded);
    if (data == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(data);
  }

  std::byte* data_;
  uint64_t size_;
  bool owned_ = false;
};

using Family = std::span<const Operator> (*)();
constexpr Family kFamilies[] = {movement_operators, elementwise_operators, reduction_operators,
                                matmul_operators,   indexing_operators,    ordering_operators};

const Operator* find_operator(const plugin::Signature& signature) {
  for (Family family : kFamilies) {
    for (const Operator& op : family()) {
      if (op.name == signature.op() && signature.raw().op_version == 1) return &op;
    }
  }
  return nullptr;
}

// Why the signature cannot be run; empty when it can.
std::string refuse(const plugin::Signature& s) {
  const Operator* op = find_operator(s);
  if (op == nullptr) return std::string(s.op()) + ": not overridden here, the host composes it";
  const bool fits =
      op->operands == 0 || (op->operands == s.operand_count() && op->outputs == s.output_count() &&
                            op->attributes == s.attributes().size());
  if (!fits || s.operand_count() == 0 || s.operand_count() > Kernel::kMaxOperands) {
    return std::string(s.op()) + ": wrong number of operands or attributes";
  }
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (!support::is_known(s.dtype(i)) || s.rank(i) > TN_MAX_RANK) {
      return std::string(s.op()) + ": unknown dtype or rank";
    }
  }
  return op->refuse(s);
}

class Stream : public plugin::InlineStream {
 public:
  explicit Stream(plugin::Host host) : host_(host) {}

  void launch(Kernel& kernel, const plugin::Launch& launch);

  void upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t) {
    target.check_range(offset, size);
    if (size > 0) std::memcpy(target.at(offset), source, size);
  }
  void download(Buffer& source, uint64_t offset, void* target, uint64_t size) {
    source.check_range(offset, size);
    if (size > 0) std::memcpy(target, source.at(offset), size);
  }

 private:
  plugin::Host host_;
};

class Device {
 public:
  explicit Device(plugin::Host host) : host_(host) {}

  [[nodiscard]] tn_device_info info() const {
    tn_device_info info{};
    info.flags = TN_DEVICE_HOST_MEMORY;
    std::string_view("naive reference kernels").copy(info.name, sizeof info.name - 1);
    info.memory_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    info.offset_alignment = 64;
    info.compute_dtypes = (1u << TN_DTYPE_COUNT) - (1u << TN_DTYPE_BOOL);
    info.program_instructions = kMaxInstructions;
    info.program_inputs = kMaxInputs;
    info.program_scalars = kMaxScalars;
    info.program_outputs = kMaxOutputs;
    info.program_tail = 1;
    info.compute_units = host_.thread_count();
    return info;
  }
  [[nodiscard]] std::unique_ptr<Buffer> allocate(uint64_t size_bytes) const {
    return std::make_unique<Buffer>(size_bytes);
  }
  [[nodiscard]] std::unique_ptr<Buffer> wrap(void* data, uint64_t size_bytes) const {
    return std::make_unique<Buffer>(data, size_bytes);
  }
  [[nodiscard]] std::unique_ptr<Stream> make_stream() const {
    return std::make_unique<Stream>(host_);
  }
  [[nodiscard]] tn_answer query(const plugin::Signature& s) const {
    const std::string reason = refuse(s);
    return reason.empty() ? plugin::native() : plugin::no(reason);
  }
  [[nodiscard]] std::unique_ptr<Kernel> prepare(const plugin::Signature& s) const {
    const std::string reason = refuse(s);
    if (!reason.empty()) throw Status(TN_UNSUPPORTED, reason);
    return find_operator(s)->make(s);
  }

 private:
  plugin::Host host_;
};

class Driver {
 public:
  explicit Driver(plugin::Host host) : host_(host) {}
  [[nodiscard]] uint32_t device_count() const { return 1; }
  [[nodiscard]] std::unique_ptr<Device> open(uint32_t) const {
    return std::make_unique<Device>(host_);
  }

 private:
  plugin::Host host_;
};

struct Plugin {
  using Driver = reference::Driver;
  using Device = reference::Device;
  using Buffer = reference::Buffer;
  using Stream = reference::Stream;
  using Kernel = reference::Kernel;
  static constexpr std::string_view kVersion = TENON_VERSION;
  static constexpr std::string_view kVendor = "Tenon";
  static constexpr uint32_t kDlpackType = TN_DLPACK_CPU;
};
using Tables = plugin::Plugin<Plugin>;

void Stream::launch(Kernel& kernel, const plugin::Launch& launch) {
  std::array<Operand, Kernel::kMaxOperands> operands;
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const tn_tensor* t = launch.operands[i];
    if (t->dtype != kernel.dtype(static_cast<uint32_t>(i)) || t->rank > TN_MAX_RANK) {
      throw Status(TN_INVALID_ARGUMENT, "launch: an operand is not as it was prepared");
    }
    operands[i] = {t, Tables::buffer(t->buffer).at(t->offset_bytes)};
  }
  std::byte* workspace = nullptr;
  if (launch.workspace != nullptr) {
    workspace = Tables::buffer(launch.workspace->buffer).at(launch.workspace->offset_bytes);
  }
  kernel.run({{operands.data(), launch.operands.size()}, launch.scalars, workspace, host_});
}

void card(tn_plugin_descriptor* d) { Tables::describe(*d); }

}  // namespace
}  // namespace tenon::reference

TN_PLUGIN("reference", tenon::reference::card)
