// A stream: a thread that does its operations in order, later.
#ifndef TENON_PLUGINS_OPAQUE_STREAM_H
#define TENON_PLUGINS_OPAQUE_STREAM_H

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "device.h"

namespace tenon::opaque {

// What other streams may still look at when a stream is gone: how far it came, and which points
// of its timeline lie behind a failure.
class Timeline {
 public:
  uint64_t next() { return ++recorded_; }  // by the thread that uses the stream
  [[nodiscard]] uint64_t recorded() const { return recorded_; }

  void reach(uint64_t value, const std::optional<plugin::Status>& failure);
  plugin::Event query(uint64_t value);
  // False when the time ran out.
  bool wait(uint64_t value, uint64_t timeout_ns);
  std::optional<plugin::Status> failure_at(uint64_t value);

 private:
  std::mutex mutex_;
  std::condition_variable reached_changed_;
  std::atomic<uint64_t> recorded_{0};
  uint64_t reached_ = 0;
  std::map<uint64_t, plugin::Status> failures_;
};

class Stream {
 public:
  explicit Stream(std::shared_ptr<Device::Shared> device);
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
  using Task = std::function<void()>;

  void submit(Task task);
  void work();
  void keep_first(plugin::Status failure);
  void check_recorded(uint64_t value) const;

  const std::shared_ptr<Device::Shared> device_;
  const std::shared_ptr<Timeline> timeline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool busy_ = false;
  bool closing_ = false;
  std::optional<plugin::Status> failure_;  // the first since the last sync; the worker's and sync's
  std::unique_ptr<std::thread> worker_;
};

}  // namespace tenon::opaque

#endif
