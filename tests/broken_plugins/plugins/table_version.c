#include "base.h"

static void change(void) { ops.version = 2; }
BROKEN_PLUGIN("table_version")
