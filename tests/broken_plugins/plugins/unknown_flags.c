/* A flag that a host must understand. */
#include "base.h"

static void change(void) { card.descriptor_flags |= 0x10000u; }
BROKEN_PLUGIN("unknown_flags")
