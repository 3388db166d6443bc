// One Vulkan device as its buffers, streams and kernels share it: functions, queue, memory, loss.
#ifndef TENON_PLUGINS_VULKAN_GPU_H
#define TENON_PLUGINS_VULKAN_GPU_H

#include <volk.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "features.h"
#include "instance.h"

namespace tenon::vulkan {

// A VkBuffer with memory of its own and, where the host may look at it, its address there.
struct Allocation {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkDeviceAddress address = 0;
  char* host = nullptr;
  uint64_t size_bytes = 0;
};

class Gpu {
 public:
  Gpu(std::shared_ptr<Instance> instance, VkPhysicalDevice physical);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  // Throws DEVICE_LOST once the device is lost, and in a forked child.
  void check_alive() const;
  // Throws the status that belongs to a result other than success; `what` names the call.
  void check(VkResult result, const char* what);
  // Throws INTERNAL when the validation layer said something; `op` is what was being done.
  void check_messages(const char* op);

  // Memory of the device, counted against the budget. Throws OUT_OF_MEMORY.
  Allocation allocate(uint64_t size_bytes);
  // Memory that the host writes and reads too, mapped; not counted.
  Allocation allocate_staging(uint64_t size_bytes);
  void free(const Allocation& allocation, bool counted);

  // One submit; the queue belongs to all streams.
  void submit(const VkSubmitInfo& info);

  [[nodiscard]] VkDevice handle() const { return device_; }
  [[nodiscard]] const Features& features() const { return features_; }
  [[nodiscard]] const Settings& settings() const { return instance_->settings(); }
  [[nodiscard]] uint64_t allocation_max() const;
  [[nodiscard]] uint64_t budget_bytes() const { return budget_bytes_; }
  [[nodiscard]] uint64_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] uint32_t queue_family() const { return family_; }
  [[nodiscard]] bool is_forked() const;  // this process is a child of the one that opened it
  [[nodiscard]] bool is_usable() const { return !lost_ && !is_forked(); }
  [[nodiscard]] class Pipelines& pipelines() { return *pipelines_; }

  VolkDeviceTable vk{};

 private:
  Allocation make(uint64_t size_bytes, uint32_t memory_type, bool mapped);
  [[nodiscard]] uint32_t find_type(VkMemoryPropertyFlags wanted) const;
  void reserve(uint64_t size_bytes);

  const std::shared_ptr<Instance> instance_;
  const VkPhysicalDevice physical_;
  const Features features_;
  const uint32_t family_;
  const int64_t process_;
  VkPhysicalDeviceMemoryProperties memory_{};
  uint32_t device_type_ = 0;
  uint32_t staging_type_ = 0;
  uint64_t budget_bytes_ = 0;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::mutex queue_mutex_;
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> allocations_{0};
  std::atomic<uint64_t> submits_{0};
  std::atomic<bool> lost_{false};
  std::unique_ptr<class Pipelines> pipelines_;
};

// One segment of device memory, as the ABI hands it out.
class Buffer {
 public:
  Buffer(std::shared_ptr<Gpu> gpu, uint64_t size_bytes);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] VkBuffer handle() const { return allocation_.buffer; }
  [[nodiscard]] bool is_of(const Gpu& gpu) const { return gpu_.get() == &gpu; }
  // Address of [offset, offset + size); throws INVALID_ARGUMENT when that is not inside.
  [[nodiscard]] VkDeviceAddress range(uint64_t offset_bytes, uint64_t size_bytes) const;

 private:
  const std::shared_ptr<Gpu> gpu_;
  const uint64_t size_bytes_;
  const Allocation allocation_;
};

}  // namespace tenon::vulkan

#endif
