// Whether calls are recorded, per thread.
#pragma once

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

// Nothing is recorded in its scope, and no guard inside can turn recording on again: for serving a
// model whose code has guards of its own. Results are plain constants.
class TENON_API InferenceMode : RecordingScope {
 public:
  InferenceMode();
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;
  [[nodiscard]] static bool is_enabled() noexcept;

 private:
  bool previous_;
};

struct GradMode {
  [[nodiscard]] static bool is_enabled() noexcept { return recording_enabled(); }
  static void set_enabled(bool enabled) noexcept {
    set_recording_enabled(enabled && !InferenceMode::is_enabled());
  }
};

// Recording as told, for a scope.
class AutoGradMode : RecordingScope {
 public:
  explicit AutoGradMode(bool enabled) : RecordingScope(enabled && !InferenceMode::is_enabled()) {}
};

// Nothing is recorded in its scope; results are constants for the graph.
class NoGradGuard : RecordingScope {
 public:
  NoGradGuard() : RecordingScope(false) {}
};

// Recording inside a NoGradGuard's scope.
class EnableGradGuard : AutoGradMode {
 public:
  EnableGradGuard() : AutoGradMode(true) {}
};

namespace autograd {
// The name of 2017; a Tensor is all there is.
using Variable = Tensor;
}  // namespace autograd

}  // namespace tenon
