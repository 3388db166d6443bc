#include "base.h"

static void change(void) { card.magic = 0x0123456789abcdefu; }
BROKEN_PLUGIN("wrong_magic")
