#include "base.h"

static void change(void) {}
BROKEN_PLUGIN("Bad-Name")
