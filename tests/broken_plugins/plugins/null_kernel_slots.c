#include "base.h"

static void change(void) { ops.launch = NULL; }
BROKEN_PLUGIN("null_kernel_slots")
