// An open device: its plugin's tables, its streams, its allocator, its state. One per device, never
// destroyed. Host memory ("cpu") always exists; its plugin is opened when something computes.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/device.h>
#include <tenon/runtime/dtype.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/memory/allocator.h>
#include <tenon/runtime/shape.h>

namespace tenon {

class Op;

class TENON_API DeviceContext {
 public:
  static constexpr uint32_t kMaxOpen = 256;  // ids are below
  // Opens on first use. Errors: Device, DeviceLost.
  [[nodiscard]] static DeviceContext& get(const Device& device);
  [[nodiscard]] static DeviceContext& cpu() noexcept;
  // Every context opened so far.
  [[nodiscard]] static std::vector<DeviceContext*> opened();

  [[nodiscard]] const Device& device() const noexcept { return device_; }
  [[nodiscard]] uint32_t id() const noexcept { return id_; }
  [[nodiscard]] bool is_cpu() const noexcept { return id_ == 0; }
  [[nodiscard]] Allocator& allocator() noexcept { return allocator_; }

  // Opens the plugin's device if that is still to do and refuses lost and forked devices.
  // Errors: Device, DeviceLost.
  void require_compute() {
    if (!ready_.load(std::memory_order_acquire)) [[unlikely]]
      open_compute();
  }
  // The following need require_compute() before.
  [[nodiscard]] const Plugin& plugin() const noexcept { return *plugin_; }
  [[nodiscard]] tn_device handle() const noexcept { return handle_; }
  [[nodiscard]] const tn_device_info& info() const noexcept { return info_; }
  [[nodiscard]] bool computes(DType dtype) const noexcept {
    return (info_.compute_dtypes >> static_cast<uint8_t>(dtype) & 1u) != 0;
  }
  [[nodiscard]] bool is_async() const noexcept { return (info_.flags & TN_DEVICE_ASYNC) != 0; }

  // Queues a prepared kernel on this thread's stream. `op` and the first operand's shape go into
  // the ring that explains late failures. Errors: what the plugin answered.
  void launch(tn_kernel kernel, const Op& op, const tn_tensor* const* operands,
              const uint64_t* scalars) {
    const tn_status status = try_launch(kernel, op, operands, scalars);
    if (status != TN_OK) [[unlikely]]
      check_status(status, op);
  }
  // The same; a status that the plugin answers at once is returned, its text still to be taken.
  [[nodiscard]] tn_status try_launch(tn_kernel kernel, const Op& op,
                                     const tn_tensor* const* operands, const uint64_t* scalars);
  // Stream-ordered copies; both return when the host memory may be reused / is valid.
  void upload(tn_buffer target, uint64_t offset_bytes, const void* source, uint64_t size_bytes);
  void download(tn_buffer source, uint64_t offset_bytes, void* target, uint64_t size_bytes);
  // Waits for all queued work; rethrows what failed, with op and shapes.
  void synchronize();
  // Throws for a status of this device's plugin; notes a lost device.
  void check_status(tn_status status, std::string_view what);

 private:
  void check_status(tn_status status, const Op& op);
  friend struct DeviceContexts;
  DeviceContext(const Device& device, uint32_t id);
  void open_compute();
  tn_stream stream();
  tn_status launch_with(tn_kernel kernel, const Op& op, const tn_tensor* const* operands,
                        const uint64_t* scalars, uint64_t workspace_bytes);
  std::string explain_tag(uint64_t tag);

  Device device_;
  uint32_t id_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> lost_{false};
  std::mutex mutex_;         // opening
  std::mutex stream_mutex_;  // the one stream of an asynchronous device
  Plugin* plugin_ = nullptr;
  tn_device handle_ = nullptr;
  tn_device_info info_{};
  tn_stream shared_stream_ = nullptr;
  std::string lost_text_;
  Allocator allocator_;

  struct Launch {
    uint64_t tag = 0;
    const Op* op = nullptr;
    Shape shape;
  };
  std::array<Launch, 256> ring_;
  std::atomic<uint64_t> next_tag_{1};
};

}  // namespace tenon
