/* A length that no memory has. */
#include "base.h"

static void change(void) {
  card.name_size = UINT64_MAX;
  card.version_size = UINT64_MAX;
}
BROKEN_PLUGIN("endless_name")
