// The trace layer: every call of the plugin's tables as one stretch on the calling thread's track,
// and the work of launches and copies on a track of the device.
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/layers/interpose_internal.h>
#include <tenon/runtime/layers/naming_internal.h>
#include <tenon/runtime/layers/options_internal.h>
#include <tenon/runtime/layers/trace_file_internal.h>
#include <tenon/runtime/layers/trace_internal.h>

namespace tenon::layers {
namespace {

// Above the highest process number of Linux, so that devices are processes of their own.
constexpr int64_t kFirstDevice = 10'000'000;

struct DeviceTrack {
  int64_t process = 0;
  std::string_view name;  // "cpu:0"
  bool is_async = false;
  int64_t streams = 0;
};

// Work that was queued and whose end is still to be seen.
struct Pending {
  uint64_t value = 0;
  TraceEvent event;
};

struct StreamTrack {
  const DeviceTrack* device = nullptr;
  int64_t number = 0;
  int64_t last_end_ns = 0;
  std::deque<Pending> pending;
};

struct KernelFacts {
  std::string_view op;      // what the user called
  std::string_view kernel;  // what the plugin calls it
  uint32_t outputs = 0;
  uint32_t operands = 0;
};

std::string_view category_of(size_t slot) {
  if (slot == kSlot<&tn_ops::launch> || slot == kSlot<&tn_ops::launch_many>) return "op";
  if (slot == kSlot<&tn_core::upload> || slot == kSlot<&tn_core::download> ||
      (slot >= kSlot<&tn_core::buffer_alloc> && slot <= kSlot<&tn_core::buffer_host>))
    return "memory";
  if (slot >= kSlot<&tn_core::stream_create> && slot <= kSlot<&tn_core::stream_wait>)
    return "stream";
  return "plugin";
}

uint64_t bytes_of(const tn_tensor& operand) {
  if (operand.dtype == 0 || operand.dtype >= TN_DTYPE_COUNT) return 0;
  auto bytes = static_cast<uint64_t>(size_bytes(static_cast<DType>(operand.dtype)));
  for (uint32_t d = 0; d < std::min(operand.rank, TN_MAX_RANK); ++d)
    bytes *= static_cast<uint64_t>(operand.shape[d]);
  return bytes;
}

class TraceLayer : public LayerBase {
 public:
  TraceLayer(const Plugin& plugin, const tn_host* host, bool is_exact, int64_t first_process)
      : LayerBase(plugin, host), is_exact_(is_exact), next_process_(first_process) {}

  template <auto Member, class... A>
  [[gnu::noinline]] auto around(A... args) {
    using R = decltype(next<Member>(args...));
    TraceFile* file = TraceFile::current();
    if (file == nullptr) return next<Member>(args...);  // a fork
    TraceEvent event;
    event.name = kSlotNames[kSlot<Member>];
    event.category = category_of(kSlot<Member>);
    event.scope = current_scope();
    event.process = ::getpid();
    event.track = thread_number();
    event.begin_ns = now_ns();
    if constexpr (std::is_void_v<R>) {
      forget<Member>(args...);
      next<Member>(args...);
      event.end_ns = now_ns();
      file->add(event);
    } else {
      const R status = next<Member>(args...);
      event.end_ns = now_ns();
      event.status = status;
      note(SlotConstant<Member>{}, *file, event, args...);
      file->add(event);
      return status;
    }
  }

 private:
  // What a call tells: one overload for each slot of interest, and none of interest below.
  template <auto Member, class... A>
  void note(SlotConstant<Member>, TraceFile&, TraceEvent&, A...) {}

  void note(SlotConstant<&tn_core::device_open>, TraceFile& file, TraceEvent& event, tn_plugin,
            uint32_t index, tn_device* out) {
    if (event.status != TN_OK) return;
    tn_device_info info{};
    info.struct_size = sizeof info;
    static_cast<void>(next<&tn_core::device_info>(*out, &info));
    const std::lock_guard lock(mutex_);
    DeviceTrack& track = devices_[*out];
    track.process = next_process_++;
    track.name = keep_text(join_text(plugin_, ":", index));
    track.is_async = (info.flags & TN_DEVICE_ASYNC) != 0;
    event.device = track.name;
    file.name_process(track.process, join_text("device ", track.name));
  }

  void note(SlotConstant<&tn_core::stream_create>, TraceFile& file, TraceEvent& event,
            tn_device device, tn_stream* out) {
    if (event.status != TN_OK) return;
    const std::lock_guard lock(mutex_);
    DeviceTrack& track = devices_[device];
    auto stream = std::make_unique<StreamTrack>();
    stream->device = &track;
    stream->number = ++track.streams;
    event.device = track.name;
    file.name_track(track.process, stream->number, join_text("stream ", stream->number));
    streams_[*out] = std::move(stream);
  }

  void note(SlotConstant<&tn_ops::prepare>, TraceFile&, TraceEvent& event, tn_device device,
            const tn_signature* signature, tn_kernel* out) {
    KernelFacts facts;
    facts.kernel = keep_text({signature->op, signature->op_size});
    facts.op = preparing.name.empty() ? facts.kernel : keep_text(preparing.name);
    facts.outputs = signature->output_count;
    facts.operands = signature->operand_count;
    event.kernel = facts.kernel;
    event.scope = current_scope();
    const std::lock_guard lock(mutex_);
    event.device = devices_[device].name;
    if (event.status == TN_OK) kernels_[*out] = facts;
  }

  void note(SlotConstant<&tn_core::buffer_alloc>, TraceFile&, TraceEvent& event, tn_device device,
            uint64_t size_bytes, tn_buffer*) {
    const std::lock_guard lock(mutex_);
    event.device = devices_[device].name;
    event.bytes = size_bytes;
  }
  void note(SlotConstant<&tn_core::upload>, TraceFile& file, TraceEvent& event, tn_stream stream,
            tn_buffer, uint64_t, const void*, uint64_t size_bytes, uint32_t) {
    event.bytes = size_bytes;
    queued(file, event, stream);
  }
  void note(SlotConstant<&tn_core::download>, TraceFile& file, TraceEvent& event, tn_stream stream,
            tn_buffer, uint64_t, void*, uint64_t size_bytes) {
    event.bytes = size_bytes;
    queued(file, event, stream);
  }
  void note(SlotConstant<&tn_core::stream_sync>, TraceFile& file, TraceEvent&, tn_stream stream,
            uint64_t*) {
    settle(file, track_of(stream), stream, UINT64_MAX);
  }
  void note(SlotConstant<&tn_core::event_wait>, TraceFile& file, TraceEvent& event,
            tn_stream stream, uint64_t value, uint64_t) {
    if (event.status != TN_TIMEOUT) settle(file, track_of(stream), stream, value);
  }
  void note(SlotConstant<&tn_ops::launch>, TraceFile& file, TraceEvent& event, tn_stream stream,
            tn_kernel kernel, const tn_tensor* const* operands, const uint64_t*,
            const tn_workspace*, uint64_t) {
    describe(event, kernel, operands, 1);
    queued(file, event, stream);
  }
  void note(SlotConstant<&tn_ops::launch_many>, TraceFile& file, TraceEvent& event,
            tn_stream stream, tn_kernel kernel, uint64_t count, const tn_tensor* const* operands,
            const uint64_t*, const tn_workspace*, uint64_t) {
    describe(event, kernel, operands, count);
    queued(file, event, stream);
  }

  template <auto Member, class Handle>
  void forget([[maybe_unused]] Handle handle) {
    const std::lock_guard lock(mutex_);
    if constexpr (std::is_same_v<Handle, tn_kernel>) kernels_.erase(handle);
    if constexpr (std::is_same_v<Handle, tn_stream>) streams_.erase(handle);
  }

  void describe(TraceEvent& event, tn_kernel kernel, const tn_tensor* const* operands,
                uint64_t sets) {
    KernelFacts facts;
    {
      const std::lock_guard lock(mutex_);
      facts = kernels_[kernel];
    }
    event.name = facts.op;
    event.kernel = facts.kernel;
    event.outputs = facts.outputs;
    event.operand_count = facts.operands;
    for (uint64_t i = 0; i < facts.operands * sets; ++i) {
      const tn_tensor& operand = *operands[i];
      event.bytes += bytes_of(operand);
      if (i >= std::min(facts.operands, TraceEvent::kOperands)) continue;
      event.operands[i].dtype = operand.dtype;
      event.operands[i].rank = operand.rank;
      std::copy_n(operand.shape, TN_MAX_RANK, event.operands[i].shape.begin());
    }
  }

  StreamTrack* track_of(tn_stream stream) {
    const std::lock_guard lock(mutex_);
    const auto at = streams_.find(stream);
    return at == streams_.end() ? nullptr : at->second.get();
  }

  // The same work on the device's track: now for a device that works inside the call, else when its
  // end is seen. A stream is used by one thread at a time, so its track needs no lock.
  void queued(TraceFile& file, TraceEvent& event, tn_stream handle) {
    StreamTrack* stream = track_of(handle);
    if (stream == nullptr) return;
    event.device = stream->device->name;
    if (event.status != TN_OK) return;
    TraceEvent work = event;
    work.process = stream->device->process;
    work.track = stream->number;
    if (!stream->device->is_async) {
      file.add(work);
      return;
    }
    Pending pending{.value = 0, .event = work};
    if (next<&tn_core::event_record>(handle, &pending.value) != TN_OK) return;
    stream->pending.push_back(pending);
    if (is_exact_) {
      static_cast<void>(next<&tn_core::event_wait>(handle, pending.value, UINT64_MAX));
      settle(file, stream, handle, pending.value);
    } else {
      poll(file, *stream, handle);
    }
  }

  void finish(TraceFile& file, StreamTrack& stream, int64_t end_ns) {
    TraceEvent& work = stream.pending.front().event;
    work.begin_ns = std::max(work.begin_ns, stream.last_end_ns);
    work.end_ns = stream.last_end_ns = std::max(end_ns, work.begin_ns);
    file.add(work);
    stream.pending.pop_front();
  }

  // Everything up to the value is known to be done now.
  void settle(TraceFile& file, StreamTrack* stream, tn_stream, uint64_t value) {
    if (stream == nullptr) return;
    const int64_t now = now_ns();
    while (!stream->pending.empty() && stream->pending.front().value <= value)
      finish(file, *stream, now);
  }

  // Takes off the front what the device says is done. An end is seen at the next call, not at once.
  void poll(TraceFile& file, StreamTrack& stream, tn_stream handle) {
    while (!stream.pending.empty()) {
      uint32_t state = TN_EVENT_PENDING;
      tn_status failure = TN_OK;
      const tn_status status =
          next<&tn_core::event_query>(handle, stream.pending.front().value, &state, &failure);
      if (status != TN_OK || state == TN_EVENT_PENDING) return;
      stream.pending.front().event.status = failure;
      finish(file, stream, now_ns());
    }
  }

  const bool is_exact_;
  std::mutex mutex_;  // the maps
  int64_t next_process_;
  std::unordered_map<tn_device, DeviceTrack> devices_;
  std::unordered_map<tn_stream, std::unique_ptr<StreamTrack>> streams_;
  std::unordered_map<tn_kernel, KernelFacts> kernels_;
};

}  // namespace

void install_trace(Plugin& plugin, const tn_host* host, const LayerChoice& choice) {
  choice.allow_only({"file", "exact"});
  const std::string_view name = choice.get("file");
  static_cast<void>(TraceFile::open(name.empty() ? join_text("tenon_trace.", ::getpid(), ".json")
                                                 : std::string(name)));
  static int64_t next_process = kFirstDevice;  // under the registry's lock
  next_process += 1024;                        // a plugin has at most so many devices
  auto layer =
      std::make_unique<TraceLayer>(plugin, host, !choice.get("exact").empty(), next_process);
  interpose(plugin, layer.get(), "trace");
  layer.release();  // for ever, as the plugin
}

}  // namespace tenon::layers
