#include <tenon/runtime/memory/memory.h>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/error.h>
#include <tenon/runtime/memory/history_internal.h>

namespace tenon {
namespace {

constexpr uint64_t kMaxEvents = uint64_t{1} << 26;

void follow_everywhere() {
  for (DeviceContext* context : DeviceContext::opened()) context->allocator().follow_history();
}

}  // namespace

MemoryStats memory_stats(const Device& device) {
  return DeviceContext::get(device).allocator().stats();
}

void reset_peak_memory_stats(const Device& device) {
  DeviceContext::get(device).allocator().reset_peak();
}

void empty_cache(const Device& device) { DeviceContext::get(device).allocator().empty_cache(); }

void start_memory_history(uint64_t max_events) {
  check(max_events >= 1 && max_events <= kMaxEvents, ErrorCode::kInvalidArgument,
        "start_memory_history", "expected 1 to ", kMaxEvents, " events, got ", max_events);
  MemoryHistory::instance().start(max_events);
  follow_everywhere();
}

void stop_memory_history() {
  MemoryHistory::instance().stop();
  follow_everywhere();
}

}  // namespace tenon
