// Whether calls are recorded, per thread.
#pragma once

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

struct GradMode {
  [[nodiscard]] static bool is_enabled() noexcept { return recording_enabled(); }
  static void set_enabled(bool enabled) noexcept { set_recording_enabled(enabled); }
};

// Nothing is recorded in its scope; results are constants for the graph.
class NoGradGuard : RecordingScope {
 public:
  NoGradGuard() : RecordingScope(false) {}
};

// Recording inside a NoGradGuard's scope.
class EnableGradGuard : RecordingScope {
 public:
  EnableGradGuard() : RecordingScope(true) {}
};

namespace autograd {
// The name of 2017; a Tensor is all there is.
using Variable = Tensor;
}  // namespace autograd

}  // namespace tenon
