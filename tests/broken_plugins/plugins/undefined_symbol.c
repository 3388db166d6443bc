/* Calls a function that no library has. */
#include "base.h"

void tenon_test_function_nobody_has(void);

static void change(void) { tenon_test_function_nobody_has(); }
BROKEN_PLUGIN("undefined_symbol")
