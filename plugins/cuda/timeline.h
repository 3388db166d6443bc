// The points of a stream's timeline: CUDA events by number, and the failures that lie before them.
#ifndef TENON_PLUGINS_CUDA_TIMELINE_H
#define TENON_PLUGINS_CUDA_TIMELINE_H

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "memory.h"

namespace tenon::cuda {

// A CUDA event without timing, made for one point.
class Event {
 public:
  explicit Event(std::shared_ptr<Context> context);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] CUevent get() const { return event_; }

 private:
  std::shared_ptr<Context> context_;
  CUevent event_ = nullptr;
};

// Outlives its stream: other streams may still look at it.
class Timeline {
 public:
  // What a reached point looks up: the failure of the work before it, if there is one.
  using Failure = std::function<std::optional<plugin::Status>()>;

  explicit Timeline(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  // A point behind the work queued so far. `failure` is asked once, when the point was reached; it
  // may be empty.
  uint64_t record(CUstream stream, Failure failure);
  plugin::Event query(uint64_t value);
  // False when the time ran out; throws the failure before the point.
  bool wait(uint64_t value, uint64_t timeout_ns);
  // Event of a point that was not reached when last looked at, else NULL.
  std::shared_ptr<Event> pending(uint64_t value);
  [[nodiscard]] const Context* context() const { return context_.get(); }

 private:
  struct Point {
    uint64_t value;
    std::shared_ptr<Event> event;
    Failure failure;
  };

  void advance();  // under the lock: takes note of the points that were reached
  void check_recorded(uint64_t value) const;

  const std::shared_ptr<Context> context_;
  std::mutex mutex_;
  uint64_t recorded_ = 0;
  uint64_t reached_ = 0;
  std::deque<Point> points_;
  std::map<uint64_t, plugin::Status> failures_;
};

}  // namespace tenon::cuda

#endif
