// Device type `cuda`: NVIDIA's GPUs.
#include "tables.h"

namespace tenon::cuda {

const DriverSearch& Gpus::search() {
  const std::lock_guard lock(mutex_);
  if (search_ == nullptr) search_ = std::make_unique<DriverSearch>(find_driver(host_));
  return *search_;
}

uint32_t Gpus::device_count() {
  const DriverSearch& found = search();
  if (found.table == nullptr) {
    host_.set_error(found.reason);
    return 0;
  }
  return static_cast<uint32_t>(found.devices);
}

std::unique_ptr<Device> Gpus::open(uint32_t index) {
  const DriverSearch& found = search();
  return std::make_unique<Device>(
      std::make_shared<Context>(*found.table, static_cast<int>(index), found.version, host_));
}

namespace {

void card(tn_plugin_descriptor* d) { Tables::describe(*d); }

}  // namespace
}  // namespace tenon::cuda

TN_PLUGIN("cuda", tenon::cuda::card)
