#include "base.h"

static tn_status throw_number(const tn_host*, tn_plugin*) { throw 42; }
static void change() { card.open = throw_number; }
BROKEN_PLUGIN("throw_in_open")
