// The validate layer: whether the runtime keeps the contract of the ABI towards the plugin, and the
// plugin towards the runtime. A broken rule is an error that names the slot and the rule; the call
// is not made.
#include <memory>
#include <optional>

#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/layers/interpose_internal.h>
#include <tenon/runtime/layers/naming_internal.h>
#include <tenon/runtime/layers/options_internal.h>
#include <tenon/runtime/layers/trace_file_internal.h>
#include <tenon/runtime/layers/validate_state_internal.h>
#include <tenon/runtime/log.h>

namespace tenon::layers {
namespace {

using Problem = std::string;  // "" when there is none

bool is_known(tn_status status) { return status >= TN_OK && status <= TN_TIMEOUT; }

template <auto Member>
using Slot = SlotConstant<Member>;

class ValidateLayer : public LayerBase {
 public:
  using LayerBase::LayerBase;

  template <auto Member, class... A>
  [[gnu::noinline]] auto around(A... args) {
    using R = decltype(next<Member>(args...));
    const std::string_view name = kSlotNames[kSlot<Member>];
    const Use use(*this, stream_in(args...));
    Problem problem = use.problem();
    if (problem.empty()) {
      const std::lock_guard lock(mutex_);
      problem = before(Slot<Member>{}, args...);
    }
    if constexpr (std::is_void_v<R>) {
      if (problem.empty()) return next<Member>(args...);
      log(LogLevel::kError, join_text("validate: plugin ", plugin_, ": ", name, ": ", problem));
    } else {
      if (!problem.empty()) {
        set_error("validate: ", name, ": ", problem);
        return R{TN_INVALID_ARGUMENT};
      }
      const R status = next<Member>(args...);
      if (!is_known(status)) {
        set_error("validate: the plugin answers ", name, " with the unknown status ", status);
        return R{TN_INTERNAL};
      }
      const std::lock_guard lock(mutex_);
      problem = after(Slot<Member>{}, status, args...);
      if (problem.empty()) return status;
      set_error("validate: the plugin breaks the contract of ", name, ": ", problem);
      return R{TN_INTERNAL};
    }
  }

 private:
  // ---- one thread at a time ----

  template <class... A>
  static tn_stream stream_in(A... args) {
    tn_stream found = nullptr;
    const auto look = [&]<class T>([[maybe_unused]] T argument) {
      if constexpr (std::is_same_v<T, tn_stream>)
        if (found == nullptr) found = argument;
    };
    (look(args), ...);
    return found;
  }

  // A stream is in use by this thread while a call is inside.
  class Use {
   public:
    Use(ValidateLayer& layer, tn_stream stream) : layer_(layer) {
      if (stream == nullptr) return;
      const std::lock_guard lock(layer_.mutex_);
      StreamState* state = layer_.streams_.find(stream);
      if (state == nullptr) return;  // its slot's own check says so
      if (state->user != std::thread::id()) {
        problem_ = "wrong stream: another thread is inside a call on this stream just now";
        return;
      }
      state->user = std::this_thread::get_id();
      stream_ = stream;
    }
    ~Use() {
      if (stream_ == nullptr) return;
      const std::lock_guard lock(layer_.mutex_);
      if (StreamState* state = layer_.streams_.find(stream_)) state->user = {};
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    [[nodiscard]] const Problem& problem() const { return problem_; }

   private:
    ValidateLayer& layer_;
    tn_stream stream_ = nullptr;
    Problem problem_;
  };

  // ---- before a call: one overload for each slot that has rules ----

  template <auto Member, class... A>
  Problem before(Slot<Member>, A... args) {
    return alive(args...);
  }

  // All handles among the arguments.
  template <class... A>
  Problem alive(A... args) {
    Problem problem;
    const auto look = [&]<class T>([[maybe_unused]] T handle) {
      if (!problem.empty()) return;
      if constexpr (std::is_same_v<T, tn_device>) problem = unknown(devices_, handle);
      if constexpr (std::is_same_v<T, tn_buffer>) problem = unknown(buffers_, handle);
      if constexpr (std::is_same_v<T, tn_stream>) problem = unknown(streams_, handle);
      if constexpr (std::is_same_v<T, tn_kernel>) problem = unknown(kernels_, handle);
    };
    (look(args), ...);
    return problem;
  }
  template <class Book, class Handle>
  static Problem unknown(Book& book, Handle handle) {
    return book.find(handle) != nullptr ? Problem() : book.why_not(handle);
  }

  Problem before(Slot<&tn_core::device_close>, tn_device device) {
    if (device == nullptr) return {};
    const DeviceState* state = devices_.find(device);
    if (state == nullptr) return devices_.why_not(device);
    if (state->buffers + state->streams + state->kernels != 0)
      return join_text("released too early: ", state->buffers, " buffers, ", state->streams,
                       " streams and ", state->kernels, " kernels are still there");
    devices_.bury(device);
    return {};
  }
  Problem before(Slot<&tn_core::device_info>, tn_device device, tn_device_info* info) {
    if (info == nullptr || info->struct_size < 8) return "struct_size must be 8 at least";
    return alive(device);
  }
  Problem before(Slot<&tn_core::buffer_free>, tn_buffer buffer) {
    if (buffer == nullptr) return {};
    const BufferState* state = buffers_.find(buffer);
    if (state == nullptr) return buffers_.why_not(buffer);
    --devices_.find(state->device)->buffers;
    buffers_.bury(buffer);
    return {};
  }
  Problem before(Slot<&tn_core::buffer_from_host>, tn_device device, void* data, uint64_t,
                 tn_buffer*) {
    if (Problem problem = alive(device); !problem.empty()) return problem;
    if ((devices_.find(device)->flags & TN_DEVICE_HOST_MEMORY) == 0)
      return "the device does not work on host memory";
    return data == nullptr ? "the address is NULL" : "";
  }
  Problem before(Slot<&tn_core::stream_destroy>, tn_stream stream) {
    if (stream == nullptr) return {};
    const StreamState* state = streams_.find(stream);
    if (state == nullptr) return streams_.why_not(stream);
    --devices_.find(state->device)->streams;
    streams_.bury(stream);
    return {};
  }
  Problem before(Slot<&tn_ops::kernel_release>, tn_kernel kernel) {
    if (kernel == nullptr) return {};
    const KernelState* state = kernels_.find(kernel);
    if (state == nullptr) return kernels_.why_not(kernel);
    --devices_.find(state->device)->kernels;
    kernels_.bury(kernel);
    return {};
  }
  Problem before(Slot<&tn_core::event_query>, tn_stream stream, uint64_t value, uint32_t*,
                 tn_status*) {
    return event_problem(stream, value);
  }
  Problem before(Slot<&tn_core::event_wait>, tn_stream stream, uint64_t value, uint64_t) {
    return event_problem(stream, value);
  }
  Problem before(Slot<&tn_core::stream_wait>, tn_stream stream, tn_stream other, uint64_t value) {
    if (Problem problem = alive(stream, other); !problem.empty()) return problem;
    if (streams_.find(stream)->device != streams_.find(other)->device)
      return "wrong stream: the two streams are on different devices";
    return event_problem(other, value);
  }
  Problem event_problem(tn_stream stream, uint64_t value) {
    if (Problem problem = alive(stream); !problem.empty()) return problem;
    const uint64_t last = streams_.find(stream)->last_event;
    if (value <= last) return {};
    return join_text("wrong stream: the value ", value,
                     " was never recorded on this stream, whose last is ", last);
  }

  Problem before(Slot<&tn_core::upload>, tn_stream stream, tn_buffer buffer, uint64_t offset_bytes,
                 const void* source, uint64_t size_bytes, uint32_t flags) {
    if ((flags & TN_FLAGS_MUST_UNDERSTAND) != 0) return "the flags are not of this ABI";
    return copy_problem(stream, buffer, offset_bytes, source, size_bytes, true);
  }
  Problem before(Slot<&tn_core::download>, tn_stream stream, tn_buffer buffer,
                 uint64_t offset_bytes, void* target, uint64_t size_bytes) {
    return copy_problem(stream, buffer, offset_bytes, target, size_bytes, false);
  }
  Problem copy_problem(tn_stream stream, tn_buffer buffer, uint64_t offset_bytes, const void* host,
                       uint64_t size_bytes, bool writes) {
    if (Problem problem = alive(stream, buffer); !problem.empty()) return problem;
    StreamState& queue = *streams_.find(stream);
    BufferState& memory = *buffers_.find(buffer);
    if (queue.device != memory.device) return "the buffer is on another device than the stream";
    if (host == nullptr && size_bytes != 0) return "the host's address is NULL";
    if (offset_bytes > memory.size_bytes || size_bytes > memory.size_bytes - offset_bytes)
      return join_text("bytes ", offset_bytes, " to ", offset_bytes + size_bytes,
                       " are beyond the buffer of ", memory.size_bytes);
    ++queue.point;
    return touch(stream, memory, {offset_bytes, offset_bytes + size_bytes}, writes,
                 writes ? "upload" : "download");
  }

  Problem before(Slot<&tn_ops::query>, tn_device device, const tn_signature* signature,
                 tn_answer* answer) {
    if (answer == nullptr || answer->struct_size < 8) return "the answer's struct_size is below 8";
    return signature_problem(device, signature);
  }
  Problem before(Slot<&tn_ops::prepare>, tn_device device, const tn_signature* signature,
                 tn_kernel*) {
    return signature_problem(device, signature);
  }
  Problem signature_problem(tn_device device, const tn_signature* signature) {
    if (Problem problem = alive(device); !problem.empty()) return problem;
    if (signature == nullptr || signature->struct_size < TN_MIN_SIGNATURE)
      return join_text("the signature's struct_size must be ", TN_MIN_SIGNATURE, " at least");
    if ((signature->flags & TN_FLAGS_MUST_UNDERSTAND) != 0)
      return "the signature's flags are not of this ABI";
    if (signature->op == nullptr || signature->op_size == 0) return "the operator has no name";
    const std::string_view op(signature->op, signature->op_size);
    if ((op == TN_OP_PROGRAM) != (signature->program != nullptr))
      return "a program is given for \"program\", and for nothing else";
    if (signature->output_count > signature->operand_count)
      return "there are more outputs than operands";
    if (signature->operand_count != 0 && signature->classes == nullptr) return "classes is NULL";
    if (signature->attribute_count != 0 && signature->attributes == nullptr)
      return "attributes is NULL";
    return {};
  }

  Problem before(Slot<&tn_ops::workspace>, tn_kernel kernel, const tn_tensor* const* operands,
                 uint64_t*) {
    if (Problem problem = alive(kernel); !problem.empty()) return problem;
    return operands_problem(*kernels_.find(kernel), operands);
  }
  Problem before(Slot<&tn_ops::launch>, tn_stream stream, tn_kernel kernel,
                 const tn_tensor* const* operands, const uint64_t*, const tn_workspace* workspace,
                 uint64_t) {
    return launch_problem(stream, kernel, 1, operands, workspace);
  }
  Problem before(Slot<&tn_ops::launch_many>, tn_stream stream, tn_kernel kernel, uint64_t count,
                 const tn_tensor* const* operands, const uint64_t*, const tn_workspace* workspace,
                 uint64_t) {
    return launch_problem(stream, kernel, count, operands, workspace);
  }

  // What is wrong with one set of operands, whatever the stream.
  Problem operands_problem(const KernelState& kernel, const tn_tensor* const* operands) {
    for (size_t i = 0; i < kernel.classes.size(); ++i) {
      const auto at = [&](const auto&... parts) {
        return join_text(kernel.op, ", ", i < kernel.outputs ? "output " : "input ",
                         i < kernel.outputs ? i : i - kernel.outputs, ": ", parts...);
      };
      const tn_tensor* operand = operands[i];
      if (operand == nullptr) return at("NULL");
      const BufferState* memory = buffers_.find(operand->buffer);
      if (memory == nullptr) {
        // A tensor without elements needs no memory.
        if (operand->buffer == nullptr && span_of(*operand).end == 0) continue;
        return at(buffers_.why_not(operand->buffer));
      }
      if (memory->device != kernel.device) return at("its buffer is on another device");
      if (Problem problem = operand_problem(*operand, kernel.classes[i], memory->size_bytes);
          !problem.empty())
        return at(problem);
    }
    return {};
  }

  // "Exact aliasing is allowed, partial overlap never reaches a plugin": seen where both are dense.
  static Problem overlap_problem(const KernelState& kernel, const tn_tensor* const* operands) {
    for (size_t out = 0; out < kernel.outputs; ++out) {
      const ByteSpan written = span_of(*operands[out]);
      for (size_t in = kernel.outputs; in < kernel.classes.size(); ++in) {
        const ByteSpan read = span_of(*operands[in]);
        if (operands[out]->buffer != operands[in]->buffer || !is_dense(*operands[out]) ||
            !is_dense(*operands[in]) || written.begin == read.begin)
          continue;
        if (written.begin < read.end && read.begin < written.end)
          return join_text(kernel.op, ": output ", out, " overlaps a part of input ",
                           in - kernel.outputs);
      }
    }
    return {};
  }

  Problem launch_problem(tn_stream stream, tn_kernel handle, uint64_t count,
                         const tn_tensor* const* operands, const tn_workspace* workspace) {
    if (Problem problem = alive(stream, handle); !problem.empty()) return problem;
    const KernelState& kernel = *kernels_.find(handle);
    StreamState& queue = *streams_.find(stream);
    if (kernel.device != queue.device) return "the kernel is for another device than the stream";
    ++queue.point;
    for (uint64_t set = 0; set < count; ++set, operands += kernel.classes.size()) {
      Problem problem = operands_problem(kernel, operands);
      if (problem.empty()) problem = overlap_problem(kernel, operands);
      if (problem.empty()) problem = workspace_problem(handle, operands, workspace);
      for (size_t i = kernel.classes.size(); problem.empty() && i-- > 0;) {  // reads first
        if (BufferState* memory = buffers_.find(operands[i]->buffer))
          problem = touch(stream, *memory, span_of(*operands[i]), i < kernel.outputs, kernel.op);
      }
      if (!problem.empty()) return problem;
    }
    return {};
  }

  Problem workspace_problem(tn_kernel kernel, const tn_tensor* const* operands,
                            const tn_workspace* workspace) {
    uint64_t need = 0;
    static_cast<void>(next<&tn_ops::workspace>(kernel, operands, &need));
    if (need == 0) return {};
    if (workspace == nullptr) return join_text("a workspace of ", need, " bytes is missing");
    if (workspace->struct_size < TN_MIN_WORKSPACE)
      return "the workspace's struct_size is too small";
    const BufferState* memory = buffers_.find(workspace->buffer);
    if (memory == nullptr) return "workspace: " + buffers_.why_not(workspace->buffer);
    if (workspace->size_bytes < need)
      return join_text("the workspace has ", workspace->size_bytes, " bytes, ", need,
                       " are needed");
    if (workspace->offset_bytes > memory->size_bytes ||
        workspace->size_bytes > memory->size_bytes - workspace->offset_bytes)
      return "the workspace lies beyond its buffer";
    return {};
  }

  // Whether a stream may touch bytes that another one wrote: only behind a wait. Devices that work
  // inside the call have nothing to order.
  Problem touch(tn_stream stream, BufferState& memory, ByteSpan bytes, bool writes,
                std::string_view op) {
    const DeviceState* device = devices_.find(memory.device);
    if (bytes.end == 0 || (device->flags & TN_DEVICE_ASYNC) == 0) return {};
    StreamState& own = *streams_.find(stream);
    for (const Written& earlier : memory.written) {
      if (earlier.stream == stream || earlier.end <= bytes.begin || bytes.end <= earlier.begin)
        continue;
      const StreamState* other = streams_.find(earlier.stream);
      const auto waited = own.waited.find(earlier.stream);
      const bool done = other == nullptr || earlier.point <= other->done ||
                        (waited != own.waited.end() && earlier.point <= waited->second);
      if (!done)
        return join_text("wrong stream: ", op, " touches bytes ", bytes.begin, " to ", bytes.end,
                         " that ", earlier.op,
                         " wrote on another stream, without a stream_wait between them");
    }
    if (!writes) return {};
    std::erase_if(memory.written, [&](const Written& earlier) {
      return bytes.begin <= earlier.begin && earlier.end <= bytes.end;
    });
    constexpr size_t kMaxWritten = 4096;  // far more than segments have blocks in flight
    if (memory.written.size() >= kMaxWritten) memory.written.erase(memory.written.begin());
    memory.written.push_back({bytes.begin, bytes.end, stream, own.point, op});
    return {};
  }

  // ---- after a call: state, and what the plugin answered ----

  template <auto Member, class... A>
  Problem after(Slot<Member>, tn_status, A...) {
    return {};
  }

  Problem after(Slot<&tn_core::device_open>, tn_status status, tn_plugin, uint32_t index,
                tn_device* out) {
    if (status != TN_OK) return {};
    if (*out == nullptr) return "OK with a NULL device";
    tn_device_info info{};
    info.struct_size = sizeof info;
    if (next<&tn_core::device_info>(*out, &info) != TN_OK) info.flags = 0;
    devices_.add(*out, {.index = index, .flags = info.flags});
    return {};
  }
  Problem after(Slot<&tn_core::device_info>, tn_status status, tn_device, tn_device_info* info) {
    const bool whole = status == TN_OK && info->struct_size >= sizeof(tn_device_info);
    return whole ? info_problem(*info) : Problem();
  }
  Problem after(Slot<&tn_core::buffer_alloc>, tn_status status, tn_device device,
                uint64_t size_bytes, tn_buffer* out) {
    return add_buffer(status, device, size_bytes, out);
  }
  Problem after(Slot<&tn_core::buffer_from_host>, tn_status status, tn_device device, void*,
                uint64_t size_bytes, tn_buffer* out) {
    return add_buffer(status, device, size_bytes, out);
  }
  Problem add_buffer(tn_status status, tn_device device, uint64_t size_bytes, tn_buffer* out) {
    if (status != TN_OK) return {};
    if (*out == nullptr) return "OK with a NULL buffer";
    if (buffers_.find(*out) != nullptr) return "the buffer is one that is in use already";
    buffers_.add(*out, {.device = device, .size_bytes = size_bytes, .written = {}});
    ++devices_.find(device)->buffers;
    return {};
  }
  Problem after(Slot<&tn_core::stream_create>, tn_status status, tn_device device, tn_stream* out) {
    if (status != TN_OK) return {};
    if (*out == nullptr) return "OK with a NULL stream";
    StreamState state;
    state.device = device;
    streams_.add(*out, std::move(state));
    ++devices_.find(device)->streams;
    return {};
  }
  Problem after(Slot<&tn_ops::prepare>, tn_status status, tn_device device,
                const tn_signature* signature, tn_kernel* out) {
    if (status != TN_OK) return {};
    if (*out == nullptr) return "OK with a NULL kernel";
    const std::string_view name(signature->op, signature->op_size);
    KernelState kernel{.device = device,
                       .op = keep_text(preparing.name.empty() ? name : preparing.name),
                       .outputs = signature->output_count,
                       .classes = {}};
    kernel.classes.assign(signature->classes, signature->classes + signature->operand_count);
    kernels_.add(*out, std::move(kernel));
    ++devices_.find(device)->kernels;
    return {};
  }
  Problem after(Slot<&tn_ops::query>, tn_status status, tn_device, const tn_signature*,
                tn_answer* answer) {
    const bool whole = status == TN_OK && answer->struct_size >= sizeof(tn_answer);
    return whole ? answer_problem(*answer) : Problem();
  }
  Problem after(Slot<&tn_core::event_record>, tn_status status, tn_stream stream, uint64_t* value) {
    if (status != TN_OK) return {};
    StreamState& state = *streams_.find(stream);
    if (*value <= state.last_event)
      return join_text("the value ", *value, " does not increase, the last was ", state.last_event);
    state.last_event = *value;
    state.events[*value] = state.point;
    return {};
  }
  Problem after(Slot<&tn_core::event_query>, tn_status status, tn_stream stream, uint64_t value,
                uint32_t* out, tn_status* failure) {
    if (status != TN_OK) return {};
    if (*out > TN_EVENT_FAILED) return join_text("the state ", *out, " is unknown");
    if (*out == TN_EVENT_FAILED && (*failure == TN_OK || !is_known(*failure)))
      return "FAILED without a status that says how";
    if (*out == TN_EVENT_DONE) reach_point(*streams_.find(stream), value);
    return {};
  }
  Problem after(Slot<&tn_core::event_wait>, tn_status status, tn_stream stream, uint64_t value,
                uint64_t) {
    if (status != TN_TIMEOUT) reach_point(*streams_.find(stream), value);
    return {};
  }
  Problem after(Slot<&tn_core::stream_sync>, tn_status, tn_stream stream, uint64_t*) {
    StreamState& state = *streams_.find(stream);
    state.done = state.point;
    state.events.clear();
    return {};
  }
  Problem after(Slot<&tn_core::stream_wait>, tn_status status, tn_stream stream, tn_stream other,
                uint64_t value) {
    if (status != TN_OK) return {};
    uint64_t& waited = streams_.find(stream)->waited[other];
    waited = std::max(waited, point_of(*streams_.find(other), value));
    return {};
  }

  // The point behind which an event was recorded; events before the last sync are done.
  static uint64_t point_of(const StreamState& stream, uint64_t value) {
    const auto at = stream.events.find(value);
    return at == stream.events.end() ? stream.done : at->second;
  }
  static void reach_point(StreamState& stream, uint64_t value) {
    stream.done = std::max(stream.done, point_of(stream, value));
    std::erase_if(stream.events, [&](const auto& event) { return event.first <= value; });
  }

  std::mutex& mutex_ = fork_mutex(ForkLockId::kValidateLayers);
  HandleBook<tn_device, DeviceState> devices_{"device"};
  HandleBook<tn_buffer, BufferState> buffers_{"buffer"};
  HandleBook<tn_stream, StreamState> streams_{"stream"};
  HandleBook<tn_kernel, KernelState> kernels_{"kernel"};
};

}  // namespace

void install_validate(Plugin& plugin, const tn_host* host, const LayerChoice& choice) {
  choice.allow_only({});
  auto layer = std::make_unique<ValidateLayer>(plugin, host);
  interpose(plugin, layer.get(), "validate");
  layer.release();  // for ever, as the plugin
}

}  // namespace tenon::layers
