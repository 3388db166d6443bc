#include "base.h"

static void change(void) { ops.flags = 0x80000000u; }
BROKEN_PLUGIN("table_flags")
