#include "stream.h"

#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

namespace queued {

using tenon::plugin::Event;
using tenon::plugin::Launch;
using tenon::plugin::Status;

// ---- points in time ----------------------------------------------------------------------------

void Timeline::reach(uint64_t value, const std::optional<Status>& failure) {
  const std::lock_guard lock(mutex_);
  reached_ = value;
  if (failure) failures_.emplace(value, *failure);
  if (failures_.size() > 1000) failures_.erase(failures_.begin());
  changed_.notify_all();
}

Event Timeline::query(uint64_t value) {
  const std::lock_guard lock(mutex_);
  if (reached_ < value) return {TN_EVENT_PENDING, std::nullopt};
  const auto found = failures_.find(value);
  if (found == failures_.end()) return {};
  return {TN_EVENT_FAILED, found->second};
}

bool Timeline::wait(uint64_t value, uint64_t timeout_ns) {
  {
    std::unique_lock lock(mutex_);
    const auto reached = [&] { return reached_ >= value; };
    if (timeout_ns > INT64_MAX / 2) {  // longer than a clock can say
      changed_.wait(lock, reached);
    } else if (!changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), reached)) {
      return false;
    }
  }
  if (const auto failure = query(value).failure) throw *failure;
  return true;
}

// ---- the queue ---------------------------------------------------------------------------------

Stream::Stream() : worker_([this] { work(); }) {}

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  worker_.join();
}

void Stream::submit(Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void Stream::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    busy_ = true;
    lock.unlock();
    std::optional<Status> failure;
    try {
      task();
    } catch (const Status& status) {
      failure = status;
    } catch (const std::exception& e) {
      failure = Status(TN_INTERNAL, e.what());
    }
    lock.lock();
    if (failure && !failure_) failure_ = std::move(failure);
    busy_ = false;
    changed_.notify_all();
  }
}

void Stream::sync() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return tasks_.empty() && !busy_; });
  if (failure_) throw *std::exchange(failure_, std::nullopt);
}

// ---- events ------------------------------------------------------------------------------------

uint64_t Stream::record() {
  const uint64_t value = timeline_->next();
  submit([this, value] {
    std::unique_lock lock(mutex_);
    const std::optional<Status> failure = failure_;
    lock.unlock();
    timeline_->reach(value, failure);
  });
  return value;
}

Event Stream::query(uint64_t value) { return timeline_->query(value); }

bool Stream::wait(uint64_t value, uint64_t timeout_ns) {
  return timeline_->wait(value, timeout_ns);
}

void Stream::wait_for(Stream& other, uint64_t value) {
  submit([timeline = other.timeline_, value] { timeline->wait(value, UINT64_MAX); });
}

// ---- work --------------------------------------------------------------------------------------

namespace {

// A launch that waits its turn: everything of the caller's is copied, for it is only borrowed.
struct Queued {
  tnr_kernel kernel;
  std::vector<tn_tensor> tensors;
  std::vector<char*> data;
  std::vector<uint64_t> scalars;
  char* workspace = nullptr;
  uint64_t tag = 0;

  void run() const {
    std::vector<tnr_operand> operands;
    for (size_t i = 0; i < tensors.size(); ++i) operands.push_back({data[i], &tensors[i]});
    tnr_report report;
    const tn_status status =
        tnr_launch(&kernel, operands.data(), scalars.data(), workspace, &report);
    if (status != TN_OK) throw Status(status, report.text, tag);
  }
};

Buffer& buffer_of(tn_buffer handle) {
  auto* box = Buffer::from_handle(handle);
  if (box == nullptr) throw Status(TN_INVALID_ARGUMENT, "launch: no buffer of this device");
  return *box->object;
}

// Address of the first element; the host has proved that all lie inside.
char* address_of(const tn_tensor& t) {
  for (uint32_t d = 0; d < t.rank; ++d) {
    if (t.shape[d] == 0) return nullptr;  // nothing to address
  }
  return buffer_of(t.buffer).range(t.offset_bytes, 1);
}

}  // namespace

void Stream::launch(Kernel& kernel, const Launch& launch) {
  auto queued = std::make_shared<Queued>();
  queued->kernel = kernel.prepared;
  queued->tag = launch.tag;
  for (const tn_tensor* t : launch.operands) {
    queued->tensors.push_back(*t);
    queued->data.push_back(address_of(*t));
  }
  const uint32_t scalars = tnr_scalar_count(&kernel.prepared);
  if (scalars > 0) queued->scalars.assign(launch.scalars, launch.scalars + scalars);
  if (launch.workspace != nullptr) {
    const tn_workspace& w = *launch.workspace;
    queued->workspace = buffer_of(w.buffer).range(w.offset_bytes, w.size_bytes);
  }
  submit([queued] { queued->run(); });
}

void Stream::upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t) {
  char* to = target.range(offset, size);
  const auto* from = static_cast<const char*>(source);
  submit([to, bytes = std::vector<char>(from, from + size)] {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  });
}

void Stream::download(Buffer& source, uint64_t offset, void* target, uint64_t size) {
  const char* from = source.range(offset, size);
  submit([=] {
    if (size > 0) std::memcpy(target, from, size);
  });
}

}  // namespace queued
