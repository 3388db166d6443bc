/* Works, and finds nothing to work with. */
#include "base.h"

static tn_status count_none(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = 0;
  set_error("no card is plugged in");
  return TN_OK;
}
static void change(void) { core.device_count = count_none; }
BROKEN_PLUGIN("no_device")
