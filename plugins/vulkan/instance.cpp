#include "instance.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "features.h"

namespace tenon::vulkan {

using plugin::Status;

namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

void read_number(const plugin::Host& host, std::string_view key, uint64_t& value) {
  const auto text = host.config(key);
  if (!text) return;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    throw Status(TN_INVALID_ARGUMENT, "configuration " + std::string(key) +
                                          ": expected a whole number, got \"" + *text + "\"");
  }
}

bool has_layer(const char* name) {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  return std::ranges::any_of(layers, [&](const VkLayerProperties& layer) {
    return std::strcmp(layer.layerName, name) == 0;
  });
}

// The loader's own remarks are of type GENERAL and no matter.
VKAPI_ATTR VkBool32 VKAPI_CALL note_message(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                            VkDebugUtilsMessageTypeFlagsEXT types,
                                            const VkDebugUtilsMessengerCallbackDataEXT* data,
                                            void* messages) {
  if ((types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT) != 0) {
    static_cast<Messages*>(messages)->add(data->pMessage);
  }
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(Messages* messages) {
  VkDebugUtilsMessengerCreateInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = note_message;
  info.pUserData = messages;
  return info;
}

// Hardware first; a driver that computes on the processor last.
int rank_of(VkPhysicalDevice device) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(device, &properties);
  switch (properties.deviceType) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

Settings Settings::read(const plugin::Host& host) {
  Settings s;
  uint64_t check = 0;
  read_number(host, "memory_bytes", s.memory_bytes);
  read_number(host, "lose_nth", s.lose_nth);
  read_number(host, "refuse_nth", s.refuse_nth);
  read_number(host, "check", check);
  s.check = check != 0;
  s.cache = host.config("cache").value_or("");
  return s;
}

void Messages::add(std::string text) {
  const std::lock_guard lock(mutex_);
  texts_.push_back(std::move(text));
}

std::string Messages::take() {
  const std::lock_guard lock(mutex_);
  if (texts_.empty()) return "";
  std::string text = std::move(texts_.front());
  texts_.erase(texts_.begin());
  return text;
}

std::string result_name(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "VK_ERROR_LAYER_NOT_PRESENT";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_INVALID_SHADER_NV:
      return "VK_ERROR_INVALID_SHADER_NV";
    default:
      return "VkResult " + std::to_string(result);
  }
}

Instance::Instance(const plugin::Host& host) : settings_(Settings::read(host)) {
  if (!load() || !create()) return;
  if (settings_.check) watch();
  list_devices();
}

Instance::~Instance() {
  if (messenger_ != VK_NULL_HANDLE) vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  if (instance_ != VK_NULL_HANDLE) vkDestroyInstance(instance_, nullptr);
}

bool Instance::load() {
  static std::mutex once;  // volk keeps its pointers in globals
  const std::lock_guard lock(once);
  if (volkGetInstanceVersion() == 0 && volkInitialize() != VK_SUCCESS) {
    reason_ = "no Vulkan loader: libvulkan.so.1 was not found (install a driver, or libvulkan1)";
    return false;
  }
  if (volkGetInstanceVersion() < VK_API_VERSION_1_2) {
    reason_ = "the Vulkan loader knows only a version before 1.2";
    return false;
  }
  return true;
}

bool Instance::create() {
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pEngineName = "tenon";
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;

  const char* extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
  const VkValidationFeatureEnableEXT enabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT validation{};
  validation.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  validation.enabledValidationFeatureCount = 1;
  validation.pEnabledValidationFeatures = enabled;
  VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(&messages_);
  validation.pNext = &messenger;
  if (settings_.check) {
    // Asked for by name in the environment an absent layer would be passed over in silence.
    if (!has_layer(kValidation)) {
      reason_ = std::string("TENON_VULKAN_CHECK is set, but there is no layer ") + kValidation +
                " (install vulkan-validationlayers)";
      return false;
    }
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidation;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = extensions;
    info.pNext = &validation;
  }
  const VkResult result = vkCreateInstance(&info, nullptr, &instance_);
  if (result == VK_SUCCESS) {
    volkLoadInstanceOnly(instance_);
    return true;
  }
  instance_ = VK_NULL_HANDLE;
  reason_ = "vkCreateInstance answered " + result_name(result);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
    reason_ += ": the loader found no driver (see VK_DRIVER_FILES, /usr/share/vulkan/icd.d)";
  }
  return false;
}

void Instance::watch() {
  const VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(&messages_);
  const VkResult result = vkCreateDebugUtilsMessengerEXT(instance_, &info, nullptr, &messenger_);
  if (result != VK_SUCCESS) {
    throw Status(TN_INTERNAL, "TENON_VULKAN_CHECK: vkCreateDebugUtilsMessengerEXT answered " +
                                  result_name(result));
  }
}

void Instance::list_devices() {
  uint32_t count = 0;
  VkResult result = vkEnumeratePhysicalDevices(instance_, &count, nullptr);
  std::vector<VkPhysicalDevice> all(count);
  if (result == VK_SUCCESS) result = vkEnumeratePhysicalDevices(instance_, &count, all.data());
  if (result != VK_SUCCESS) {
    reason_ = "vkEnumeratePhysicalDevices answered " + result_name(result);
    return;
  }
  std::ranges::stable_sort(all, {}, rank_of);
  for (VkPhysicalDevice device : all) {
    const std::string lack = lacking_feature(device);
    if (lack.empty()) {
      devices_.push_back(device);
    } else {
      reason_ += (reason_.empty() ? "" : "; ") + lack;
    }
  }
  if (all.empty()) reason_ = "the Vulkan drivers found no device";
}

}  // namespace tenon::vulkan
