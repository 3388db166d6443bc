// A small host over the bare ABI: services that record what they are given, one open device.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <tenon/api/device_plugin.h>

namespace tenon::conform {

// What this host offers to the entry function.
inline constexpr tn_host_version kHostVersion{
    sizeof(tn_host_version), 0, TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR, 0};

// Loads the file and answers its entry. Throws std::runtime_error with dlerror's text.
[[nodiscard]] tn_plugin_entry_fn load_entry(const std::string& path);

// "INVALID_ARGUMENT", or "status 77".
[[nodiscard]] std::string status_name(tn_status status);

class PluginHost {
 public:
  using Config = std::map<std::string, std::string>;

  // Throws std::runtime_error with the plugin's text when it does not open.
  explicit PluginHost(tn_plugin_entry_fn entry, Config config = {}, uint32_t device_index = 0);
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Throws std::runtime_error with the error text unless status is OK.
  void must(tn_status status) const;
  // Into how many parts parallel_for cuts a range whose grain allows it.
  void set_parts(int64_t parts) { parts_ = parts; }
  // The last text of set_error, by any thread.
  [[nodiscard]] std::string error() const;
  // How often a text came, and from which thread the last one.
  [[nodiscard]] uint64_t error_count() const { return error_count_; }
  [[nodiscard]] std::thread::id error_thread() const;
  [[nodiscard]] bool computes(uint32_t dtype) const {
    return (info.compute_dtypes >> dtype & 1) != 0;
  }
  [[nodiscard]] bool is_async() const { return (info.flags & TN_DEVICE_ASYNC) != 0; }
  [[nodiscard]] const tn_host* services() const { return &host_; }

  tn_plugin_descriptor card{};
  const tn_core* core = nullptr;
  const tn_ops* ops = nullptr;
  tn_plugin plugin = nullptr;
  tn_device device = nullptr;
  tn_stream stream = nullptr;
  tn_device_info info{};

 private:
  void fill_services();
  void open(uint32_t device_index);
  void close();
  void keep_error(const char* text, uint64_t size);

  Config config_;
  tn_host host_{};
  std::atomic<int64_t> parts_{3};
  mutable std::mutex mutex_;
  std::string error_;
  std::thread::id error_thread_;
  std::atomic<uint64_t> error_count_{0};
};

// The services alone, for whoever opens a plugin by hand. They do nothing but answer.
[[nodiscard]] tn_host silent_services();

}  // namespace tenon::conform
