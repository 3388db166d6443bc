// The process's one thread pool. Workers park when idle; TENON_NUM_THREADS sets their number.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include <tenon/runtime/export.h>

namespace tenon {

using RangeFunction = void (*)(void* context, int64_t begin, int64_t end);

// Calls fn over [0, count) in parts of at least `grain`, on the pool and the calling thread, and
// returns when all are done. Runs inline when nested, when small, or with one thread. An exception
// of a part is rethrown here after all parts ended.
TENON_API void parallel_for(int64_t count, int64_t grain, RangeFunction fn, void* context);

template <class F>
void parallel_for(int64_t count, int64_t grain, F&& f) {
  using Function = std::remove_reference_t<F>;
  parallel_for(
      count, grain,
      [](void* context, int64_t begin, int64_t end) {
        (*static_cast<Function*>(context))(begin, end);
      },
      const_cast<std::remove_const_t<Function>*>(std::addressof(f)));
}

// Threads that parallel_for uses, the caller included; >= 1.
[[nodiscard]] TENON_API int64_t thread_count() noexcept;
TENON_API void set_thread_count(int64_t count);

}  // namespace tenon
