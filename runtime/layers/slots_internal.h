// Every slot of the tables that layers stand between, by name and by number.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/loader/plugin.h>

namespace tenon::layers {

template <auto... Members>
struct SlotList {
  static constexpr size_t kCount = sizeof...(Members);
};

using Slots =
    SlotList<&tn_core::close, &tn_core::device_count, &tn_core::device_open, &tn_core::device_close,
             &tn_core::device_info, &tn_core::device_budget, &tn_core::buffer_alloc,
             &tn_core::buffer_free, &tn_core::buffer_from_host, &tn_core::buffer_host,
             &tn_core::stream_create, &tn_core::stream_destroy, &tn_core::stream_sync,
             &tn_core::event_record, &tn_core::event_query, &tn_core::event_wait,
             &tn_core::stream_wait, &tn_core::upload, &tn_core::download, &tn_ops::query,
             &tn_ops::prepare, &tn_ops::kernel_release, &tn_ops::workspace, &tn_ops::launch,
             &tn_ops::launch_many>;

inline constexpr std::string_view kSlotNames[] = {
    "close",         "device_count",   "device_open", "device_close",     "device_info",
    "device_budget", "buffer_alloc",   "buffer_free", "buffer_from_host", "buffer_host",
    "stream_create", "stream_destroy", "stream_sync", "event_record",     "event_query",
    "event_wait",    "stream_wait",    "upload",      "download",         "query",
    "prepare",       "kernel_release", "workspace",   "launch",           "launch_many"};
static_assert(std::size(kSlotNames) == Slots::kCount);

template <auto Member>
struct SlotConstant {};

template <auto Member, auto... Members>
constexpr size_t position_in(SlotList<Members...>) {
  size_t at = 0;
  bool found = false;
  ((found = found || std::is_same_v<SlotConstant<Member>, SlotConstant<Members>>,
    at += found ? 0 : 1),
   ...);
  return at;
}

// Number of a slot: its place in kSlotNames.
template <auto Member>
inline constexpr size_t kSlot = position_in<Member>(Slots{});

template <auto Member>
inline constexpr bool kInCore = kSlot<Member> < kSlot<&tn_ops::query>;

// The bit of Plugin::optional_slots that says whether the plugin brought it; 0 when required.
template <auto Member>
constexpr uint32_t optional_bit() {
  constexpr size_t kAt = kSlot<Member>;
  if (kAt == kSlot<&tn_core::device_budget>) return kHasBudget;
  if (kAt == kSlot<&tn_core::buffer_from_host>) return kHasFromHost;
  if (kAt == kSlot<&tn_core::buffer_host>) return kHasHost;
  if (kAt == kSlot<&tn_ops::workspace>) return kHasWorkspace;
  if (kAt == kSlot<&tn_ops::launch_many>) return kHasLaunchMany;
  return 0;
}

}  // namespace tenon::layers
