#include <stdlib.h>

#include "base.h"

static void change(void) { atexit(abort); }
BROKEN_PLUGIN("crash_at_exit")
