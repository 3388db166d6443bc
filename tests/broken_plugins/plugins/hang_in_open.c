#include <unistd.h>

#include "base.h"

static tn_status open_never(const tn_host* given, tn_plugin* out) {
  (void)given, (void)out;
  for (;;) pause();
  return TN_OK;
}
static void change(void) { card.open = open_never; }
BROKEN_PLUGIN("hang_in_open")
