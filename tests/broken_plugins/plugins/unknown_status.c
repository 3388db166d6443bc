/* Answers a status that this ABI does not know. */
#include "base.h"

static tn_status open_strangely(const tn_host* given, tn_plugin* out) {
  (void)given;
  (void)out;
  return 77;
}
static void change(void) { card.open = open_strangely; }
BROKEN_PLUGIN("unknown_status")
