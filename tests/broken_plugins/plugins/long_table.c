/* A newer table: the known part is right, the tail is junk that nobody may read. */
#include "base.h"

static struct {
  tn_core known;
  unsigned char junk[4096];
} longer;

static tn_status get_longer(tn_plugin plugin, const char* name, uint64_t name_size,
                            const void** table) {
  if (name_size != 4) return base_get_interface(plugin, name, name_size, table);
  memset(&longer, 0xee, sizeof longer);
  longer.known = core;
  longer.known.struct_size = UINT32_MAX;
  *table = &longer;
  return TN_OK;
}
static void change(void) { card.get_interface = get_longer; }
BROKEN_PLUGIN("long_table")
