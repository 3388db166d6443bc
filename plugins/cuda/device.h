// One GPU: its facts, and the makers of everything that lives on it.
#ifndef TENON_PLUGINS_CUDA_DEVICE_H
#define TENON_PLUGINS_CUDA_DEVICE_H

#include <memory>

#include "context.h"

namespace tenon::cuda {

class Buffer;
class Kernel;
class Stream;

class Device {
 public:
  explicit Device(std::shared_ptr<Context> context);

  [[nodiscard]] tn_device_info info() const { return info_; }
  [[nodiscard]] plugin::Budget budget() const;
  [[nodiscard]] std::unique_ptr<Buffer> allocate(uint64_t size_bytes) const;
  [[nodiscard]] std::unique_ptr<Stream> make_stream() const;
  [[nodiscard]] tn_answer query(const plugin::Signature& signature) const;
  [[nodiscard]] std::unique_ptr<Kernel> prepare(const plugin::Signature& signature) const;

 private:
  std::shared_ptr<Context> context_;
  tn_device_info info_{};
};

}  // namespace tenon::cuda

#endif
