/* File and note agree, the descriptor does not. */
#include "base.h"

static void change(void) {
  card.name = "\033[31mred";
  card.name_size = 8;
}
BROKEN_PLUGIN("name_mismatch")
