// Plugins found, opened and registered; each load attempt leaves a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/error.h>
#include <tenon/runtime/export.h>

namespace tenon {

// An open plugin. Lives for ever (never unloaded). The tables are full-size copies whose missing
// slots answer UNIMPLEMENTED (workspace: 0 bytes), so callers test neither for NULL nor for size;
// `optional_slots` tells.
struct Plugin {
  std::string name;  // device type
  std::string version, vendor, path;
  uint32_t abi_major = 0, abi_minor = 0;  // in force
  uint32_t dlpack_device_type = 0;
  tn_plugin handle = nullptr;
  tn_core core{};
  tn_ops ops{};
  uint32_t optional_slots = 0;  // kHas* bits of slots the plugin really brought
  uint32_t device_count = 0;
  std::string no_device_reason;  // the plugin's words when device_count is 0
};
inline constexpr uint32_t kHasBudget = 1u, kHasFromHost = 2u, kHasHost = 4u, kHasWorkspace = 8u,
                          kHasLaunchMany = 16u;

// What one attempt to load a file came to.
struct LoadRecord {
  std::string path;
  std::string name;     // device type, when it came that far
  std::string stage;    // how far it came: "search", "check", "note", "probe", "open",
                        // "negotiate", "start", "tables", "layers", "devices", "ready"
  std::string verdict;  // "found" (not opened), "loaded", "refused" (by a rule of ours), "failed",
                        // "shadowed", "absent"
  std::string detail;   // dlerror, both versions, missing slots, …
  std::string origin;   // which search entry brought it: "TENON_PLUGIN_PATH", …
};

// The plugin that serves a device type, loaded on first use. Errors: Device, with everything that
// was searched and found.
[[nodiscard]] TENON_API Plugin& require_plugin(std::string_view type);
// The same, or nullptr; the reason is in load_records().
[[nodiscard]] TENON_API Plugin* find_plugin(std::string_view type) noexcept;
// Why find_plugin answers nullptr for this type, in one line.
[[nodiscard]] TENON_API std::string why_no_plugin(std::string_view type);
// Loads one file (absolute path) before any search; a second call answers the same plugin.
// Errors: Device.
TENON_API Plugin& load_plugin_file(const std::string& path);
// Device types for which a plugin file was found, loaded or not, in search order.
[[nodiscard]] TENON_API std::vector<std::string> known_plugin_types();
// All records so far, in order.
[[nodiscard]] TENON_API std::vector<LoadRecord> load_records();
// The records and the search path as text for messages and `tenon doctor`.
[[nodiscard]] TENON_API std::string load_report();

// Sets a plugin's configuration key, over TENON_<PLUGIN>_<KEY>. Most plugins read theirs once.
TENON_API void set_plugin_config(std::string_view type, std::string_view key,
                                 std::string_view value);

// Error text that a plugin set during the last failing call on this thread (cleared).
[[nodiscard]] TENON_API std::string take_plugin_error();
// Throws the Error that a status stands for unless it is TN_OK: "op: plugin <name>: text".
TENON_API void throw_status(const Plugin& plugin, tn_status status, std::string_view op);
inline void check_status(const Plugin& plugin, tn_status status, std::string_view op) {
  if (status != TN_OK) [[unlikely]]
    throw_status(plugin, status, op);
}

}  // namespace tenon
