/* Speaks this major and the next: the one that both sides know is in force. */
#include "../../broken_plugins/plugins/base.h"

static void change(void) {
  card.abi_major = TN_ABI_MAJOR + 1u;
  card.abi_minor = 7;
}
BROKEN_NOTE("two_majors", TN_ABI_MAJOR + 1u, TN_ABI_MAJOR, 0u);
BROKEN_ENTRY("two_majors")
