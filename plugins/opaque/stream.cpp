#include "stream.h"

#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace tenon::opaque {

using plugin::Status;

namespace {

constexpr size_t kFailuresKept = 1024;            // failed points that a timeline remembers
constexpr uint64_t kForEver = uint64_t{1} << 60;  // a timeout that long is none

}  // namespace

// ---- timeline ----------------------------------------------------------------------------------

void Timeline::reach(uint64_t value, const std::optional<Status>& failure) {
  const std::lock_guard lock(mutex_);
  reached_ = value;
  if (failure) failures_.emplace(value, *failure);
  if (failures_.size() > kFailuresKept) failures_.erase(failures_.begin());
  reached_changed_.notify_all();
}

plugin::Event Timeline::query(uint64_t value) {
  const std::lock_guard lock(mutex_);
  if (reached_ < value) return {TN_EVENT_PENDING, std::nullopt};
  const auto found = failures_.find(value);
  if (found == failures_.end()) return {};
  return {TN_EVENT_FAILED, found->second};
}

bool Timeline::wait(uint64_t value, uint64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  const auto reached = [&] { return reached_ >= value; };
  if (timeout_ns >= kForEver) {
    reached_changed_.wait(lock, reached);
    return true;
  }
  const auto timeout = std::chrono::nanoseconds(static_cast<int64_t>(timeout_ns));
  return reached_changed_.wait_for(lock, timeout, reached);
}

std::optional<Status> Timeline::failure_at(uint64_t value) { return query(value).failure; }

// ---- the queue ---------------------------------------------------------------------------------

Stream::Stream(std::shared_ptr<Device::Shared> device)
    : device_(std::move(device)), timeline_(std::make_shared<Timeline>()) {
  worker_ = std::make_unique<std::thread>([this] { work(); });
}

Stream::~Stream() {
  if (device_->process != getpid()) {  // a forked child has no such thread to wait for
    [[maybe_unused]] auto* leaked = worker_.release();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  worker_->join();
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
    try {
      task();
    } catch (const Status& status) {
      keep_first(status);
    } catch (const std::exception& e) {
      keep_first(Status(TN_INTERNAL, e.what()));
    } catch (...) {
      keep_first(Status(TN_INTERNAL, "an operation threw something that is no std::exception"));
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void Stream::keep_first(Status failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
}

void Stream::sync() {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (device_->process == getpid()) {
    lock.lock();
    changed_.wait(lock, [&] { return tasks_.empty() && !busy_; });
    if (failure_ && failure_->code() != TN_DEVICE_LOST) {
      throw *std::exchange(failure_, std::nullopt);
    }
    if (failure_) throw *failure_;
  }
  device_->check_alive();
}

// ---- events ------------------------------------------------------------------------------------

void Stream::check_recorded(uint64_t value) const {
  if (value <= timeline_->recorded()) return;
  throw Status(TN_INVALID_ARGUMENT, "event: value " + std::to_string(value) +
                                        " was not recorded, the last is " +
                                        std::to_string(timeline_->recorded()));
}

uint64_t Stream::record() {
  device_->check_alive();
  const uint64_t value = timeline_->next();
  submit([this, value] {
    std::optional<Status> failure;
    {
      const std::lock_guard lock(mutex_);
      failure = failure_;
    }
    timeline_->reach(value, failure);
  });
  return value;
}

plugin::Event Stream::query(uint64_t value) {
  check_recorded(value);
  if (device_->process != getpid()) device_->check_alive();
  return timeline_->query(value);
}

bool Stream::wait(uint64_t value, uint64_t timeout_ns) {
  check_recorded(value);
  if (device_->process != getpid()) device_->check_alive();
  if (!timeline_->wait(value, timeout_ns)) return false;
  if (const auto failure = timeline_->failure_at(value)) throw *failure;
  return true;
}

void Stream::wait_for(Stream& other, uint64_t value) {
  device_->check_alive();
  other.check_recorded(value);
  if (device_ != other.device_) {
    throw Status(TN_INVALID_ARGUMENT, "stream_wait: the streams belong to two devices");
  }
  submit([timeline = other.timeline_, value] {
    timeline->wait(value, UINT64_MAX);
    if (const auto failure = timeline->failure_at(value)) throw *failure;
  });
}

// ---- operations --------------------------------------------------------------------------------

namespace {

void delay(const Device::Shared& device) {
  const auto us = std::chrono::microseconds(static_cast<int64_t>(device.settings.delay_us));
  if (us.count() > 0) std::this_thread::sleep_for(us);
}

Buffer& buffer_of(const Device::Shared& device, tn_buffer handle) {
  plugin::Box<Buffer>* box = Buffer::from_handle(handle);
  if (box == nullptr || !box->object->is_of(device.memory)) {
    throw Status(TN_INVALID_ARGUMENT, "launch: a handle is no buffer of this device");
  }
  return *box->object;
}

// Address of the first element; every element must lie inside the buffer.
char* address_of(const Device::Shared& device, const tn_tensor& t) {
  uint64_t last = 0;
  if (t.rank > TN_MAX_RANK || !tnr_is_known(t.dtype)) {
    throw Status(TN_INVALID_ARGUMENT, "launch: unknown rank or dtype");
  }
  for (uint32_t d = 0; d < t.rank; ++d) {
    if (t.shape[d] < 0 || t.strides[d] < 0) {
      throw Status(TN_INVALID_ARGUMENT, "launch: negative extent or stride");
    }
    if (t.shape[d] == 0) return nullptr;
    last += static_cast<uint64_t>(t.shape[d] - 1) * static_cast<uint64_t>(t.strides[d]);
  }
  const auto size = static_cast<uint64_t>(tnr_size(t.dtype));
  return buffer_of(device, t.buffer).range(t.offset_bytes, (last + 1) * size);
}

// A launch that was queued: nothing of the caller's is looked at later.
struct Queued {
  tnr_kernel kernel;
  std::vector<tn_tensor> tensors;
  std::vector<char*> data;
  std::vector<uint64_t> scalars;
  char* workspace = nullptr;
  uint64_t tag = 0;
  uint64_t number = 0;  // of this launch on the device

  void run(Device::Shared& device) const {
    delay(device);
    if (number == device.settings.lose_nth) device.lost = true;
    if (device.lost) throw Status(TN_DEVICE_LOST, "the device was lost (lose_nth)", tag);
    if (number == device.settings.fail_nth) {
      throw Status(TN_INTERNAL, "launch " + std::to_string(number) + " failed (fail_nth)", tag);
    }
    std::vector<tnr_operand> operands(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) operands[i] = {data[i], &tensors[i]};
    tnr_report report;
    const tn_status status =
        tnr_launch(&kernel, operands.data(), scalars.data(), workspace, &report);
    if (status != TN_OK) throw Status(status, report.text, tag);
  }
};

}  // namespace

void Stream::launch(Kernel& kernel, const plugin::Launch& launch) {
  device_->check_alive();
  auto queued = std::make_shared<Queued>();
  queued->kernel = kernel.prepared;
  queued->tag = launch.tag;
  for (const tn_tensor* t : launch.operands) {
    queued->data.push_back(address_of(*device_, *t));
    queued->tensors.push_back(*t);
  }
  const uint32_t scalars = tnr_scalar_count(&kernel.prepared);
  if (scalars > 0) queued->scalars.assign(launch.scalars, launch.scalars + scalars);
  const uint64_t scratch = kernel.workspace(launch.operands);
  if (scratch > 0) {
    if (launch.workspace == nullptr || launch.workspace->size_bytes < scratch) {
      throw Status(TN_INVALID_ARGUMENT, "launch: the workspace is missing or too small");
    }
    const tn_workspace& w = *launch.workspace;
    queued->workspace = buffer_of(*device_, w.buffer).range(w.offset_bytes, scratch);
  }
  queued->number = ++device_->launches;
  submit([device = device_, queued] { queued->run(*device); });
}

void Stream::upload(Buffer& target, uint64_t offset, const void* source, uint64_t size,
                    uint32_t flags) {
  device_->check_alive();
  char* to = target.range(offset, size);
  const auto* from = static_cast<const char*>(source);
  std::vector<char> copy;
  const bool pinned = (flags & TN_UPLOAD_PINNED) != 0;
  if (!pinned && size > 0) copy.assign(from, from + size);
  submit([device = device_, to, from, size, pinned, copy = std::move(copy)] {
    delay(*device);
    if (device->lost) throw Status(TN_DEVICE_LOST, "upload: the device was lost");
    if (size > 0) std::memcpy(to, pinned ? from : copy.data(), size);
  });
}

void Stream::download(Buffer& source, uint64_t offset, void* target, uint64_t size) {
  device_->check_alive();
  const char* from = source.range(offset, size);
  submit([device = device_, from, target, size] {
    delay(*device);
    if (device->lost) throw Status(TN_DEVICE_LOST, "download: the device was lost");
    if (size > 0) std::memcpy(target, from, size);
  });
}

}  // namespace tenon::opaque
