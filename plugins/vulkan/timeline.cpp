#include "timeline.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tenon::vulkan {

using plugin::Status;

namespace {

constexpr size_t kFailuresKept = 1024;  // failed points that a timeline remembers
constexpr uint32_t kNone = 0xffffffff;  // no launch had a bad index

}  // namespace

Timeline::Timeline(std::shared_ptr<Gpu> gpu) : gpu_(std::move(gpu)) {
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  info.pNext = &type;
  gpu_->check(gpu_->vk.vkCreateSemaphore(gpu_->handle(), &info, nullptr, &semaphore_),
              "vkCreateSemaphore");
  try {
    words_ = gpu_->allocate_staging(kSlots * sizeof kNone);
  } catch (...) {
    gpu_->vk.vkDestroySemaphore(gpu_->handle(), semaphore_, nullptr);
    throw;
  }
  std::memset(words_.host, 0xff, words_.size_bytes);
}

Timeline::~Timeline() {
  if (gpu_->is_forked()) return;
  gpu_->vk.vkDestroySemaphore(gpu_->handle(), semaphore_, nullptr);
  gpu_->free(words_, false);
}

// ---- by the stream -----------------------------------------------------------------------------

VkDeviceAddress Timeline::bad_index_word(uint64_t number) const {
  return words_.address + number % kSlots * sizeof kNone;
}

void Timeline::watch_launch(uint64_t number, uint64_t launch, uint64_t tag) {
  const std::lock_guard lock(mutex_);
  watched_.push_back({number, launch, tag});
}

void Timeline::add_download(uint64_t number, const char* from, void* to, uint64_t size) {
  const std::lock_guard lock(mutex_);
  downloads_.push_back({number, from, to, size});
}

uint64_t Timeline::add_event(uint64_t number, uint64_t launch) {
  const std::lock_guard lock(mutex_);
  const uint64_t value = ++last_event_;
  points_.push_back({value, number, launch});
  pass_points();
  return value;
}

void Timeline::add_dependency(uint64_t number, std::shared_ptr<Timeline> other, uint64_t value) {
  const std::lock_guard lock(mutex_);
  dependencies_.push_back({number, std::move(other), value});
}

void Timeline::begin_submit(uint64_t number) {
  if (number > kSlots) wait(number - kSlots, UINT64_MAX);
  const std::lock_guard lock(mutex_);
  submitted_ = number;
}

// ---- by anybody --------------------------------------------------------------------------------

uint64_t Timeline::done() {
  const std::lock_guard lock(mutex_);
  return done_;
}

uint64_t Timeline::last_event() {
  const std::lock_guard lock(mutex_);
  return last_event_;
}

uint64_t Timeline::submit_of(uint64_t value) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::lower_bound(points_, value, {}, &Point::value);
  return found == points_.end() || found->value != value ? 0 : found->number;
}

bool Timeline::wait(uint64_t number, uint64_t timeout_ns) {
  gpu_->check_alive();
  if (done() < number) {
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &semaphore_;
    info.pValues = &number;
    const VkResult result = gpu_->vk.vkWaitSemaphores(gpu_->handle(), &info, timeout_ns);
    if (result == VK_TIMEOUT) return false;
    gpu_->check(result, "vkWaitSemaphores");
  }
  harvest();
  return true;
}

plugin::Event Timeline::query(uint64_t value) {
  gpu_->check_alive();
  harvest();
  const std::lock_guard lock(mutex_);
  if (!points_.empty() && points_.front().value <= value) return {TN_EVENT_PENDING, std::nullopt};
  const auto found = failures_.find(value);
  if (found == failures_.end()) return {};
  return {TN_EVENT_FAILED, found->second};
}

std::optional<Status> Timeline::take_failure() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failure_, std::nullopt);
}

// ---- behind a submit ---------------------------------------------------------------------------

void Timeline::keep_first(Status failure, uint64_t launch) {
  if (failure_) return;
  failure_ = std::move(failure);
  failed_launch_ = launch;
}

// The word holds the lowest number (modulo 2^32) of the launches of this submit that met one.
void Timeline::look_at_slot(uint64_t number) {
  char* slot = words_.host + number % kSlots * sizeof kNone;
  uint32_t word = kNone;
  std::memcpy(&word, slot, sizeof word);
  if (word != kNone) {
    std::memset(slot, 0xff, sizeof word);
    for (const Watched& watched : watched_) {
      if (watched.number != number || static_cast<uint32_t>(watched.launch) != word) continue;
      keep_first(Status(TN_INDEX_ERROR, "an index is out of range", watched.tag), watched.launch);
    }
  }
  while (!watched_.empty() && watched_.front().number <= number) watched_.pop_front();
}

void Timeline::pass_points() {
  while (!points_.empty() && points_.front().number <= done_) {
    const Point& point = points_.front();
    if (failure_ && failed_launch_ <= point.launch) failures_.emplace(point.value, *failure_);
    if (failures_.size() > kFailuresKept) failures_.erase(failures_.begin());
    points_.pop_front();
  }
}

void Timeline::harvest() {
  uint64_t reached = 0;
  gpu_->check(gpu_->vk.vkGetSemaphoreCounterValue(gpu_->handle(), semaphore_, &reached),
              "vkGetSemaphoreCounterValue");
  std::vector<Dependency> over;
  {
    const std::lock_guard lock(mutex_);
    while (!dependencies_.empty() && dependencies_.front().number <= reached) {
      over.push_back(std::move(dependencies_.front()));
      dependencies_.pop_front();
    }
  }
  if (!over.empty()) pass_dependencies(over);  // without the lock: the other may look at this one
  const std::lock_guard lock(mutex_);
  for (uint64_t number = done_ + 1; number <= reached; ++number) look_at_slot(number);
  done_ = std::max(done_, reached);
  while (!downloads_.empty() && downloads_.front().number <= done_) {
    const Download& d = downloads_.front();
    std::memcpy(d.to, d.from, d.size);
    downloads_.pop_front();
  }
  pass_points();
}

void Timeline::pass_dependencies(std::vector<Dependency>& over) {
  for (Dependency& dependency : over) {
    const auto failure = dependency.other->query(dependency.value).failure;
    if (!failure) continue;
    const std::lock_guard lock(mutex_);
    keep_first(*failure, 0);
  }
}

}  // namespace tenon::vulkan
