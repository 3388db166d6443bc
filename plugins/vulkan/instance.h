// The Vulkan instance of one open plugin: the loader, the drivers it found, and what the validation
// layer said.
#ifndef TENON_PLUGINS_VULKAN_INSTANCE_H
#define TENON_PLUGINS_VULKAN_INSTANCE_H

#include <volk.h>

#include <tenon/api/plugin.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace tenon::vulkan {

// Configuration keys (TENON_VULKAN_<KEY>; 0 = off).
struct Settings {
  uint64_t memory_bytes = 0;  // budget of a device; 0: what the driver says
  uint64_t lose_nth = 0;      // the n-th submit answers VK_ERROR_DEVICE_LOST
  uint64_t refuse_nth = 0;    // the n-th allocation answers VK_ERROR_OUT_OF_DEVICE_MEMORY
  bool check = false;         // validation and synchronisation validation; a message is an error
  std::string cache;          // folder of the pipeline cache; "off": none

  static Settings read(const plugin::Host& host);
};

// What the validation layer said and nobody has thrown yet.
class Messages {
 public:
  void add(std::string text);
  // The oldest message, or nothing.
  std::string take();

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

// The word for a VkResult.
std::string result_name(VkResult result);

class Instance {
 public:
  // No loader or no driver is no failure: then there are no devices, and reason() says why.
  explicit Instance(const plugin::Host& host);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] const std::vector<VkPhysicalDevice>& devices() const { return devices_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] Messages& messages() { return messages_; }

 private:
  bool load();
  bool create();
  void watch();
  void list_devices();

  Settings settings_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::vector<VkPhysicalDevice> devices_;
  std::string reason_;
  Messages messages_;
};

}  // namespace tenon::vulkan

#endif
