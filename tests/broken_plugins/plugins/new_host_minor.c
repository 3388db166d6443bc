/* Needs a newer host. */
#include "base.h"

static void change(void) {}
BROKEN_NOTE("new_host_minor", TN_ABI_MAJOR, TN_ABI_MAJOR, 5u);
BROKEN_ENTRY("new_host_minor")
