#include "features.h"

#include <cstring>
#include <vector>

namespace tenon::vulkan {
namespace {

// The chain of feature structs, by hand since each points to the next.
struct FeatureChain {
  VkPhysicalDeviceFeatures2 core{};
  VkPhysicalDeviceVulkan11Features v11{};
  VkPhysicalDeviceVulkan12Features v12{};

  FeatureChain() {
    core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    core.pNext = &v11;
    v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
    v11.pNext = &v12;
    v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  }
  FeatureChain(const FeatureChain&) = delete;
  FeatureChain& operator=(const FeatureChain&) = delete;
};

bool has_extension(VkPhysicalDevice device, const char* name) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> all(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, all.data());
  for (const VkExtensionProperties& extension : all) {
    if (std::strcmp(extension.extensionName, name) == 0) return true;
  }
  return false;
}

}  // namespace

std::string lacking_feature(VkPhysicalDevice device) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(device, &properties);
  const auto lacks = [&](const char* what) {
    return std::string(properties.deviceName) + ": " + what;
  };
  if (properties.apiVersion < VK_API_VERSION_1_2) return lacks("speaks no Vulkan 1.2");
  FeatureChain chain;
  vkGetPhysicalDeviceFeatures2(device, &chain.core);
  if (chain.v12.bufferDeviceAddress == 0) return lacks("lacks bufferDeviceAddress");
  if (chain.v12.timelineSemaphore == 0) return lacks("lacks timelineSemaphore");
  if (chain.core.features.shaderInt64 == 0) return lacks("lacks shaderInt64");
  if (chain.v12.storageBuffer8BitAccess == 0) return lacks("lacks storageBuffer8BitAccess");
  if (chain.v11.storageBuffer16BitAccess == 0) return lacks("lacks storageBuffer16BitAccess");
  if (compute_family(device) == UINT32_MAX) return lacks("has no queue that computes");
  return "";
}

Features read_features(VkPhysicalDevice device) {
  VkPhysicalDeviceVulkan12Properties v12{};
  v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
  VkPhysicalDeviceVulkan11Properties v11{};
  v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
  v11.pNext = &v12;
  VkPhysicalDeviceProperties2 core{};
  core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  core.pNext = &v11;
  vkGetPhysicalDeviceProperties2(device, &core);
  FeatureChain chain;
  vkGetPhysicalDeviceFeatures2(device, &chain.core);

  Features f{};
  f.properties = core.properties;
  for (uint32_t i = 0; i < VK_UUID_SIZE; ++i) {
    f.driver_id[i] = static_cast<uint8_t>(v11.deviceUUID[i] ^ v11.driverUUID[i]);
  }
  f.subgroup_size = v11.subgroupSize;
  f.allocation_max = v11.maxMemoryAllocationSize;
  f.f64 = chain.core.features.shaderFloat64 != 0;
  f.keeps_nan = v12.shaderSignedZeroInfNanPreserveFloat32 != 0;
  f.keeps_nan_f64 = v12.shaderSignedZeroInfNanPreserveFloat64 != 0;
  f.keeps_denormal = v12.shaderDenormPreserveFloat32 != 0 &&
                     v12.denormBehaviorIndependence != VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  // Mesa's driver for processors lowers fma() to a product and a sum; hardware has an instruction.
  f.fused_fma = v12.driverID != VK_DRIVER_ID_MESA_LLVMPIPE;
  f.memory_budget = has_extension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  return f;
}

uint32_t compute_family(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) return i;
  }
  return UINT32_MAX;
}

VkResult create_device(VkPhysicalDevice physical, const Features& features, VkDevice* out) {
  FeatureChain chain;
  chain.core.features.shaderInt64 = VK_TRUE;
  chain.core.features.shaderFloat64 = features.f64 ? VK_TRUE : VK_FALSE;
  chain.v11.storageBuffer16BitAccess = VK_TRUE;
  chain.v12.storageBuffer8BitAccess = VK_TRUE;
  chain.v12.bufferDeviceAddress = VK_TRUE;
  chain.v12.timelineSemaphore = VK_TRUE;
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = compute_family(physical);
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  const char* const extensions[] = {VK_EXT_MEMORY_BUDGET_EXTENSION_NAME};
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &chain.core;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = features.memory_budget ? 1 : 0;
  info.ppEnabledExtensionNames = extensions;
  return vkCreateDevice(physical, &info, nullptr, out);
}

}  // namespace tenon::vulkan
