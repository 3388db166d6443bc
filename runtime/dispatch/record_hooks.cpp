#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon {

constinit thread_local bool recording_state = true;

RecordHooks& record_hooks() noexcept {
  static RecordHooks& hooks = *new RecordHooks;
  return hooks;
}

}  // namespace tenon
