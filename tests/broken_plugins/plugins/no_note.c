/* Works, but was not built with TN_PLUGIN. */
#include "base.h"

static void change(void) {}
BROKEN_ENTRY("no_note")
