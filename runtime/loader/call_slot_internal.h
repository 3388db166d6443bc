// Calls into a plugin whose code may throw: no exception crosses the C boundary.
#pragma once

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/loader/plugin.h>

namespace tenon {

// Inside a handler: notes the exception as the plugin's error text, answers TN_INTERNAL.
[[nodiscard]] tn_status note_exception(const Plugin& plugin, const char* slot) noexcept;
// The same for slots that return nothing: into the log.
void log_exception(const Plugin& plugin, const char* slot) noexcept;

// Calls a slot. An exception becomes a status with a text; an Error comes from a layer of ours
// around the plugin, and passes.
template <class F>
[[nodiscard]] tn_status call_slot(const Plugin& plugin, const char* slot, const F& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (...) {
    return note_exception(plugin, slot);
  }
}
template <class F>
void call_release(const Plugin& plugin, const char* slot, const F& call) noexcept {
  try {
    call();
  } catch (...) {
    log_exception(plugin, slot);
  }
}

}  // namespace tenon
