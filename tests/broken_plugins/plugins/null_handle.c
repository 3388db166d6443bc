/* OK, but no handle. */
#include "base.h"

static tn_status open_nothing(const tn_host* given, tn_plugin* out) {
  (void)given;
  (void)out;
  return TN_OK;
}
static void change(void) { card.open = open_nothing; }
BROKEN_PLUGIN("null_handle")
