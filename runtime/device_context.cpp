#include <tenon/runtime/device_context.h>

#include <pthread.h>

#include <memory>
#include <optional>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/call_slot_internal.h>
#include <tenon/runtime/loader/host_internal.h>
#include <tenon/runtime/memory/history_internal.h>

namespace tenon {
namespace {

std::atomic<bool> forked{false};  // this process is a fork of one that had devices open

// A stream per thread for devices that run inline: nothing to order between threads. Trivial, so
// that the hot path needs no initialisation guard.
constexpr size_t kThreadStreams = 16;
struct ThreadStream {
  const Plugin* plugin;
  tn_stream stream;
};
__attribute__((tls_model(
    "initial-exec"))) constinit thread_local ThreadStream thread_streams[kThreadStreams] = {};

// The thread's end destroys its streams.
struct ThreadStreamDrain {
  ~ThreadStreamDrain() {
    for (ThreadStream& entry : thread_streams) {
      if (entry.stream != nullptr) {
        call_release(*entry.plugin, "stream_destroy",
                     [&] { entry.plugin->core.stream_destroy(entry.stream); });
      }
      entry.stream = nullptr;
    }
  }
};

ErrorCode code_of(tn_status status) {
  switch (status) {
    case TN_INVALID_ARGUMENT:
      return ErrorCode::kInvalidArgument;
    case TN_UNIMPLEMENTED:
    case TN_UNSUPPORTED:
      return ErrorCode::kUnsupported;
    case TN_OUT_OF_MEMORY:
      return ErrorCode::kOutOfMemory;
    case TN_DEVICE_LOST:
      return ErrorCode::kDeviceLost;
    case TN_INDEX_ERROR:
      return ErrorCode::kIndex;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

// All contexts by id; slot 0 is host memory.
struct DeviceContexts {
  std::array<std::atomic<DeviceContext*>, DeviceContext::kMaxOpen> slots{};
  uint32_t count = 1;

  DeviceContexts() {
    slots[0].store(new DeviceContext(Device(), 0), std::memory_order_release);
    DeviceContext& host = *slots[0].load(std::memory_order_relaxed);
    set_fork_mutex(ForkLockId::kOpening, host.mutex_);
    set_fork_mutex(ForkLockId::kHostAllocator, host.allocator_.mutex());
    set_fork_mutex(ForkLockId::kMemoryHistory, MemoryHistory::instance().mutex());
  }

  // Ends a context that was opened and is not registered, with its device.
  struct Discard {
    void operator()(DeviceContext* context) const noexcept {
      if (context->handle_ != nullptr) {
        call_release(*context->plugin_, "device_close",
                     [&] { context->plugin_->core.device_close(context->handle_); });
      }
      delete context;
    }
  };

  static DeviceContexts& instance() {
    if (DeviceContexts* contexts = made.load(std::memory_order_acquire)) [[likely]]
      return *contexts;
    // No static of a function: after a fork beside its first use the child would wait for ever.
    const ForkLock lock(ForkLockId::kFirstUse);
    if (DeviceContexts* contexts = made.load(std::memory_order_acquire)) return *contexts;
    auto* contexts = new DeviceContexts;
    made.store(contexts, std::memory_order_release);
    return *contexts;
  }
  static inline constinit std::atomic<DeviceContexts*> made{nullptr};

  DeviceContext* find(const Device& device) const {
    for (uint32_t i = 0; i < DeviceContext::kMaxOpen; ++i) {
      DeviceContext* context = slots[i].load(std::memory_order_acquire);
      if (context == nullptr) return nullptr;
      if (context->device() == device) return context;
    }
    return nullptr;
  }
};

namespace {
[[maybe_unused]] const int registered = ::pthread_atfork(nullptr, nullptr, [] {
  if (DeviceContexts::made.load(std::memory_order_relaxed) != nullptr) forked.store(true);
});
}  // namespace

DeviceContext::DeviceContext(const Device& device, uint32_t id)
    : device_(device), id_(id), allocator_(*this) {}

DeviceContext& DeviceContext::cpu() noexcept {
  return *DeviceContexts::instance().slots[0].load(std::memory_order_acquire);
}

DeviceContext& DeviceContext::get(const Device& device) {
  if (device.is_cpu()) {
    check(device.index() == 0, ErrorCode::kDevice, "device", "cpu has one device, got ", device,
          "; use cpu");
    return cpu();
  }
  DeviceContexts& contexts = DeviceContexts::instance();
  if (DeviceContext* context = contexts.find(device)) return *context;
  auto made = std::unique_ptr<DeviceContext, DeviceContexts::Discard>(new DeviceContext(device, 0));
  made->open_compute();  // throws before anything is registered
  const ForkLock lock(ForkLockId::kContexts);
  if (DeviceContext* context = contexts.find(device)) return *context;  // somebody was faster
  check(contexts.count < DeviceContext::kMaxOpen, ErrorCode::kDevice, "device", "at most ",
        DeviceContext::kMaxOpen, " devices can be open, ", device, " is one too many");
  made->id_ = contexts.count++;
  contexts.slots[made->id_].store(made.get(), std::memory_order_release);
  made->allocator_.follow_history();
  return *made.release();
}

std::vector<DeviceContext*> DeviceContext::opened() {
  std::vector<DeviceContext*> result;
  for (const auto& slot : DeviceContexts::instance().slots)
    if (DeviceContext* context = slot.load(std::memory_order_acquire)) result.push_back(context);
  return result;
}

void DeviceContext::open_compute() {
  std::optional<ForkLock> host_lock;
  std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
  if (device_.is_cpu()) {
    host_lock.emplace(ForkLockId::kOpening);  // the same mutex, and a plugin may fork inside
  } else {
    lock.lock();
  }
  if (ready_.load(std::memory_order_acquire)) return;
  check(!lost_.load(), ErrorCode::kDeviceLost, "device", device_, " was lost: ", lost_text_,
        "; other devices still work");
  Plugin& plugin = require_plugin(device_.type());
  check(device_.index() < plugin.device_count, ErrorCode::kDevice, "device", device_,
        " does not exist: plugin ", plugin.name, " (", plugin.path, ") has ", plugin.device_count,
        plugin.device_count == 1 ? " device" : " devices",
        plugin.device_count == 0 ? ": " + plugin.no_device_reason : std::string(),
        "; see `tenon devices`");
  tn_device handle = nullptr;
  const auto index = static_cast<uint32_t>(device_.index());
  tenon::check_status(
      plugin,
      call_slot(plugin, "device_open",
                [&] { return plugin.core.device_open(plugin.handle, index, &handle); }),
      "device_open");
  check(handle != nullptr, ErrorCode::kInternal, "device_open", "plugin ", plugin.name,
        " answered OK without a device");
  info_ = {};
  info_.struct_size = sizeof info_;
  try {
    tenon::check_status(
        plugin,
        call_slot(plugin, "device_info", [&] { return plugin.core.device_info(handle, &info_); }),
        "device_info");
  } catch (...) {  // a device that is not kept
    call_release(plugin, "device_close", [&] { plugin.core.device_close(handle); });
    throw;
  }
  plugin_ = &plugin;
  handle_ = handle;
  ready_.store(true, std::memory_order_release);
}

void DeviceContext::check_status(tn_status status, std::string_view what) {
  if (status == TN_OK) [[likely]]
    return;
  if (status == TN_DEVICE_LOST && !lost_.exchange(true)) {
    lost_text_ = take_plugin_error();
    ready_.store(false);  // every later use goes through open_compute, which refuses
    fail(ErrorCode::kDeviceLost, what, device_, " was lost: ", lost_text_,
         "; other devices still work");
  }
  std::string text = take_plugin_error();
  if (text.empty()) text = join_text("answered ", loader::status_name(status), " without a text");
  fail(code_of(status), what, "plugin ", device_.type(), ": ", text);
}

tn_stream DeviceContext::stream() {
  if (forked.load(std::memory_order_relaxed) && !is_cpu()) [[unlikely]]
    fail(ErrorCode::kDevice, "device", device_,
         " can't be used in a forked child; start a new process, or compute on cpu");
  const auto create = [this] {
    tn_stream made = nullptr;
    check_status(call_slot(*plugin_, "stream_create",
                           [&] { return plugin_->core.stream_create(handle_, &made); }),
                 "stream_create");
    check(made != nullptr, ErrorCode::kInternal, "stream_create", "plugin ", plugin_->name,
          " answered OK without a stream");
    return made;
  };
  if (!is_async() && id_ < kThreadStreams) {
    ThreadStream& entry = thread_streams[id_];
    if (entry.stream == nullptr) {
      static thread_local ThreadStreamDrain drain;
      (void)drain;
      entry = {plugin_, create()};
    }
    return entry.stream;
  }
  if (shared_stream_ == nullptr) shared_stream_ = create();
  return shared_stream_;
}

namespace {

// Locks the stream of an asynchronous device; inline devices have one per thread.
class StreamLock {
 public:
  StreamLock(std::mutex& mutex, bool needed) : mutex_(needed ? &mutex : nullptr) {
    if (mutex_) mutex_->lock();
  }
  ~StreamLock() {
    if (mutex_) mutex_->unlock();
  }
  StreamLock(const StreamLock&) = delete;
  StreamLock& operator=(const StreamLock&) = delete;

 private:
  std::mutex* mutex_;
};

// A kernel's scratch memory; stream order makes it reusable as soon as the kernel is queued.
class Scratch {
 public:
  Scratch(Allocator& allocator, uint64_t size_bytes)
      : allocator_(size_bytes == 0 ? nullptr : &allocator),
        block_(size_bytes == 0 ? nullptr : allocator.allocate(size_bytes)) {}
  ~Scratch() {
    if (block_ != nullptr) allocator_->free(block_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] Block* block() const noexcept { return block_; }

 private:
  Allocator* allocator_;
  Block* block_;
};

}  // namespace

void DeviceContext::check_status(tn_status status, const Op& op) {
  if (status != TN_OK) [[unlikely]]
    check_status(status, op.name());
}

tn_status DeviceContext::try_launch(tn_kernel kernel, const Op& op,
                                    const tn_tensor* const* operands, const uint64_t* scalars) {
  uint64_t workspace_bytes = 0;
  if ((plugin_->optional_slots & kHasWorkspace) != 0) {
    const tn_status status = call_slot(*plugin_, "workspace", [&] {
      return plugin_->ops.workspace(kernel, operands, &workspace_bytes);
    });
    if (status != TN_OK) [[unlikely]]
      check_status(status, op);
  }
  // A device that runs inline has nothing to order between threads: no lock, no tag.
  if (!is_async() && id_ < kThreadStreams && workspace_bytes == 0) [[likely]] {
    const tn_stream own = thread_streams[id_].stream;
    if (own != nullptr && (is_cpu() || !forked.load(std::memory_order_relaxed))) [[likely]] {
      const tn_status status = call_slot(*plugin_, "launch", [&] {
        return plugin_->ops.launch(own, kernel, operands, scalars, nullptr, uint64_t{0});
      });
      if (status != TN_OUT_OF_MEMORY) [[likely]]
        return status;
      allocator_.empty_cache();
      return call_slot(*plugin_, "launch", [&] {
        return plugin_->ops.launch(own, kernel, operands, scalars, nullptr, uint64_t{0});
      });
    }
  }
  return launch_with(kernel, op, operands, scalars, workspace_bytes);
}

tn_status DeviceContext::launch_with(tn_kernel kernel, const Op& op,
                                     const tn_tensor* const* operands, const uint64_t* scalars,
                                     uint64_t workspace_bytes) {
  const bool shared = is_async() || id_ >= kThreadStreams;
  uint64_t tag = 0;
  const Scratch scratch(allocator_, workspace_bytes);
  tn_workspace workspace{};
  if (const Block* block = scratch.block()) {
    workspace.struct_size = sizeof workspace;
    workspace.buffer =
        is_cpu() ? allocator_.buffer(*block->segment) : block->segment->buffer.load();
    workspace.offset_bytes = block->offset_bytes;
    workspace.size_bytes = workspace_bytes;
  }
  const tn_workspace* given = scratch.block() != nullptr ? &workspace : nullptr;
  tn_status status = TN_OK;
  const auto launch = [&] {
    return call_slot(*plugin_, "launch", [&] {
      return plugin_->ops.launch(stream(), kernel, operands, scalars, given, tag);
    });
  };
  {
    const StreamLock lock(stream_mutex_, shared);
    if (shared) {
      tag = next_tag_.fetch_add(1, std::memory_order_relaxed);
      ring_[tag % ring_.size()] = {tag, &op,
                                   Shape(std::span(operands[0]->shape, operands[0]->rank))};
    }
    status = launch();
  }
  if (status == TN_OUT_OF_MEMORY) {
    allocator_.empty_cache();
    const StreamLock lock(stream_mutex_, shared);
    status = launch();
  }
  return status;
}

void DeviceContext::upload(tn_buffer target, uint64_t offset_bytes, const void* source,
                           uint64_t size_bytes) {
  require_compute();
  const StreamLock lock(stream_mutex_, is_async() || id_ >= kThreadStreams);
  const auto queue = [&] {
    return plugin_->core.upload(stream(), target, offset_bytes, source, size_bytes, 0);
  };
  check_status(call_slot(*plugin_, "upload", queue), "upload");
}

void DeviceContext::download(tn_buffer source, uint64_t offset_bytes, void* target,
                             uint64_t size_bytes) {
  require_compute();
  {
    const StreamLock lock(stream_mutex_, is_async() || id_ >= kThreadStreams);
    const auto queue = [&] {
      return plugin_->core.download(stream(), source, offset_bytes, target, size_bytes);
    };
    check_status(call_slot(*plugin_, "download", queue), "download");
  }
  synchronize();
}

void DeviceContext::synchronize() {
  if (!ready_.load(std::memory_order_acquire)) {
    if (is_cpu() && !lost_.load()) return;
    open_compute();  // explains a lost device
  }
  uint64_t tag = 0;
  tn_status status = TN_OK;
  {
    const StreamLock lock(stream_mutex_, is_async() || id_ >= kThreadStreams);
    status = call_slot(*plugin_, "stream_sync",
                       [&] { return plugin_->core.stream_sync(stream(), &tag); });
  }
  if (status != TN_OK) [[unlikely]]
    check_status(status, explain_tag(tag));
}

std::string DeviceContext::explain_tag(uint64_t tag) {
  const StreamLock lock(stream_mutex_, true);
  if (const Launch& launch = ring_[tag % ring_.size()]; tag != 0 && launch.tag == tag)
    return join_text(launch.op->name(), " on ", device_, " ", launch.shape);
  // The device could not tell: name the latest launches.
  std::string text = join_text("synchronize ", device_, " (last ops:");
  const uint64_t end = next_tag_.load();
  for (uint64_t t = end > 5 ? end - 5 : 1; t < end; ++t)
    if (const Launch& launch = ring_[t % ring_.size()]; launch.tag == t && launch.op != nullptr)
      text += join_text(" ", launch.op->name(), launch.shape);
  return text + ")";
}

void synchronize(const Device& device) { DeviceContext::get(device).synchronize(); }

}  // namespace tenon
