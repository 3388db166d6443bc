// The user's side of TENON_LAYERS=trace: names for stretches of the program.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include <tenon/runtime/export.h>

namespace tenon {

// Names a stretch of the program in the file that TENON_LAYERS=trace writes: the ops inside carry
// "outer/inner". Costs one load when nothing is traced.
// Threads: a scope belongs to the thread that made it.
class TENON_API TraceScope {
 public:
  explicit TraceScope(std::string_view name) {
    if (active_.load(std::memory_order_relaxed)) [[unlikely]]
      enter(name);
  }
  ~TraceScope() {
    if (begin_ns_ != 0) [[unlikely]]
      leave();
  }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  static void activate() noexcept { active_.store(true, std::memory_order_relaxed); }

 private:
  void enter(std::string_view name);
  void leave() noexcept;

  static std::atomic<bool> active_;
  int64_t begin_ns_ = 0;  // 0: nothing is traced
  std::string_view outer_;
};

// Writes what is traced so far to the file, which otherwise happens ten times a second and at the
// end of the program. Nothing when nothing is traced.
TENON_API void flush_trace() noexcept;

}  // namespace tenon
