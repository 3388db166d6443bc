#include <tenon/runtime/loader/tables_internal.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/host_internal.h>

namespace tenon::loader {
namespace {

struct Slot {
  const char* name;
  size_t offset;
};
#define TENON_SLOT(table, slot) \
  { #slot, offsetof(table, slot) }
constexpr Slot kCoreSlots[] = {
    TENON_SLOT(tn_core, close),          TENON_SLOT(tn_core, device_count),
    TENON_SLOT(tn_core, device_open),    TENON_SLOT(tn_core, device_close),
    TENON_SLOT(tn_core, device_info),    TENON_SLOT(tn_core, buffer_alloc),
    TENON_SLOT(tn_core, buffer_free),    TENON_SLOT(tn_core, stream_create),
    TENON_SLOT(tn_core, stream_destroy), TENON_SLOT(tn_core, stream_sync),
    TENON_SLOT(tn_core, event_record),   TENON_SLOT(tn_core, event_query),
    TENON_SLOT(tn_core, event_wait),     TENON_SLOT(tn_core, stream_wait),
    TENON_SLOT(tn_core, upload),         TENON_SLOT(tn_core, download),
};
constexpr Slot kOpsSlots[] = {
    TENON_SLOT(tn_ops, query),
    TENON_SLOT(tn_ops, prepare),
    TENON_SLOT(tn_ops, kernel_release),
    TENON_SLOT(tn_ops, launch),
};
#undef TENON_SLOT

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw LoadFailure("refused", join_text(parts...));
}

// Every table begins like this.
struct TableHead {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t version;
};

const void* fetch(const tn_plugin_descriptor& descriptor, const Plugin& plugin,
                  std::string_view name) {
  const void* table = nullptr;
  tn_status status = TN_INTERNAL;
  try {
    status = descriptor.get_interface(plugin.handle, name.data(), name.size(), &table);
  } catch (...) {
    throw LoadFailure("failed", "get_interface let an exception through the C boundary");
  }
  if (status != TN_OK) {
    const std::string text = take_error_of(plugin.name);
    refuse("no table \"", name, "\", which is required: ", status_name(status),
           text.empty() ? "" : ": ", text);
  }
  if (table == nullptr) refuse("get_interface(\"", name, "\") answered OK with a NULL table");
  return table;
}

// The part of the plugin's table that both sides know.
template <class Table>
void copy_table(const void* theirs, const char* name, uint32_t minimum, Table& ours) {
  TableHead head;
  std::memcpy(&head, theirs, sizeof head);
  if (head.struct_size < minimum) {
    refuse("the table \"", name, "\" has ", head.struct_size, " bytes, expected at least ",
           minimum);
  }
  if ((head.flags & TN_FLAGS_MUST_UNDERSTAND) != 0) {
    refuse("the table \"", name,
           "\" has flags this runtime must understand and does not: ", head.flags);
  }
  if (head.version != 1) {
    refuse("the table \"", name, "\" is version ", head.version, ", this runtime knows 1");
  }
  std::memcpy(&ours, theirs, std::min<size_t>(head.struct_size, sizeof ours));
  ours.struct_size = sizeof ours;
}

template <class Table, size_t N>
void require_slots(const Table& table, const char* name, const Slot (&slots)[N]) {
  std::string missing;
  for (const Slot& slot : slots) {
    void (*function)() = nullptr;
    std::memcpy(&function, reinterpret_cast<const char*>(&table) + slot.offset, sizeof function);
    if (function == nullptr) missing += join_text(missing.empty() ? "" : ", ", slot.name);
  }
  if (!missing.empty()) refuse("required slots of \"", name, "\" are NULL: ", missing);
}

// Takes the plugin's slot, or the stub where there is none.
template <class Function>
void fill_slot(Function& slot, Function stub, uint32_t bit, Plugin& plugin) {
  if (slot == nullptr) {
    slot = stub;
  } else {
    plugin.optional_slots |= bit;
  }
}

void stub_core(Plugin& plugin) {
  tn_core& core = plugin.core;
  fill_slot<decltype(core.device_budget)>(
      core.device_budget, [](tn_device, uint64_t*, uint64_t*) { return TN_UNIMPLEMENTED; },
      kHasBudget, plugin);
  fill_slot<decltype(core.buffer_from_host)>(
      core.buffer_from_host,
      [](tn_device, void*, uint64_t, tn_buffer*) { return TN_UNIMPLEMENTED; }, kHasFromHost,
      plugin);
  fill_slot<decltype(core.buffer_host)>(
      core.buffer_host, [](tn_buffer, void**) { return TN_UNIMPLEMENTED; }, kHasHost, plugin);
}

void stub_ops(Plugin& plugin) {
  tn_ops& ops = plugin.ops;
  fill_slot<decltype(ops.workspace)>(
      ops.workspace,
      [](tn_kernel, const tn_tensor* const*, uint64_t* size_bytes) {
        *size_bytes = 0;  // by the ABI: no slot, never any scratch
        return TN_OK;
      },
      kHasWorkspace, plugin);
  fill_slot<decltype(ops.launch_many)>(
      ops.launch_many,
      [](tn_stream, tn_kernel, uint64_t, const tn_tensor* const*, const uint64_t*,
         const tn_workspace*, uint64_t) { return TN_UNIMPLEMENTED; },
      kHasLaunchMany, plugin);
}

}  // namespace

void copy_tables(const tn_plugin_descriptor& descriptor, Plugin& plugin) {
  copy_table(fetch(descriptor, plugin, TN_CORE), TN_CORE, TN_MIN_CORE, plugin.core);
  require_slots(plugin.core, TN_CORE, kCoreSlots);
  stub_core(plugin);
  copy_table(fetch(descriptor, plugin, TN_OPS), TN_OPS, TN_MIN_OPS, plugin.ops);
  require_slots(plugin.ops, TN_OPS, kOpsSlots);
  stub_ops(plugin);
}

}  // namespace tenon::loader
