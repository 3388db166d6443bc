/* A plugin of a far future, and honest about it in its note. */
#include "base.h"

static void change(void) {}
BROKEN_NOTE("alien_major", 9u, 7u, 0u);
BROKEN_ENTRY("alien_major")
