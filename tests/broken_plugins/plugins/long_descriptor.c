/* Says it wrote more than it was offered. */
#include "base.h"

static void change(void) { card.descriptor_size = 4096; }
BROKEN_PLUGIN("long_descriptor")
