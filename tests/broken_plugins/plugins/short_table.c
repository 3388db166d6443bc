/* Fewer bytes than the frozen minimum. */
#include "base.h"

static void change(void) { core.struct_size = 64; }
BROKEN_PLUGIN("short_table")
