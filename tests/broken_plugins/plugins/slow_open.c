/* Takes half a second to open. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <time.h>

#include "base.h"

static tn_status open_slowly(const tn_host* given, tn_plugin* out) {
  const struct timespec pause = {0, 500000000};
  nanosleep(&pause, NULL);
  return base_open(given, out);
}
static void change(void) { card.open = open_slowly; }
BROKEN_PLUGIN("slow_open")
