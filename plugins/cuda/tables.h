// The five classes behind the ABI's tables.
#ifndef TENON_PLUGINS_CUDA_TABLES_H
#define TENON_PLUGINS_CUDA_TABLES_H

#include <tenon/api/plugin_tables.hpp>

#include "device.h"
#include "kernel.h"
#include "memory.h"
#include "stream.h"

namespace tenon::cuda {

// The GPUs of the machine, looked for when the host first asks for their number.
class Gpus {
 public:
  explicit Gpus(plugin::Host host) : host_(host) {}

  // 0 is no error: the host's error text then says why there are none.
  uint32_t device_count();
  std::unique_ptr<Device> open(uint32_t index);

 private:
  const DriverSearch& search();

  const plugin::Host host_;
  std::mutex mutex_;
  std::unique_ptr<DriverSearch> search_;
};

struct Plugin {
  using Driver = Gpus;
  using Device = cuda::Device;
  using Buffer = cuda::Buffer;
  using Stream = cuda::Stream;
  using Kernel = cuda::Kernel;
  static constexpr std::string_view kVersion = TENON_VERSION;
  static constexpr std::string_view kVendor = "Tenon";
  static constexpr uint32_t kDlpackType = TN_DLPACK_CUDA;
};
using Tables = plugin::Plugin<Plugin>;

}  // namespace tenon::cuda

#endif
