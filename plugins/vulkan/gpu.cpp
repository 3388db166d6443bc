#include "gpu.h"

#include <unistd.h>

#include <algorithm>

#include "pipelines.h"

namespace tenon::vulkan {

using plugin::Status;

namespace {

constexpr uint64_t kGranule = 16;  // a buffer's size is a multiple of this

uint64_t rounded(uint64_t size_bytes) {
  return std::max<uint64_t>(kGranule, (size_bytes + kGranule - 1) / kGranule * kGranule);
}

}  // namespace

Gpu::Gpu(std::shared_ptr<Instance> instance, VkPhysicalDevice physical)
    : instance_(std::move(instance)),
      physical_(physical),
      features_(read_features(physical)),
      family_(compute_family(physical)),
      process_(getpid()) {
  vkGetPhysicalDeviceMemoryProperties(physical, &memory_);
  device_type_ = find_type(VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  const VkMemoryPropertyFlags shared =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  staging_type_ = find_type(shared | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  if (staging_type_ == UINT32_MAX) staging_type_ = find_type(shared);
  if (device_type_ == UINT32_MAX || staging_type_ == UINT32_MAX) {
    throw Status(TN_INTERNAL, "the device lists no memory of the kinds that Vulkan demands");
  }
  budget_bytes_ = settings().memory_bytes != 0
                      ? settings().memory_bytes
                      : memory_.memoryHeaps[memory_.memoryTypes[device_type_].heapIndex].size;
  const VkResult result = create_device(physical, features_, &device_);
  if (result != VK_SUCCESS) {
    throw Status(TN_INTERNAL, "vkCreateDevice answered " + result_name(result));
  }
  volkLoadDeviceTable(&vk, device_);
  vk.vkGetDeviceQueue(device_, family_, 0, &queue_);
  try {
    pipelines_ = std::make_unique<Pipelines>(*this);
  } catch (...) {
    vk.vkDestroyDevice(device_, nullptr);
    throw;
  }
}

Gpu::~Gpu() {
  if (process_ != getpid()) {  // a forked child leaves the driver alone
    [[maybe_unused]] auto* leaked = pipelines_.release();
    return;
  }
  pipelines_.reset();
  vk.vkDestroyDevice(device_, nullptr);
}

bool Gpu::is_forked() const { return process_ != getpid(); }

void Gpu::check_alive() const {
  if (lost_) throw Status(TN_DEVICE_LOST, "the device was lost: close it and open it anew");
  if (process_ != getpid()) {
    throw Status(TN_DEVICE_LOST, "a forked process cannot use the device; open it there anew");
  }
}

void Gpu::check(VkResult result, const char* what) {
  if (result == VK_SUCCESS) return;
  const std::string text = std::string(what) + " answered " + result_name(result);
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      lost_ = true;
      throw Status(TN_DEVICE_LOST, text + ": the device was lost, close it and open it anew");
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      throw Status(TN_OUT_OF_MEMORY, text);
    default:
      throw Status(TN_INTERNAL, text);
  }
}

void Gpu::check_messages(const char* op) {
  if (!settings().check) return;
  const std::string text = instance_->messages().take();
  if (text.empty()) return;
  throw Status(TN_INTERNAL, std::string("validation layer, ") + op + ": " + text);
}

void Gpu::submit(const VkSubmitInfo& info) {
  const std::lock_guard lock(queue_mutex_);
  const bool lose = ++submits_ == settings().lose_nth;
  check(lose ? VK_ERROR_DEVICE_LOST : vk.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE),
        "vkQueueSubmit");
}

// ---- memory ------------------------------------------------------------------------------------

uint32_t Gpu::find_type(VkMemoryPropertyFlags wanted) const {
  for (uint32_t i = 0; i < memory_.memoryTypeCount; ++i) {
    if ((memory_.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  }
  return UINT32_MAX;
}

uint64_t Gpu::allocation_max() const { return std::min(features_.allocation_max, budget_bytes_); }

Allocation Gpu::make(uint64_t size_bytes, uint32_t memory_type, bool mapped) {
  Allocation a;
  a.size_bytes = size_bytes;
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = size_bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  try {
    check(vk.vkCreateBuffer(device_, &info, nullptr, &a.buffer), "vkCreateBuffer");
    VkMemoryRequirements needs;
    vk.vkGetBufferMemoryRequirements(device_, a.buffer, &needs);
    if ((needs.memoryTypeBits >> memory_type & 1) == 0) {
      throw Status(TN_INTERNAL, "a storage buffer cannot lie in the device's memory");
    }
    VkMemoryAllocateFlagsInfo flags{};
    flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
    VkMemoryAllocateInfo allocate{};
    allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocate.pNext = &flags;
    allocate.allocationSize = needs.size;
    allocate.memoryTypeIndex = memory_type;
    const bool refuse = ++allocations_ == settings().refuse_nth;
    check(refuse ? VK_ERROR_OUT_OF_DEVICE_MEMORY
                 : vk.vkAllocateMemory(device_, &allocate, nullptr, &a.memory),
          "vkAllocateMemory");
    check(vk.vkBindBufferMemory(device_, a.buffer, a.memory, 0), "vkBindBufferMemory");
    if (mapped) {
      void* host = nullptr;
      check(vk.vkMapMemory(device_, a.memory, 0, VK_WHOLE_SIZE, 0, &host), "vkMapMemory");
      a.host = static_cast<char*>(host);
    }
  } catch (...) {
    vk.vkDestroyBuffer(device_, a.buffer, nullptr);
    vk.vkFreeMemory(device_, a.memory, nullptr);
    throw;
  }
  VkBufferDeviceAddressInfo address{};
  address.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO;
  address.buffer = a.buffer;
  a.address = vk.vkGetBufferDeviceAddress(device_, &address);
  return a;
}

// Drivers need not enforce the size of a heap, so the budget is our own.
void Gpu::reserve(uint64_t size_bytes) {
  uint64_t used = used_bytes_.load();
  do {
    if (size_bytes > budget_bytes_ - used) {
      throw Status(TN_OUT_OF_MEMORY, "device memory: wanted " + std::to_string(size_bytes) +
                                         " bytes, " + std::to_string(budget_bytes_ - used) +
                                         " of " + std::to_string(budget_bytes_) + " are free");
    }
  } while (!used_bytes_.compare_exchange_weak(used, used + size_bytes));
}

Allocation Gpu::allocate(uint64_t size_bytes) {
  check_alive();
  if (size_bytes > allocation_max()) {
    throw Status(TN_OUT_OF_MEMORY, "buffer_alloc: " + std::to_string(size_bytes) +
                                       " bytes are more than one buffer can have (" +
                                       std::to_string(allocation_max()) + ")");
  }
  const uint64_t whole = rounded(size_bytes);
  reserve(whole);
  try {
    return make(whole, device_type_, false);
  } catch (...) {
    used_bytes_ -= whole;
    throw;
  }
}

Allocation Gpu::allocate_staging(uint64_t size_bytes) {
  check_alive();
  return make(rounded(size_bytes), staging_type_, true);
}

void Gpu::free(const Allocation& a, bool counted) {
  if (process_ != getpid()) return;
  vk.vkDestroyBuffer(device_, a.buffer, nullptr);
  vk.vkFreeMemory(device_, a.memory, nullptr);
  if (counted) used_bytes_ -= a.size_bytes;
}

// ---- Buffer ------------------------------------------------------------------------------------

Buffer::Buffer(std::shared_ptr<Gpu> gpu, uint64_t size_bytes)
    : gpu_(std::move(gpu)), size_bytes_(size_bytes), allocation_(gpu_->allocate(size_bytes)) {}

Buffer::~Buffer() { gpu_->free(allocation_, true); }

VkDeviceAddress Buffer::range(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) {
    throw Status(TN_INVALID_ARGUMENT, "access to " + std::to_string(size_bytes) + " bytes at " +
                                          std::to_string(offset_bytes) + " of a buffer of " +
                                          std::to_string(size_bytes_));
  }
  return allocation_.address + offset_bytes;
}

}  // namespace tenon::vulkan
