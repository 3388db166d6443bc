#include <stdlib.h>

#include "base.h"

static void change(void) { abort(); }
BROKEN_PLUGIN("crash_in_entry")
