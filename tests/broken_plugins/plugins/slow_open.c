/* Takes half a second to open, and says to the descriptor SLOW_OPEN_TELLS that it has begun. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base.h"

static tn_status open_slowly(const tn_host* given, tn_plugin* out) {
  const struct timespec pause = {0, 500000000};
  const char* tells = getenv("SLOW_OPEN_TELLS");
  if (tells != NULL && write(atoi(tells), "!", 1) != 1) return TN_INTERNAL;
  nanosleep(&pause, NULL);
  return base_open(given, out);
}
static void change(void) { card.open = open_slowly; }
BROKEN_PLUGIN("slow_open")
