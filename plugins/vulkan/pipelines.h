// Compute pipelines, made once each, and the driver's cache of them on disk.
#ifndef TENON_PLUGINS_VULKAN_PIPELINES_H
#define TENON_PLUGINS_VULKAN_PIPELINES_H

#include <volk.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace tenon::vulkan {

class Gpu;

// Words of push constants that every kernel has: the address of its parameter block.
inline constexpr uint32_t kPushBytes = 8;

// A module as the build made it.
struct Shader {
  const char* name;
  std::span<const uint32_t> code;
};

class Pipelines {
 public:
  explicit Pipelines(Gpu& gpu);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  // The pipeline of a module with these values of the specialisation constants 0, 1, 2, ...
  // Lives as long as the device.
  VkPipeline get(const Shader& shader, std::vector<uint32_t> constants);
  // Of a module made at run time.
  VkPipeline get(const std::vector<uint32_t>& code, const std::vector<uint32_t>& constants,
                 const char* name);

  [[nodiscard]] VkPipelineLayout layout() const { return layout_; }
  [[nodiscard]] uint64_t count() const { return made_; }

 private:
  VkPipeline make(std::span<const uint32_t> code, const std::vector<uint32_t>& constants,
                  const char* name);
  void open_cache();
  void save_cache();

  Gpu& gpu_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::string cache_file_;  // empty: none
  std::mutex mutex_;
  uint64_t made_ = 0;
  std::map<std::pair<const uint32_t*, std::vector<uint32_t>>, VkPipeline> built_in_;
  std::map<std::vector<uint32_t>, VkPipeline> made_up_;
};

}  // namespace tenon::vulkan

#endif
