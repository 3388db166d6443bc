// A stream is a thread that works through a queue. Its points in time outlive it, because other
// streams may still wait for them.
#pragma once

#include <tenon/api/reference_kernels.h>
#include <tenon/api/plugin_tables.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "memory.h"

namespace queued {

struct Kernel {
  tnr_kernel prepared;

  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const {
    uint64_t size_bytes = 0;
    tnr_workspace(&prepared, operands.data(), &size_bytes);
    return size_bytes;
  }
};

class Timeline {
 public:
  uint64_t next() { return ++recorded_; }
  [[nodiscard]] uint64_t recorded() const { return recorded_; }
  void reach(uint64_t value, const std::optional<tenon::plugin::Status>& failure);
  [[nodiscard]] tenon::plugin::Event query(uint64_t value);
  // False when the time ran out; throws the failure that lies in front of the point.
  bool wait(uint64_t value, uint64_t timeout_ns);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint64_t> recorded_{0};
  uint64_t reached_ = 0;
  std::map<uint64_t, tenon::plugin::Status> failures_;  // of the points behind one
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // The methods that the tables call; each but the last five puts a task into the queue.
  void launch(Kernel& kernel, const tenon::plugin::Launch& launch);
  void upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t flags);
  void download(Buffer& source, uint64_t offset, void* target, uint64_t size);
  void sync();
  uint64_t record();
  tenon::plugin::Event query(uint64_t value);
  bool wait(uint64_t value, uint64_t timeout_ns);
  void wait_for(Stream& other, uint64_t value);

 private:
  using Task = std::function<void()>;
  void submit(Task task);
  void work();

  const std::shared_ptr<Timeline> timeline_ = std::make_shared<Timeline>();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool busy_ = false, closing_ = false;
  std::optional<tenon::plugin::Status> failure_;  // the first since the last sync
  std::thread worker_;
};

}  // namespace queued
