/* OK, but no table. */
#include "base.h"

static tn_status get_nothing(tn_plugin plugin, const char* name, uint64_t name_size,
                             const void** table) {
  (void)plugin, (void)name, (void)name_size, (void)table;
  return TN_OK;
}
static void change(void) { card.get_interface = get_nothing; }
BROKEN_PLUGIN("null_table")
