/* Thinks that it owns the process. */
#include <stdlib.h>

#include "base.h"

static tn_status leave(const tn_host* given, tn_plugin* out) {
  (void)given, (void)out;
  exit(0);
  return TN_OK;
}
static void change(void) { card.open = leave; }
BROKEN_PLUGIN("exit_in_open")
