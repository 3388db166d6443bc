// Anomaly mode: every node remembers its forward call, and backward() stops at the first gradient
// with a NaN and names both. Slow; for finding errors.
#pragma once

#include <atomic>
#include <string>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/export.h>

namespace tenon::autograd {

// Process wide. Threads: any.
TENON_API void set_anomaly_mode(bool enabled) noexcept;
[[nodiscard]] TENON_API bool anomaly_mode() noexcept;

class AnomalyGuard {
 public:
  AnomalyGuard() : previous_(anomaly_mode()) { set_anomaly_mode(true); }
  ~AnomalyGuard() { set_anomaly_mode(previous_); }
  AnomalyGuard(const AnomalyGuard&) = delete;
  AnomalyGuard& operator=(const AnomalyGuard&) = delete;

 private:
  bool previous_;
};

// "mul([cpu float32 (2, 3)], 2)" and the calls that led to it.
[[nodiscard]] std::string describe_call(const OpCall& call);

}  // namespace tenon::autograd
