// Anomaly detection: every node remembers its forward call, and backward() stops at the first
// gradient that is not finite and names both. Slow; for finding errors.
#pragma once

#include <string>
#include <string_view>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/export.h>

namespace tenon::autograd {

// Which gradients stop backward().
enum class AnomalyCheck : uint8_t {
  kNone,  // forward calls are remembered only
  kNan,
  kNonFinite,  // infinities too, from which NaN comes later
};

// Process wide. Threads: any.
TENON_API void set_detect_anomaly(bool enabled,
                                  AnomalyCheck check = AnomalyCheck::kNonFinite) noexcept;
[[nodiscard]] TENON_API bool is_anomaly_enabled() noexcept;
[[nodiscard]] TENON_API AnomalyCheck anomaly_check() noexcept;

class DetectAnomalyGuard {
 public:
  explicit DetectAnomalyGuard(AnomalyCheck check = AnomalyCheck::kNonFinite) {
    set_detect_anomaly(true, check);
  }
  ~DetectAnomalyGuard() { set_detect_anomaly(enabled_, check_); }
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool enabled_ = is_anomaly_enabled();
  AnomalyCheck check_ = anomaly_check();
};

// Names what the calling thread is at, for the forward calls that anomaly detection remembers:
//   const autograd::ScopeLabel label("decoder");
// Nested ones are joined: "decoder > attention".
class TENON_API ScopeLabel {
 public:
  explicit ScopeLabel(std::string_view name);
  ~ScopeLabel();
  ScopeLabel(const ScopeLabel&) = delete;
  ScopeLabel& operator=(const ScopeLabel&) = delete;
  // The labels in force; empty without any.
  [[nodiscard]] static std::string path();

 private:
  std::string name_;
  const ScopeLabel* outer_;
};

// "mul([cpu float32 (2, 3)], 2) in decoder" and the native calls that led to it, innermost first.
[[nodiscard]] std::string describe_call(const OpCall& call);
// The same for a node that is no op.
[[nodiscard]] std::string describe_call(const std::string& name, const std::vector<Tensor>& inputs);

}  // namespace tenon::autograd
