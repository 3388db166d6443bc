// An in-order queue of work on the GPU.
#ifndef TENON_PLUGINS_CUDA_STREAM_H
#define TENON_PLUGINS_CUDA_STREAM_H

#include <array>
#include <memory>
#include <vector>

#include "faults.h"
#include "staging.h"
#include "timeline.h"

namespace tenon::cuda {

class Kernel;

class Stream {
 public:
  explicit Stream(std::shared_ptr<Context> context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void launch(Kernel& kernel, const plugin::Launch& launch);
  void upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t flags);
  void download(Buffer& source, uint64_t offset, void* target, uint64_t size);
  void sync();
  uint64_t record();
  plugin::Event query(uint64_t value);
  bool wait(uint64_t value, uint64_t timeout_ns);
  void wait_for(Stream& other, uint64_t value);

 private:
  // What `own` says, or the failure before a point that was waited for.
  [[nodiscard]] Failure with_carried(Failure own) const;

  const std::shared_ptr<Context> context_;
  CUstream stream_ = nullptr;
  std::shared_ptr<Timeline> timeline_;
  std::unique_ptr<Faults> faults_;
  // Of points of other streams that this one waits for: a failure there is this one's as well.
  std::vector<std::shared_ptr<Outcome>> carried_;
  std::unique_ptr<Staging> staging_;  // made by the first upload that needs it
};

}  // namespace tenon::cuda

#endif
