/* The example with one slot of a table NULL: the one at the offset in HOLE, "core 16" or "ops 32". */
#include <tenon/api/reference_kernels.h>

#include <stdlib.h>

#define tn_plugin_entry plain_entry
#include PLAIN_PLUGIN
#undef tn_plugin_entry

static void cut(void* table, size_t size, const char* name) {
  const char* hole = getenv("HOLE");
  size_t offset;
  if (hole == NULL || strncmp(hole, name, strlen(name)) != 0) return;
  offset = strtoul(hole + strlen(name), NULL, 10);
  if (offset + sizeof(void*) <= size) memset((char*)table + offset, 0, sizeof(void*));
}

static tn_status get_holed(tn_plugin plugin, const char* name, uint64_t name_size,
                           const void** table) {
  static tn_core holed_core;
  static tn_ops holed_ops;
  const tn_status status = get_interface(plugin, name, name_size, table);
  if (status != TN_OK) return status;
  if (*table == &core) {
    holed_core = core;
    cut(&holed_core, sizeof holed_core, "core ");
    *table = &holed_core;
  } else {
    holed_ops = ops;
    cut(&holed_ops, sizeof holed_ops, "ops ");
    *table = &holed_ops;
  }
  return TN_OK;
}

TN_EXPORT tn_status tn_plugin_entry(const tn_host_version* host, tn_plugin_descriptor* out) {
  const tn_status status = plain_entry(host, out);
  if (status == TN_OK && out->descriptor_size >= sizeof *out) out->get_interface = get_holed;
  return status;
}
