// How a layer gets between the runtime and a plugin: it keeps the plugin's tables and puts
// functions of its own into the copies that the runtime calls. The ABI's functions carry no
// context, so each layer has a small fixed number of sets of functions, one for each plugin.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <tenon/runtime/error.h>
#include <tenon/runtime/layers/slots_internal.h>
#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/plugin.h>

namespace tenon::layers {

inline constexpr uint32_t kMaxPlugins = 8;

// What all layers know: what lies below them. Lives for ever, as the plugin.
class LayerBase {
 public:
  LayerBase(const Plugin& plugin, const tn_host* host)
      : plugin_(plugin.name), core_(plugin.core), ops_(plugin.ops), host_(host) {}

  // Calls the slot of the table below.
  template <auto Member, class... A>
  decltype(auto) next(A... args) const {
    if constexpr (kInCore<Member>) {
      return (core_.*Member)(args...);
    } else {
      return (ops_.*Member)(args...);
    }
  }

 protected:
  // Leaves a text for the status that the caller is about to return.
  template <class... Parts>
  void set_error(const Parts&... parts) const {
    const std::string text = join_text(parts...);
    host_->set_error(host_->context, text.data(), text.size());
  }

  const std::string plugin_;
  const tn_core core_;
  const tn_ops ops_;
  const tn_host* const host_;
};

template <class Layer>
inline constinit std::array<Layer*, kMaxPlugins> layer_of{};

template <class Layer, uint32_t I, auto Member>
struct Thunk;

template <class Layer, uint32_t I, class Table, class R, class... A, R (*Table::*Member)(A...)>
struct Thunk<Layer, I, Member> {
  static R call(A... args) { return layer_of<Layer>[I] -> template around<Member>(args...); }
};

template <class Layer, uint32_t I, auto... Members>
void take_slots(Plugin& plugin, SlotList<Members...>) {
  const auto take = [&]<auto Member>() {
    // A slot that the plugin did not bring keeps the loader's stub.
    constexpr uint32_t kBit = optional_bit<Member>();
    if (kBit != 0 && (plugin.optional_slots & kBit) == 0) return;
    if constexpr (kInCore<Member>) {
      plugin.core.*Member = Thunk<Layer, I, Member>::call;
    } else {
      plugin.ops.*Member = Thunk<Layer, I, Member>::call;
    }
  };
  (take.template operator()<Members>(), ...);
}

// Puts a layer around the plugin's tables. LoadFailure when every set of functions is taken.
// Serialised by the registry's lock.
template <class Layer>
void interpose(Plugin& plugin, Layer* layer, std::string_view name) {
  for (uint32_t i = 0; i < kMaxPlugins; ++i) {
    if (layer_of<Layer>[i] != nullptr) continue;
    layer_of<Layer>[i] = layer;
    [&]<uint32_t... I>(std::integer_sequence<uint32_t, I...>) {
      ((I == i ? take_slots<Layer, I>(plugin, Slots{}) : void()), ...);
    }
    (std::make_integer_sequence<uint32_t, kMaxPlugins>{});
    return;
  }
  throw loader::LoadFailure("refused", join_text("TENON_LAYERS: ", name, " can be around ",
                                                 kMaxPlugins, " plugins at most"));
}

}  // namespace tenon::layers
