#include <unistd.h>

#include "base.h"

static void change(void) {
  for (;;) pause();
}
BROKEN_PLUGIN("hang_in_entry")
