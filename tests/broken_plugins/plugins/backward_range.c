/* Oldest major above the newest. */
#include "base.h"

static void change(void) {}
BROKEN_NOTE("backward_range", 1u, 2u, 0u);
BROKEN_ENTRY("backward_range")
