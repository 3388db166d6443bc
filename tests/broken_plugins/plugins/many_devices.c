/* Four thousand million devices. */
#include "base.h"

static tn_status count_many(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = UINT32_MAX;
  return TN_OK;
}
static void change(void) { core.device_count = count_many; }
BROKEN_PLUGIN("many_devices")
