// The points of a stream's timeline: CUDA events by number, and the failures that lie before them.
#ifndef TENON_PLUGINS_CUDA_TIMELINE_H
#define TENON_PLUGINS_CUDA_TIMELINE_H

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

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

// What a reached point looks up: the failure of the work before it, if there is one.
using Failure = std::function<std::optional<plugin::Status>()>;

// How the work before a point ended, looked up once. Points of other streams share it when they
// carry the failure on; a point refers to earlier ones only, so no two wait for one another.
class Outcome {
 public:
  explicit Outcome(Failure failure) : failure_(std::move(failure)) {}
  explicit Outcome(plugin::Status status) : failed_(std::move(status)) {}

  // Only once the point was reached.
  std::optional<plugin::Status> get();
  // False until somebody asked.
  [[nodiscard]] bool is_known_good();

 private:
  std::mutex mutex_;
  Failure failure_;  // asked and dropped at the first get()
  std::optional<plugin::Status> failed_;
};

// What another stream needs of a point: nothing where it was reached and all went well.
struct Awaited {
  std::shared_ptr<Event> event;      // NULL: the point was reached when last looked at
  std::shared_ptr<Outcome> outcome;  // NULL: nothing before it can fail
};

// Outlives its stream: other streams may still look at it.
class Timeline {
 public:
  explicit Timeline(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  // A point behind the work queued so far. `failure` is asked once, when the point was reached; it
  // may be empty.
  uint64_t record(CUstream stream, Failure failure);
  plugin::Event query(uint64_t value);
  // False when the time ran out; throws the failure before the point.
  bool wait(uint64_t value, uint64_t timeout_ns);
  Awaited look(uint64_t value);
  // Takes note of the points that were reached.
  void settle();
  [[nodiscard]] const Context* context() const { return context_.get(); }

 private:
  struct Point {
    uint64_t value;
    std::shared_ptr<Event> event;
    std::shared_ptr<Outcome> outcome;  // NULL: nothing before it can fail
  };

  void advance();  // under the lock: takes note of the points that were reached
  void check_recorded(uint64_t value) const;

  const std::shared_ptr<Context> context_;
  std::mutex mutex_;
  uint64_t recorded_ = 0;
  uint64_t reached_ = 0;
  std::deque<Point> points_;
  std::vector<std::shared_ptr<Event>> spare_;  // of points that were reached
  std::map<uint64_t, plugin::Status> failures_;
};

}  // namespace tenon::cuda

#endif
