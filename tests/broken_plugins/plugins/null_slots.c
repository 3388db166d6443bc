#include "base.h"

static void change(void) {
  core.device_open = NULL;
  core.upload = NULL;
}
BROKEN_PLUGIN("null_slots")
