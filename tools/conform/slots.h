// The functions of the two required tables, and which of them a plugin must supply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tenon/api/device_plugin.h>

namespace tenon::conform {

enum class Need : uint8_t {
  kAlways,
  kHostMemory,  // of a device that says HOST_MEMORY
  kNever,       // marked (optional) in device_plugin.h
};

struct Slot {
  const char* name;
  size_t offset;
  Need need;
};

[[nodiscard]] std::span<const Slot> core_slots();
[[nodiscard]] std::span<const Slot> ops_slots();
// The operators that OPERATORS.md requires.
[[nodiscard]] std::span<const char* const> required_operators();

// Is there a function? `table` has at least its frozen minimum.
[[nodiscard]] bool has_slot(const void* table, const Slot& slot);

// Functions that a plugin supplies, and the least number that it could.
struct FunctionCount {
  uint32_t entry = 3;  // tn_plugin_entry, open, get_interface
  uint32_t core = 0, ops = 0;
  uint32_t operators = 0;
  [[nodiscard]] uint32_t functions() const { return entry + core + ops; }
};
[[nodiscard]] FunctionCount least_functions();
[[nodiscard]] FunctionCount functions_of(const tn_core& core, const tn_ops& ops);

}  // namespace tenon::conform
