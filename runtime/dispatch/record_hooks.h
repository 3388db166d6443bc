// The door through which the autograd library sees calls. The runtime knows nothing else of it.
#pragma once

#include <string>
#include <string_view>

#include <tenon/runtime/export.h>

namespace tenon {

class Tensor;
struct OpCall;  // operator.h; every program that uses tensors reads this header, few need that one

struct RecordHooks {
  // Before a recorded in-place or out= call runs: refuses what the graph can't follow.
  void (*check_write)(const OpCall& call) = nullptr;
  // After a recorded call ran: gives the outputs their history.
  void (*record)(const OpCall& call) = nullptr;
  // " grad_fn=<AddBackward0>" / " requires_grad=True" for printing; may be empty.
  std::string (*print_suffix)(const Tensor& tensor) = nullptr;
  // Before a tensor takes the geometry of a view of it (t_): refuses leaves while recording is on,
  // hands over the view's history.
  void (*edit_metadata)(const Tensor& self, const Tensor& view, std::string_view op) = nullptr;
};

// The table in force; its functions are null until the autograd library installed its own.
[[nodiscard]] TENON_API RecordHooks& record_hooks() noexcept;

// Per thread: whether calls on tensors that require grad are recorded.
// initial-exec and constinit: two instructions, no call into the loader's TLS machinery.
extern TENON_API
    __attribute__((tls_model("initial-exec"))) constinit thread_local bool recording_state;
[[nodiscard]] inline bool recording_enabled() noexcept { return recording_state; }
inline void set_recording_enabled(bool enabled) noexcept { recording_state = enabled; }

// Turns recording on or off for a scope.
class RecordingScope {
 public:
  explicit RecordingScope(bool enabled) : previous_(recording_enabled()) {
    set_recording_enabled(enabled);
  }
  ~RecordingScope() { set_recording_enabled(previous_); }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool previous_;
};

}  // namespace tenon
