// Trying a plugin in a helper process, so that a crash or a hang becomes a verdict.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/export.h>
#include <tenon/runtime/loader/plugin.h>

namespace tenon {

// One device as its plugin describes it; `error` says why it could not be opened.
struct DeviceFacts {
  tn_device_info info{};
  std::string name;  // info.name, cleaned
  std::string error;
};

struct PluginFacts {
  LoadRecord record;
  std::string version, vendor;
  uint32_t abi_major = 0, abi_minor = 0;
  std::string no_device_reason;
  std::vector<DeviceFacts> devices;
};

// Opens the device, asks, closes it again. Never throws for what the plugin does.
[[nodiscard]] TENON_API DeviceFacts read_device_facts(const Plugin& plugin, uint32_t index);

// Loads `path` and opens its devices in the program `helper`, which must call serve_probe. Nothing
// of the plugin runs in this process. A crash or a hang is a record with verdict "failed".
[[nodiscard]] TENON_API PluginFacts probe_plugin(const std::string& helper, const std::string& path,
                                                 std::chrono::milliseconds timeout);

// The helper's side: what `helper probe <path>` does. Answers the exit status.
[[nodiscard]] TENON_API int serve_probe(const std::string& path);

// The program `tenon` that belongs to this runtime, "" when it is not there.
[[nodiscard]] TENON_API std::string probe_helper();

}  // namespace tenon
