// A device by name: a type word, served by the plugin of that name, and an index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/runtime/error.h>
#include <tenon/runtime/export.h>

namespace tenon {

class DeviceContext;

class TENON_API Device {
 public:
  // Host memory: "cpu".
  Device() noexcept;
  // "cpu", "cuda", "cuda:1". Only the grammar is checked; whether it exists is asked on use.
  // Errors: InvalidArgument, with the grammar.
  Device(std::string_view spec);
  Device(const char* spec) : Device(std::string_view(spec)) {}
  Device(const std::string& spec) : Device(std::string_view(spec)) {}
  Device(std::string_view type, int64_t index);

  [[nodiscard]] const std::string& type() const noexcept { return *type_; }
  [[nodiscard]] int64_t index() const noexcept { return index_; }
  [[nodiscard]] bool is_cpu() const noexcept { return type_ == cpu_type_; }
  // "cpu", "cuda:0".
  [[nodiscard]] std::string str() const;
  friend bool operator==(const Device& a, const Device& b) noexcept {
    return a.type_ == b.type_ && a.index_ == b.index_;
  }

 private:
  static const std::string* const cpu_type_;
  const std::string* type_;  // interned, lives for ever
  int64_t index_ = 0;
};

inline void append_text(std::string& text, const Device& device) { text += device.str(); }

// Where tensors go that name no device: the first usable entry of TENON_DEVICE, else "cpu".
// Errors: Device, naming every candidate and why it was refused. Resolved once.
[[nodiscard]] TENON_API Device default_device();
TENON_API void set_default_device(const Device& device);

// Devices of a type; 0 when there is no such plugin or none of its devices works. Never throws.
[[nodiscard]] TENON_API int64_t device_count(std::string_view type) noexcept;
// Every device of every plugin that was found (opens the plugins).
[[nodiscard]] TENON_API std::vector<Device> all_devices();
// Waits until all work queued on the device is done. Errors: what that work failed with.
TENON_API void synchronize(const Device& device);

}  // namespace tenon
