// A block of device memory shared by tensors and their views.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/export.h>
#include <tenon/runtime/intrusive.h>

namespace tenon {

class DeviceContext;
struct Block;

// Bytes [offset, offset + size) of one segment of a device. The version counter is bumped by every
// write through any tensor that shares it.
class TENON_API Storage : public RefCounted {
 public:
  [[nodiscard]] DeviceContext& context() const noexcept { return *context_; }
  [[nodiscard]] uint64_t size_bytes() const noexcept { return size_bytes_; }
  // Host address of byte 0; nullptr unless the device is "cpu".
  [[nodiscard]] std::byte* host() const noexcept { return host_; }
  [[nodiscard]] uint64_t offset_bytes() const noexcept { return offset_bytes_; }
  // The plugin's handle of the segment; for host memory made on first use, so it may load the
  // plugin. Errors: Device.
  [[nodiscard]] tn_buffer buffer();
  // The same as far as it is there, else nullptr.
  [[nodiscard]] tn_buffer known_buffer() const noexcept {
    return buffer_.load(std::memory_order_acquire);
  }

  [[nodiscard]] uint32_t version() const noexcept {
    return version_.load(std::memory_order_relaxed);
  }
  void bump_version() noexcept { version_.fetch_add(1, std::memory_order_relaxed); }

  // Uninitialised memory from the device's caching allocator. Errors: OutOfMemory, DeviceLost.
  [[nodiscard]] static Ref<Storage> allocate(DeviceContext& context, uint64_t size_bytes);
  // Foreign host memory, kept until the last user went, then `release` is called.
  [[nodiscard]] static Ref<Storage> adopt(void* data, uint64_t size_bytes,
                                          std::function<void()> release);
  static void destroy(Storage* storage) noexcept;

 private:
  explicit Storage(DeviceContext& context) noexcept : context_(&context) {}
  Storage(DeviceContext& context, Block* block, uint64_t size_bytes) noexcept;
  ~Storage() = default;

  DeviceContext* context_;
  Block* block_ = nullptr;  // nullptr when adopted or empty
  std::byte* host_ = nullptr;
  uint64_t offset_bytes_ = 0;  // within the segment
  uint64_t size_bytes_ = 0;
  std::atomic<tn_buffer> buffer_{nullptr};  // adopted memory: own handle, made on first use
  std::atomic<uint32_t> version_{0};
  std::unique_ptr<std::function<void()>> release_;  // of adopted memory
};

}  // namespace tenon
