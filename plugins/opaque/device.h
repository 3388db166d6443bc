// What the streams of one opaque device share: configuration, loss, the count of launches.
#ifndef TENON_PLUGINS_OPAQUE_DEVICE_H
#define TENON_PLUGINS_OPAQUE_DEVICE_H

#include <tenon/api/reference_kernels.h>
#include <tenon/api/plugin_tables.hpp>

#include <atomic>
#include <memory>

#include "memory.h"

namespace tenon::opaque {

// Configuration keys (TENON_OPAQUE_<KEY>, read when a device is opened; 0 = off).
struct Settings {
  uint64_t memory_bytes = uint64_t{2} << 30;  // budget of a device
  uint64_t delay_us = 0;                      // before each operation
  uint64_t fail_nth = 0;                      // the n-th launch fails with INTERNAL, seen at sync
  uint64_t lose_nth = 0;                      // the n-th launch loses the device
  uint64_t refuse_nth = 0;                    // the n-th buffer_alloc answers OUT_OF_MEMORY

  static Settings read(const plugin::Host& host);
};

struct Device {
  explicit Device(const plugin::Host& host);

  [[nodiscard]] tn_device_info info() const;
  [[nodiscard]] plugin::Budget budget() const;
  [[nodiscard]] std::unique_ptr<Buffer> allocate(uint64_t size_bytes) const;
  [[nodiscard]] std::unique_ptr<class Stream> make_stream() const;
  [[nodiscard]] tn_answer query(const plugin::Signature& signature) const;
  [[nodiscard]] std::unique_ptr<struct Kernel> prepare(const plugin::Signature& signature) const;

  // Facts that outlive the device object while its streams still work.
  struct Shared {
    explicit Shared(const plugin::Host& host);

    // Throws DEVICE_LOST once the device is lost, and in a forked child, which has no workers.
    void check_alive() const;

    const Settings settings;
    const std::shared_ptr<Budget> memory;
    const int64_t process;
    std::atomic<uint64_t> launches{0};
    std::atomic<uint64_t> allocations{0};
    std::atomic<bool> lost{false};
  };

 private:
  std::shared_ptr<Shared> shared_;
};

struct Kernel {
  tnr_kernel prepared;

  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const {
    uint64_t size_bytes = 0;
    tnr_workspace(&prepared, operands.data(), &size_bytes);
    return size_bytes;
  }
};

}  // namespace tenon::opaque

#endif
