// What a physical device offers, as far as this plugin asks.
#ifndef TENON_PLUGINS_VULKAN_FEATURES_H
#define TENON_PLUGINS_VULKAN_FEATURES_H

#include <volk.h>

#include <cstdint>
#include <string>

namespace tenon::vulkan {

struct Features {
  VkPhysicalDeviceProperties properties;
  uint8_t driver_id[VK_UUID_SIZE];  // device and driver; the pipeline cache goes with it
  uint32_t subgroup_size;
  uint64_t allocation_max;  // bytes of one VkDeviceMemory
  bool f64;
  bool keeps_nan;       // SignedZeroInfNanPreserve may be asked for, 32 bits ...
  bool keeps_nan_f64;   // ... and 64
  bool keeps_denormal;  // DenormPreserve, 32 bits alone
  bool memory_budget;   // VK_EXT_memory_budget
  bool fused_fma;       // fma() of a shader rounds once
};

// Why the device cannot be used, with its name; empty when it can.
std::string lacking_feature(VkPhysicalDevice device);

Features read_features(VkPhysicalDevice device);

// Family of queues that compute; UINT32_MAX: none.
uint32_t compute_family(VkPhysicalDevice device);

// A device with one queue and what this plugin uses enabled; VK_NULL_HANDLE on failure.
VkResult create_device(VkPhysicalDevice physical, const Features& features, VkDevice* out);

}  // namespace tenon::vulkan

#endif
