#include "stream.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace tenon::vulkan {

using plugin::Status;

namespace {

// The first batch is short, so that the device begins early; then they grow.
constexpr uint64_t kFirstBatch = 8, kLargestBatch = 128;
constexpr uint64_t kMostStaged = uint64_t{32} << 20;  // bytes that wait for one submit

constexpr VkPipelineStageFlags kWork =
    VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kAll = kWrites | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

// Bytes from the first element to the end of the last; 0 when the tensor is empty.
uint64_t span_of(const tn_tensor& t) {
  if (t.rank > TN_MAX_RANK || !support::is_known(t.dtype)) {
    throw Status(TN_INVALID_ARGUMENT, "launch: unknown rank or dtype");
  }
  uint64_t last = 0;
  for (uint32_t d = 0; d < t.rank; ++d) {
    if (t.shape[d] < 0 || t.strides[d] < 0) {
      throw Status(TN_INVALID_ARGUMENT, "launch: negative extent or stride");
    }
    if (t.shape[d] == 0) return 0;
    last += static_cast<uint64_t>(t.shape[d] - 1) * static_cast<uint64_t>(t.strides[d]);
  }
  if (last >= static_cast<uint64_t>(kMaxElements)) {
    throw Status(TN_UNSUPPORTED, "launch: a tensor spans more than 2^31 elements");
  }
  return (last + 1) * static_cast<uint64_t>(support::dtype_size(t.dtype));
}

}  // namespace

Stream::Stream(std::shared_ptr<Gpu> gpu)
    : gpu_(std::move(gpu)),
      timeline_(std::make_shared<Timeline>(gpu_)),
      staging_(*gpu_),
      batch_(kFirstBatch) {
  create();
}

void Stream::create() {
  VkCommandPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  info.queueFamilyIndex = gpu_->queue_family();
  gpu_->check(gpu_->vk.vkCreateCommandPool(gpu_->handle(), &info, nullptr, &pool_),
              "vkCreateCommandPool");
}

Stream::~Stream() {
  if (gpu_->is_forked()) return;
  try {
    if (gpu_->is_usable()) {
      flush();
      timeline_->wait(submitted_, UINT64_MAX);
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
  if (!gpu_->is_usable()) gpu_->vk.vkDeviceWaitIdle(gpu_->handle());
  gpu_->vk.vkDestroyCommandPool(gpu_->handle(), pool_, nullptr);
}

// ---- recording ---------------------------------------------------------------------------------

void Stream::begin() {
  if (commands_ != VK_NULL_HANDLE) return;
  if (!used_.empty() && used_.front().submit <= timeline_->done()) {
    commands_ = used_.front().buffer;
    used_.pop_front();
  } else {
    VkCommandBufferAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    gpu_->check(gpu_->vk.vkAllocateCommandBuffers(gpu_->handle(), &info, &commands_),
                "vkAllocateCommandBuffers");
  }
  VkCommandBufferBeginInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  gpu_->check(gpu_->vk.vkBeginCommandBuffer(commands_, &info), "vkBeginCommandBuffer");
  bound_ = VK_NULL_HANDLE;
  barrier();  // behind the submits before; what they touched is not looked at again
}

void Stream::barrier() {
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = kWrites;
  memory.dstAccessMask = kAll;
  gpu_->vk.vkCmdPipelineBarrier(commands_, kWork, kWork, 0, 1, &memory, 0, nullptr, 0, nullptr);
  hazards_.clear();
}

void Stream::order(std::span<const Range> ranges) {
  begin();
  if (hazards_.clash(ranges)) barrier();
  hazards_.add(ranges);
}

void Stream::finish_command() {
  if (++recorded_ >= batch_ || staged_bytes_ > kMostStaged) flush();
}

Slice Stream::stage(uint64_t size_bytes) {
  staged_bytes_ += size_bytes;
  return staging_.take(size_bytes, submitted_ + 1, timeline_->done());
}

void Stream::dispatch(VkPipeline pipeline, const Words& words, uint64_t groups,
                      std::span<const Range> ranges) {
  if (groups == 0) return;
  order(ranges);
  const uint64_t bytes = words.count() * sizeof(uint32_t);
  const Slice block = stage(bytes);
  std::memcpy(block.host, words.data(), bytes);
  if (bound_ != pipeline) {
    gpu_->vk.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    bound_ = pipeline;
  }
  gpu_->vk.vkCmdPushConstants(commands_, gpu_->pipelines().layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                              kPushBytes, &block.address);
  const auto& limits = gpu_->features().properties.limits.maxComputeWorkGroupCount;
  const uint64_t x = std::min<uint64_t>(groups, limits[0]);
  const uint64_t y = (groups + x - 1) / x;  // the last row may be too long: shaders look
  if (y > limits[1]) throw Status(TN_UNSUPPORTED, "launch: too many workgroups");
  gpu_->vk.vkCmdDispatch(commands_, static_cast<uint32_t>(x), static_cast<uint32_t>(y), 1);
  ++recorded_;
}

std::pair<VkDeviceAddress, uint32_t> Stream::bad_index() {
  begin();
  timeline_->watch_launch(submitted_ + 1, launches_, tag_);
  return {timeline_->bad_index_word(submitted_ + 1), static_cast<uint32_t>(launches_)};
}

void Stream::flush() {
  if (commands_ == VK_NULL_HANDLE) {
    if (waits_.empty()) return;
    begin();  // an empty batch that waits
  }
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = kWrites;
  memory.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  gpu_->vk.vkCmdPipelineBarrier(commands_, kWork, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &memory, 0,
                                nullptr, 0, nullptr);
  const VkCommandBuffer commands = std::exchange(commands_, VK_NULL_HANDLE);
  gpu_->check(gpu_->vk.vkEndCommandBuffer(commands), "vkEndCommandBuffer");
  gpu_->check_messages("recording");

  const uint64_t number = submitted_ + 1;
  timeline_->begin_submit(number);
  const VkSemaphore signal = timeline_->semaphore();
  std::vector<VkSemaphore> semaphores;
  std::vector<uint64_t> values;
  for (const Wait& wait : waits_) {
    semaphores.push_back(wait.other->semaphore());
    values.push_back(wait.number);
  }
  const std::vector<VkPipelineStageFlags> stages(waits_.size(), VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
  VkTimelineSemaphoreSubmitInfo timeline{};
  timeline.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  timeline.waitSemaphoreValueCount = static_cast<uint32_t>(values.size());
  timeline.pWaitSemaphoreValues = values.data();
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &number;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &timeline;
  info.waitSemaphoreCount = static_cast<uint32_t>(semaphores.size());
  info.pWaitSemaphores = semaphores.data();
  info.pWaitDstStageMask = stages.data();
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &signal;
  gpu_->submit(info);
  gpu_->check_messages("submit");
  submitted_ = number;
  used_.push_back({commands, number});
  waits_.clear();
  recorded_ = 0;
  staged_bytes_ = 0;
  hazards_.clear();
  batch_ = std::min(2 * batch_, kLargestBatch);
}

// ---- operations --------------------------------------------------------------------------------

void Stream::launch(Kernel& kernel, const plugin::Launch& launch) {
  gpu_->check_alive();
  std::array<Operand, kMaxOperands> operands;
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const tn_tensor& t = *launch.operands[i];
    const uint64_t bytes = span_of(t);
    VkDeviceAddress address = 0;
    if (bytes != 0) {
      const Buffer& buffer = *reinterpret_cast<plugin::Box<Buffer>*>(t.buffer)->object;
      if (!buffer.is_of(*gpu_)) {
        throw Status(TN_INVALID_ARGUMENT, "launch: a buffer belongs to another device");
      }
      address = buffer.range(t.offset_bytes, bytes);
    }
    operands[i] = {&t, address, bytes};
  }
  Call call{{operands.data(), launch.operands.size()}, launch.scalars, 0, 0};
  const uint64_t scratch = kernel.workspace(launch.operands);
  if (scratch > 0) {
    if (launch.workspace == nullptr || launch.workspace->size_bytes < scratch) {
      throw Status(TN_INVALID_ARGUMENT, "launch: the workspace is missing or too small");
    }
    const tn_workspace& w = *launch.workspace;
    const Buffer& buffer = *reinterpret_cast<plugin::Box<Buffer>*>(w.buffer)->object;
    call.workspace = buffer.range(w.offset_bytes, scratch);
    call.workspace_bytes = scratch;
  }
  const std::lock_guard lock(mutex_);
  ++launches_;
  tag_ = launch.tag;
  kernel.record(*this, call);
  if (recorded_ >= batch_) flush();
  gpu_->check_messages(kernel.name.c_str());
}

void Stream::upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t) {
  gpu_->check_alive();
  const VkDeviceAddress address = target.range(offset, size);
  if (size == 0) return;
  const std::lock_guard lock(mutex_);
  const Range range{address, address + size, true};
  order({&range, 1});
  const Slice slice = stage(size);
  std::memcpy(slice.host, source, size);
  const VkBufferCopy copy{slice.offset, offset, size};
  gpu_->vk.vkCmdCopyBuffer(commands_, slice.buffer, target.handle(), 1, &copy);
  finish_command();
}

void Stream::download(Buffer& source, uint64_t offset, void* target, uint64_t size) {
  gpu_->check_alive();
  const VkDeviceAddress address = source.range(offset, size);
  if (size == 0) return;
  const std::lock_guard lock(mutex_);
  const Range range{address, address + size, false};
  order({&range, 1});
  const Slice slice = stage(size);
  const VkBufferCopy copy{offset, slice.offset, size};
  gpu_->vk.vkCmdCopyBuffer(commands_, source.handle(), slice.buffer, 1, &copy);
  timeline_->add_download(submitted_ + 1, slice.host, target, size);
  finish_command();
}

void Stream::sync() {
  gpu_->check_alive();
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    flush();
    number = submitted_;
    batch_ = kFirstBatch;
  }
  timeline_->wait(number, UINT64_MAX);
  if (auto failure = timeline_->take_failure()) throw *std::move(failure);
}

// ---- events ------------------------------------------------------------------------------------

void Stream::check_recorded(uint64_t value) const {
  const uint64_t last = timeline_->last_event();
  if (value <= last) return;
  throw Status(TN_INVALID_ARGUMENT, "event: value " + std::to_string(value) +
                                        " was not recorded, the last is " + std::to_string(last));
}

uint64_t Stream::record() {
  gpu_->check_alive();
  const std::lock_guard lock(mutex_);
  const bool pending = commands_ != VK_NULL_HANDLE || !waits_.empty();
  return timeline_->add_event(submitted_ + (pending ? 1 : 0), launches_);
}

// Submits what stands before a point.
void Stream::flush_to(uint64_t value) {
  const std::lock_guard lock(mutex_);
  if (timeline_->submit_of(value) > submitted_) flush();
}

plugin::Event Stream::query(uint64_t value) {
  check_recorded(value);
  gpu_->check_alive();
  flush_to(value);
  return timeline_->query(value);
}

bool Stream::wait(uint64_t value, uint64_t timeout_ns) {
  check_recorded(value);
  gpu_->check_alive();
  flush_to(value);
  if (!timeline_->wait(timeline_->submit_of(value), timeout_ns)) return false;
  if (auto failure = timeline_->query(value).failure) throw *std::move(failure);
  return true;
}

void Stream::wait_for(Stream& other, uint64_t value) {
  gpu_->check_alive();
  other.check_recorded(value);
  if (gpu_ != other.gpu_) {
    throw Status(TN_INVALID_ARGUMENT, "stream_wait: the streams belong to two devices");
  }
  if (this == &other) return;
  other.flush_to(value);
  const uint64_t number = other.timeline_->submit_of(value);
  const std::lock_guard lock(mutex_);
  // What was recorded already need not wait, but what comes must not run before.
  flush();
  waits_.push_back({other.timeline_, number});
  timeline_->add_dependency(submitted_ + 1, other.timeline_, value);
}

}  // namespace tenon::vulkan
