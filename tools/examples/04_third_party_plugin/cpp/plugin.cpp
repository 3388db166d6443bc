// A device plugin in C++: memory behind handles, work done later on a thread of each stream. Five
// classes, of which Plugin<> makes the tables of the ABI; the kernels are those of
// reference_kernels.h, to be replaced one at a time.
#include "stream.h"

namespace queued {

using tenon::plugin::Host;
using tenon::plugin::Signature;
using tenon::plugin::Status;

struct Device {
  [[nodiscard]] tn_device_info info() const {
    tn_device_info info{};
    info.flags = TN_DEVICE_ASYNC | TN_DEVICE_CONCURRENT;
    std::string_view("work in queues").copy(info.name, sizeof info.name - 1);
    info.allocation_max = Buffer::kMaxBytes;
    info.offset_alignment = 256;
    info.compute_dtypes = (1u << TN_DTYPE_COUNT) - (1u << TN_DTYPE_BOOL);
    info.program_instructions = 12;
    info.program_inputs = 6;
    info.program_scalars = 6;
    info.program_outputs = 2;
    info.program_tail = 1;
    info.compute_units = 1;
    return info;
  }
  [[nodiscard]] std::unique_ptr<Buffer> allocate(uint64_t size_bytes) const {
    return std::make_unique<Buffer>(size_bytes);
  }
  [[nodiscard]] std::unique_ptr<Stream> make_stream() const { return std::make_unique<Stream>(); }

  [[nodiscard]] tn_answer query(const Signature& signature) const {
    tn_answer answer{};
    const tn_device_info limits = info();
    tnr_query(&limits, &signature.raw(), &answer);
    return answer;
  }
  [[nodiscard]] std::unique_ptr<Kernel> prepare(const Signature& signature) const {
    auto kernel = std::make_unique<Kernel>();
    const tn_device_info limits = info();
    tnr_report report;
    if (tnr_prepare(&limits, &signature.raw(), &kernel->prepared, &report) != TN_OK) {
      throw Status(TN_UNSUPPORTED, report.text);
    }
    return kernel;
  }
};

struct Driver {
  explicit Driver(Host) {}
  [[nodiscard]] uint32_t device_count() const { return 1; }
  [[nodiscard]] std::unique_ptr<Device> open(uint32_t) const { return std::make_unique<Device>(); }
};

struct Plugin {
  using Driver = queued::Driver;
  using Device = queued::Device;
  using Buffer = queued::Buffer;
  using Stream = queued::Stream;
  using Kernel = queued::Kernel;
  static constexpr std::string_view kVersion = "1.0", kVendor = "example";
  static constexpr uint32_t kDlpackType = TN_DLPACK_EXT;
};

static void card(tn_plugin_descriptor* d) { tenon::plugin::Plugin<Plugin>::describe(*d); }

}  // namespace queued

TN_PLUGIN("queued", queued::card)
