/* Lives with the next minor of the host only. */
#include "../../broken_plugins/plugins/base.h"

static void change(void) {
  card.abi_minor = TN_ABI_MINOR + 1u;
  card.host_minor_min = TN_ABI_MINOR + 1u;
}
BROKEN_NOTE("needs_minor", TN_ABI_MAJOR, TN_ABI_MAJOR, TN_ABI_MINOR + 1u);
BROKEN_ENTRY("needs_minor")
