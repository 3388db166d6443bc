#include "base.h"

static void change(void) { card.open = NULL; }
BROKEN_PLUGIN("no_open")
