/* Has no table "ops". */
#include "base.h"

static tn_status core_only(tn_plugin plugin, const char* name, uint64_t name_size,
                           const void** table) {
  if (name_size == 4) return base_get_interface(plugin, name, name_size, table);
  set_error("kernels are sold separately");
  return TN_UNSUPPORTED;
}
static void change(void) { card.get_interface = core_only; }
BROKEN_PLUGIN("no_ops")
