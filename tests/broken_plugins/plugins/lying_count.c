/* Says three devices; the last two do not open. */
#include "base.h"

static tn_status count_three(tn_plugin plugin, uint32_t* count) {
  (void)plugin;
  *count = 3;
  return TN_OK;
}
static tn_status open_first(tn_plugin plugin, uint32_t index, tn_device* out) {
  if (index == 0) return base_device_open(plugin, index, out);
  set_error("nothing in that slot");
  return TN_INTERNAL;
}
static void change(void) {
  core.device_count = count_three;
  core.device_open = open_first;
}
BROKEN_PLUGIN("lying_count")
