// Device type `opaque`: the honest fake device. The host cannot address its memory, work is done
// later on other threads, errors surface at sync, limits are small. The kernels are those of
// api/reference_kernels.h.
#include "device.h"
#include "stream.h"

namespace tenon::opaque {
namespace {

class Driver {
 public:
  explicit Driver(plugin::Host host) : host_(host) {}
  [[nodiscard]] uint32_t device_count() const { return 2; }
  [[nodiscard]] std::unique_ptr<Device> open(uint32_t) const {
    return std::make_unique<Device>(host_);
  }

 private:
  plugin::Host host_;
};

struct Plugin {
  using Driver = opaque::Driver;
  using Device = opaque::Device;
  using Buffer = opaque::Buffer;
  using Stream = opaque::Stream;
  using Kernel = opaque::Kernel;
  static constexpr std::string_view kVersion = TENON_VERSION;
  static constexpr std::string_view kVendor = "Tenon";
  static constexpr uint32_t kDlpackType = TN_DLPACK_EXT;
};

void card(tn_plugin_descriptor* d) { plugin::Plugin<Plugin>::describe(*d); }

}  // namespace
}  // namespace tenon::opaque

TN_PLUGIN("opaque", tenon::opaque::card)
