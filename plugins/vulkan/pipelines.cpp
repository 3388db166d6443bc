#include "pipelines.h"

#include "cache_file.h"
#include "gpu.h"
#include "spirv.h"

namespace tenon::vulkan {

Pipelines::Pipelines(Gpu& gpu) : gpu_(gpu) {
  VkPushConstantRange push{};
  push.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  push.size = kPushBytes;
  VkPipelineLayoutCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &push;
  gpu_.check(gpu_.vk.vkCreatePipelineLayout(gpu_.handle(), &info, nullptr, &layout_),
             "vkCreatePipelineLayout");
  open_cache();
}

Pipelines::~Pipelines() {
  save_cache();
  const VkDevice device = gpu_.handle();
  for (const auto& [key, pipeline] : built_in_) {
    gpu_.vk.vkDestroyPipeline(device, pipeline, nullptr);
  }
  for (const auto& [key, pipeline] : made_up_) {
    gpu_.vk.vkDestroyPipeline(device, pipeline, nullptr);
  }
  gpu_.vk.vkDestroyPipelineCache(device, cache_, nullptr);
  gpu_.vk.vkDestroyPipelineLayout(device, layout_, nullptr);
}

void Pipelines::open_cache() {
  std::vector<char> bytes;
  if (gpu_.settings().cache != "off") {
    cache_file_ = cache_path(gpu_.settings().cache, gpu_.features().driver_id);
    if (!cache_file_.empty()) bytes = read_cache(cache_file_, gpu_.features().driver_id);
  }
  VkPipelineCacheCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  info.initialDataSize = bytes.size();
  info.pInitialData = bytes.data();
  VkResult result = gpu_.vk.vkCreatePipelineCache(gpu_.handle(), &info, nullptr, &cache_);
  if (result != VK_SUCCESS && !bytes.empty()) {  // the driver did not like it: begin anew
    info.initialDataSize = 0;
    result = gpu_.vk.vkCreatePipelineCache(gpu_.handle(), &info, nullptr, &cache_);
  }
  gpu_.check(result, "vkCreatePipelineCache");
}

void Pipelines::save_cache() {
  if (cache_file_.empty() || made_ == 0 || !gpu_.is_usable()) return;
  size_t size = 0;
  if (gpu_.vk.vkGetPipelineCacheData(gpu_.handle(), cache_, &size, nullptr) != VK_SUCCESS) return;
  std::vector<char> bytes(size);
  if (gpu_.vk.vkGetPipelineCacheData(gpu_.handle(), cache_, &size, bytes.data()) != VK_SUCCESS) {
    return;
  }
  bytes.resize(size);
  write_cache(cache_file_, gpu_.features().driver_id, bytes);
}

VkPipeline Pipelines::get(const Shader& shader, std::vector<uint32_t> constants) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] =
      built_in_.try_emplace({shader.code.data(), std::move(constants)}, VK_NULL_HANDLE);
  if (found->second == VK_NULL_HANDLE) {
    std::vector<uint32_t> code(shader.code.begin(), shader.code.end());
    spirv::state_float_controls(code, gpu_.features());
    found->second = make(code, found->first.second, shader.name);
  }
  return found->second;
}

VkPipeline Pipelines::get(const std::vector<uint32_t>& code, const std::vector<uint32_t>& constants,
                          const char* name) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = made_up_.try_emplace(code, VK_NULL_HANDLE);
  if (found->second == VK_NULL_HANDLE) {
    std::vector<uint32_t> whole = code;
    spirv::state_float_controls(whole, gpu_.features());
    found->second = make(whole, constants, name);
  }
  return found->second;
}

VkPipeline Pipelines::make(std::span<const uint32_t> code, const std::vector<uint32_t>& constants,
                           const char* name) {
  gpu_.check_alive();
  VkShaderModuleCreateInfo module_info{};
  module_info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  module_info.codeSize = code.size_bytes();
  module_info.pCode = code.data();
  VkShaderModule module = VK_NULL_HANDLE;
  gpu_.check(gpu_.vk.vkCreateShaderModule(gpu_.handle(), &module_info, nullptr, &module),
             "vkCreateShaderModule");

  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < constants.size(); ++i) entries.push_back({i, 4 * i, 4});
  const VkSpecializationInfo special{static_cast<uint32_t>(entries.size()), entries.data(),
                                     4 * constants.size(), constants.data()};
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &special;
  info.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult result =
      gpu_.vk.vkCreateComputePipelines(gpu_.handle(), cache_, 1, &info, nullptr, &pipeline);
  gpu_.vk.vkDestroyShaderModule(gpu_.handle(), module, nullptr);
  gpu_.check(result, "vkCreateComputePipelines");
  ++made_;
  gpu_.check_messages(name);
  return pipeline;
}

}  // namespace tenon::vulkan
