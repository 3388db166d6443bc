#include "slots.h"

#include <cstring>

namespace tenon::conform {
namespace {

constexpr Slot kCore[] = {
    {"close", offsetof(tn_core, close), Need::kAlways},
    {"device_count", offsetof(tn_core, device_count), Need::kAlways},
    {"device_open", offsetof(tn_core, device_open), Need::kAlways},
    {"device_close", offsetof(tn_core, device_close), Need::kAlways},
    {"device_info", offsetof(tn_core, device_info), Need::kAlways},
    {"device_budget", offsetof(tn_core, device_budget), Need::kNever},
    {"buffer_alloc", offsetof(tn_core, buffer_alloc), Need::kAlways},
    {"buffer_free", offsetof(tn_core, buffer_free), Need::kAlways},
    {"buffer_from_host", offsetof(tn_core, buffer_from_host), Need::kHostMemory},
    {"buffer_host", offsetof(tn_core, buffer_host), Need::kHostMemory},
    {"stream_create", offsetof(tn_core, stream_create), Need::kAlways},
    {"stream_destroy", offsetof(tn_core, stream_destroy), Need::kAlways},
    {"stream_sync", offsetof(tn_core, stream_sync), Need::kAlways},
    {"event_record", offsetof(tn_core, event_record), Need::kAlways},
    {"event_query", offsetof(tn_core, event_query), Need::kAlways},
    {"event_wait", offsetof(tn_core, event_wait), Need::kAlways},
    {"stream_wait", offsetof(tn_core, stream_wait), Need::kAlways},
    {"upload", offsetof(tn_core, upload), Need::kAlways},
    {"download", offsetof(tn_core, download), Need::kAlways},
};

constexpr Slot kOps[] = {
    {"query", offsetof(tn_ops, query), Need::kAlways},
    {"prepare", offsetof(tn_ops, prepare), Need::kAlways},
    {"kernel_release", offsetof(tn_ops, kernel_release), Need::kAlways},
    {"workspace", offsetof(tn_ops, workspace), Need::kNever},
    {"launch", offsetof(tn_ops, launch), Need::kAlways},
    {"launch_many", offsetof(tn_ops, launch_many), Need::kNever},
};

constexpr const char* kOperators[] = {
    TN_OP_FILL,    TN_OP_COPY, TN_OP_PROGRAM, TN_OP_REDUCE,        TN_OP_MATMUL,  TN_OP_GATHER,
    TN_OP_SCATTER, TN_OP_SCAN, TN_OP_SORT,    TN_OP_NONZERO_COUNT, TN_OP_NONZERO, TN_OP_RANDOM};

uint32_t count(std::span<const Slot> slots, const auto& counts) {
  uint32_t n = 0;
  for (const Slot& slot : slots) n += counts(slot) ? 1 : 0;
  return n;
}

}  // namespace

std::span<const Slot> core_slots() { return kCore; }
std::span<const Slot> ops_slots() { return kOps; }
std::span<const char* const> required_operators() { return kOperators; }

bool has_slot(const void* table, const Slot& slot) {
  uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  void (*function)() = nullptr;
  if (slot.offset + sizeof function > size) return false;
  std::memcpy(&function, static_cast<const char*>(table) + slot.offset, sizeof function);
  return function != nullptr;
}

FunctionCount least_functions() {
  const auto required = [](const Slot& slot) { return slot.need == Need::kAlways; };
  FunctionCount n;
  n.core = count(kCore, required);
  n.ops = count(kOps, required);
  n.operators = static_cast<uint32_t>(std::size(kOperators));
  return n;
}

FunctionCount functions_of(const tn_core& core, const tn_ops& ops) {
  FunctionCount n;
  n.core = count(kCore, [&](const Slot& slot) { return has_slot(&core, slot); });
  n.ops = count(kOps, [&](const Slot& slot) { return has_slot(&ops, slot); });
  return n;
}

}  // namespace tenon::conform
