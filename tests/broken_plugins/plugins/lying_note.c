/* The note says one ABI, the descriptor another. */
#include "base.h"

static void change(void) { card.abi_major = card.abi_major_min = 9; }
BROKEN_PLUGIN("lying_note")
