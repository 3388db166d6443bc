/* The file is called otherwise than its note and descriptor. */
#include "base.h"

static void change(void) {}
BROKEN_PLUGIN("another_name")
