#include "timeline.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace tenon::cuda {

using plugin::Status;

namespace {

constexpr size_t kFailuresKept = 1024;  // failed points that a timeline remembers

}  // namespace

Event::Event(std::shared_ptr<Context> context) : context_(std::move(context)) {
  context_->check(context_->driver.event_create(&event_, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
}

Event::~Event() {
  context_->release([&](const Driver& d) { d.event_destroy(event_); });
}

std::optional<Status> Outcome::get() {
  const std::lock_guard lock(mutex_);
  if (failure_) {
    failed_ = failure_();
    failure_ = nullptr;
  }
  return failed_;
}

bool Outcome::is_known_good() {
  const std::lock_guard lock(mutex_);
  return !failure_ && !failed_;
}

uint64_t Timeline::record(CUstream stream, Failure failure) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Event> event;
  if (spare_.empty()) {
    event = std::make_shared<Event>(context_);
  } else {
    event = std::move(spare_.back());
    spare_.pop_back();
  }
  context_->check(context_->driver.event_record(event->get(), stream), "cuEventRecord");
  auto outcome = failure ? std::make_shared<Outcome>(std::move(failure)) : nullptr;
  points_.push_back({++recorded_, std::move(event), std::move(outcome)});
  advance();
  return recorded_;
}

void Timeline::advance() {
  while (!points_.empty()) {
    Point& point = points_.front();
    const CUresult result = context_->driver.event_query(point.event->get());
    if (result == CUDA_ERROR_NOT_READY) return;
    context_->check(result, "cuEventQuery");
    reached_ = point.value;
    if (point.outcome) {
      if (auto failed = point.outcome->get()) failures_.emplace(point.value, *failed);
    }
    if (failures_.size() > kFailuresKept) failures_.erase(failures_.begin());
    // Whoever else holds the event still waits for this point.
    if (point.event.use_count() == 1) spare_.push_back(std::move(point.event));
    points_.pop_front();
  }
}

void Timeline::settle() {
  const std::lock_guard lock(mutex_);
  advance();
}

void Timeline::check_recorded(uint64_t value) const {
  if (value <= recorded_) return;
  throw Status(TN_INVALID_ARGUMENT, "event: value " + std::to_string(value) +
                                        " was not recorded, the last is " +
                                        std::to_string(recorded_));
}

plugin::Event Timeline::query(uint64_t value) {
  const std::lock_guard lock(mutex_);
  check_recorded(value);
  if (value > reached_) advance();
  if (value > reached_) return {TN_EVENT_PENDING, std::nullopt};
  const auto failed = failures_.find(value);
  if (failed != failures_.end()) return {TN_EVENT_FAILED, failed->second};
  return {TN_EVENT_DONE, std::nullopt};
}

Awaited Timeline::look(uint64_t value) {
  const std::lock_guard lock(mutex_);
  check_recorded(value);
  if (value > reached_) advance();
  if (value > reached_) {
    const Point& point = points_[static_cast<size_t>(value - points_.front().value)];
    return {point.event, point.outcome};
  }
  const auto failed = failures_.find(value);
  if (failed == failures_.end()) return {};
  return {nullptr, std::make_shared<Outcome>(failed->second)};
}

bool Timeline::wait(uint64_t value, uint64_t timeout_ns) {
  using Clock = std::chrono::steady_clock;
  const std::shared_ptr<Event> event = look(value).event;
  if (event != nullptr && timeout_ns == UINT64_MAX) {
    context_->check(context_->driver.event_synchronize(event->get()), "cuEventSynchronize");
  }
  const auto begin = Clock::now();
  auto pause = std::chrono::microseconds(0);
  plugin::Event state = query(value);
  while (state.state == TN_EVENT_PENDING) {
    const auto waited = static_cast<uint64_t>((Clock::now() - begin) / std::chrono::nanoseconds(1));
    if (waited >= timeout_ns) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause + std::chrono::microseconds(5), std::chrono::microseconds(500));
    state = query(value);
  }
  if (state.failure) throw *state.failure;
  return true;
}

}  // namespace tenon::cuda
