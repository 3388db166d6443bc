/* Wraps another plugin, so it is no device. */
#include "base.h"

static void change(void) { card.descriptor_flags |= TN_DESCRIPTOR_LAYER; }
BROKEN_PLUGIN("layer")
