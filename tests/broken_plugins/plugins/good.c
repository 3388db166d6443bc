/* Nothing is broken; optional slots are missing, which is allowed. */
#include "base.h"

static void change(void) {}
BROKEN_PLUGIN("good")
