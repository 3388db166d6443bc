// What went wrong on a stream: bad index values, which kernels note in device memory, and the last
// launches, which a lost device names.
#ifndef TENON_PLUGINS_CUDA_FAULTS_H
#define TENON_PLUGINS_CUDA_FAULTS_H

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "device/fault.h"
#include "memory.h"

namespace tenon::cuda {

class Faults {
 public:
  Faults(std::shared_ptr<Context> context, CUstream stream);

  // A launch was queued. `op` is static text.
  void note(const char* op, uint64_t tag);
  // Address for a kernel that checks index values.
  [[nodiscard]] CUdeviceptr address();

  // Queues a copy of the note to the host; the returned function, called when the stream has come
  // that far, says what it holds. Empty when no kernel since the last clear checks anything.
  std::function<std::optional<plugin::Status>()> observe();
  // Queues the removal of the note; launches are forgotten.
  void clear();
  void forget_launches() { launches_ = 0; }

  // The operator of a launch among the last ones.
  [[nodiscard]] const char* op_of(uint64_t tag) const;
  // "; queued since the last good sync: ..."
  [[nodiscard]] std::string since() const;

 private:
  struct Launched {
    const char* op;
    uint64_t tag;
  };
  static constexpr uint64_t kLaunchesKept = 32;
  static constexpr size_t kSlots = 256;

  const std::shared_ptr<Context> context_;
  const CUstream stream_;
  std::unique_ptr<Buffer> note_;
  std::shared_ptr<Pinned> slots_;
  size_t next_slot_ = 0;
  bool checking_ = false;
  uint64_t launches_ = 0;
  std::array<Launched, kLaunchesKept> last_{};
};

}  // namespace tenon::cuda

#endif
