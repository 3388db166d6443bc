#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon {

namespace {
// initial-exec: no call into the loader's TLS machinery on every op.
__attribute__((tls_model("initial-exec"))) constinit thread_local bool recording = true;
}  // namespace

RecordHooks& record_hooks() noexcept {
  static RecordHooks& hooks = *new RecordHooks;
  return hooks;
}

bool recording_enabled() noexcept { return recording; }
void set_recording_enabled(bool enabled) noexcept { recording = enabled; }

}  // namespace tenon
