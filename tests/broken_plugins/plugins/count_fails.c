#include "base.h"

static tn_status count_fails(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  (void)count;
  set_error("the bus did not answer");
  return TN_TIMEOUT;
}
static void change(void) { core.device_count = count_fails; }
BROKEN_PLUGIN("count_fails")
