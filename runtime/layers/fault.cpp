#include <tenon/runtime/layers/fault.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>

#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/layers/interpose_internal.h>
#include <tenon/runtime/layers/options_internal.h>

namespace tenon::layers {
namespace {

constexpr std::string_view kFaultNames[] = {"oom",     "lost", "internal", "invalid",
                                            "garbage", "null", "delay"};
static_assert(std::size(kFaultNames) == kFaultCount);
constexpr tn_status kFaultStatus[] = {TN_OUT_OF_MEMORY, TN_DEVICE_LOST, TN_INTERNAL,
                                      TN_INVALID_ARGUMENT, 77};
constexpr auto kDelay = std::chrono::milliseconds(50);

// A plan with the slot as a number. 0 calls: nothing is planned.
struct Armed {
  size_t slot = 0;
  Fault fault = Fault::kInternal;
  uint64_t call = 0;
  bool repeat = false;
};

template <auto Member>
inline constexpr bool kWaits =
    kSlot<Member> == kSlot<&tn_core::stream_sync> || kSlot<Member> == kSlot<&tn_core::event_wait>;

// The parameter that a new handle goes into, if the slot has one.
template <class T>
inline constexpr bool kIsHandleOut = false;
template <>
inline constexpr bool kIsHandleOut<tn_device*> = true;
template <>
inline constexpr bool kIsHandleOut<tn_buffer*> = true;
template <>
inline constexpr bool kIsHandleOut<tn_stream*> = true;
template <>
inline constexpr bool kIsHandleOut<tn_kernel*> = true;
template <>
inline constexpr bool kIsHandleOut<void**> = true;  // an address

struct SlotKind {
  bool returns_status;
  bool hands_out;
};

template <class Member>
struct KindOf;
template <class Table, class R, class... A>
struct KindOf<R (*Table::*)(A...)> {
  static constexpr SlotKind kKind{!std::is_void_v<R>, (kIsHandleOut<A> || ...)};
};

template <auto... Members>
constexpr std::array<SlotKind, sizeof...(Members)> kinds_of(SlotList<Members...>) {
  return {KindOf<decltype(Members)>::kKind...};
}
constexpr auto kKinds = kinds_of(Slots{});

bool applies(size_t slot, Fault fault) {
  if (fault == Fault::kDelay) return true;
  return fault == Fault::kNull ? kKinds[slot].hands_out : kKinds[slot].returns_status;
}

class FaultLayer : public LayerBase {
 public:
  using LayerBase::LayerBase;

  [[nodiscard]] const std::string& plugin() const { return plugin_; }

  void arm(const Armed& armed) {
    const std::lock_guard lock(mutex_);
    for (std::atomic<uint64_t>& count : calls_) count.store(0);
    injected_.store(0);
    plan_ = armed;
    armed_.store(armed.call != 0, std::memory_order_release);
  }

  [[nodiscard]] FaultCounts counts() const {
    FaultCounts counts;
    for (size_t i = 0; i < Slots::kCount; ++i) counts.calls[i] = calls_[i].load();
    counts.devices = devices_.load();
    counts.buffers = buffers_.load();
    counts.streams = streams_.load();
    counts.kernels = kernels_.load();
    counts.injected = injected_.load();
    return counts;
  }

  template <auto Member, class... A>
  [[gnu::noinline]] auto around(A... args) {
    using R = decltype(next<Member>(args...));
    constexpr size_t kAt = kSlot<Member>;
    const uint64_t call = calls_[kAt].fetch_add(1, std::memory_order_relaxed) + 1;
    const std::optional<Fault> fault = due(kAt, call);
    if constexpr (std::is_void_v<R>) {
      if (fault) std::this_thread::sleep_for(kDelay);
      released<Member>(args...);
      next<Member>(args...);
    } else {
      if (fault && *fault == Fault::kNull) {
        (clear_handle(args), ...);
        return R{TN_OK};
      }
      if (fault && *fault != Fault::kDelay) {
        // Who waits has waited, also when he answers a failure.
        if constexpr (kWaits<Member>) static_cast<void>(next<Member>(args...));
        const auto number = static_cast<size_t>(*fault);
        set_error("fault layer: call ", call, " of ", kSlotNames[kAt], " answers \"",
                  kFaultNames[number], "\"");
        return R{kFaultStatus[number]};
      }
      if (fault) std::this_thread::sleep_for(kDelay);
      const R status = next<Member>(args...);
      if (status == TN_OK && (is_handed_out(args) && ...)) made<Member>();
      return status;
    }
  }

 private:
  std::optional<Fault> due(size_t slot, uint64_t call) {
    if (!armed_.load(std::memory_order_acquire)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const bool hit =
        slot == plan_.slot && (call == plan_.call || (plan_.repeat && call > plan_.call));
    if (!hit) return std::nullopt;
    injected_.fetch_add(1);
    return plan_.fault;
  }

  // A NULL handle is none that could be given back.
  template <class T>
  static bool is_handed_out([[maybe_unused]] T argument) {
    if constexpr (kIsHandleOut<T>) return *argument != nullptr;
    return true;
  }
  template <class T>
  static void clear_handle([[maybe_unused]] T argument) {
    if constexpr (kIsHandleOut<T>) *argument = nullptr;
  }

  template <auto Member>
  void made() {
    constexpr size_t kAt = kSlot<Member>;
    if (kAt == kSlot<&tn_core::device_open>) devices_.fetch_add(1);
    if (kAt == kSlot<&tn_core::buffer_alloc> || kAt == kSlot<&tn_core::buffer_from_host>)
      buffers_.fetch_add(1);
    if (kAt == kSlot<&tn_core::stream_create>) streams_.fetch_add(1);
    if (kAt == kSlot<&tn_ops::prepare>) kernels_.fetch_add(1);
  }
  template <auto Member, class Handle>
  void released(Handle handle) {
    if (handle == nullptr) return;
    constexpr size_t kAt = kSlot<Member>;
    if (kAt == kSlot<&tn_core::device_close>) devices_.fetch_sub(1);
    if (kAt == kSlot<&tn_core::buffer_free>) buffers_.fetch_sub(1);
    if (kAt == kSlot<&tn_core::stream_destroy>) streams_.fetch_sub(1);
    if (kAt == kSlot<&tn_ops::kernel_release>) kernels_.fetch_sub(1);
  }

  std::mutex& mutex_ = fork_mutex(ForkLockId::kFaultLayers);
  Armed plan_;
  std::atomic<bool> armed_{false};
  std::array<std::atomic<uint64_t>, Slots::kCount> calls_{};
  std::atomic<int64_t> devices_{0}, buffers_{0}, streams_{0}, kernels_{0};
  std::atomic<uint64_t> injected_{0};
};

FaultLayer& layer_around(std::string_view plugin) {
  for (FaultLayer* layer : layer_of<FaultLayer>) {
    if (layer != nullptr && layer->plugin() == plugin) return *layer;
  }
  fail(ErrorCode::kInvalidArgument, "fault layer", "there is none around the plugin ", plugin,
       "; set TENON_LAYERS=fault before its device is used");
}

// Slots::kCount when there is none of that name.
size_t slot_number(std::string_view name) {
  const auto* at = std::find(std::begin(kSlotNames), std::end(kSlotNames), name);
  return static_cast<size_t>(at - std::begin(kSlotNames));
}

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw loader::LoadFailure("refused", join_text("TENON_LAYERS: fault: ", parts...));
}

Armed parse_plan(const LayerChoice& choice, std::string_view plugin) {
  choice.allow_only({"slot", "call", "as", "repeat", "plugin"});
  Armed armed;
  if (choice.options.empty()) return armed;
  const std::string_view slot = choice.get("slot"), fault = choice.get("as");
  armed.slot = slot_number(slot);
  if (armed.slot == Slots::kCount)
    refuse("slot must name a slot such as launch, got \"", slot, "\"");
  const auto* name = std::find(std::begin(kFaultNames), std::end(kFaultNames), fault);
  if (name == std::end(kFaultNames)) {
    refuse("as must be oom, lost, internal, invalid, garbage, null or delay, got \"", fault, "\"");
  }
  armed.fault = static_cast<Fault>(name - std::begin(kFaultNames));
  if (!applies(armed.slot, armed.fault)) refuse(slot, " can't fail as ", fault);
  const std::string_view only = choice.get("plugin");
  armed.call = only.empty() || only == plugin ? number_option(choice, "call", 1) : 0;
  armed.repeat = !choice.get("repeat").empty();
  return armed;
}

}  // namespace

void install_fault(Plugin& plugin, const tn_host* host, const LayerChoice& choice) {
  const Armed armed = parse_plan(choice, plugin.name);
  auto layer = std::make_unique<FaultLayer>(plugin, host);
  layer->arm(armed);
  interpose(plugin, layer.get(), "fault");
  layer.release();  // for ever, as the plugin
}

std::span<const std::string_view> fault_slots() { return kSlotNames; }

bool fault_applies(std::string_view slot, Fault fault) {
  const size_t number = slot_number(slot);
  return number != Slots::kCount && applies(number, fault);
}

void arm_fault(std::string_view plugin, const FaultPlan& plan) {
  FaultLayer& layer = layer_around(plugin);
  check(fault_applies(plan.slot, plan.fault) && plan.call != 0, ErrorCode::kInvalidArgument,
        "arm_fault", "expected a slot that can fail that way and a call from 1 on, got ", plan.slot,
        ", call ", plan.call);
  layer.arm({slot_number(plan.slot), plan.fault, plan.call, plan.repeat});
}

void disarm_fault(std::string_view plugin) { layer_around(plugin).arm({}); }

FaultCounts fault_counts(std::string_view plugin) { return layer_around(plugin).counts(); }

}  // namespace tenon::layers
