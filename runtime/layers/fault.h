// The fault layer (TENON_LAYERS=fault): makes the n-th call of one slot of a plugin fail in a
// chosen way, to see what the runtime makes of it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <tenon/runtime/export.h>

namespace tenon::layers {

enum class Fault : uint8_t {
  kOutOfMemory,      // "oom"
  kDeviceLost,       // "lost"
  kInternal,         // "internal"
  kInvalidArgument,  // "invalid"
  kGarbage,          // "garbage": a status that the ABI does not know
  kNull,             // "null": OK, and the handle that was asked for is NULL
  kDelay,            // "delay": the call is made 50 ms later
};
inline constexpr size_t kFaultCount = 7;

struct FaultPlan {
  std::string_view slot;  // one of fault_slots()
  Fault fault = Fault::kInternal;
  uint64_t call = 1;    // which call of the slot, the first after arm_fault() is 1
  bool repeat = false;  // all calls from then on
};

// Calls of each slot since the plugin was loaded or arm_fault(), and handles that are out.
struct FaultCounts {
  std::array<uint64_t, 32> calls{};  // by the slot's place in fault_slots()
  int64_t devices = 0, buffers = 0, streams = 0, kernels = 0;
  uint64_t injected = 0;
};

// The names of all slots.
[[nodiscard]] TENON_API std::span<const std::string_view> fault_slots();
// Whether a slot can fail that way: what returns nothing can only be late, and only what hands out
// a handle can leave it NULL.
[[nodiscard]] TENON_API bool fault_applies(std::string_view slot, Fault fault);
// For the plugin of that device type, which TENON_LAYERS=fault is around. Errors: InvalidArgument.
TENON_API void arm_fault(std::string_view plugin, const FaultPlan& plan);
TENON_API void disarm_fault(std::string_view plugin);
[[nodiscard]] TENON_API FaultCounts fault_counts(std::string_view plugin);

}  // namespace tenon::layers
