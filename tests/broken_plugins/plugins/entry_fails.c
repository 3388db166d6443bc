#include "base.h"

static void change(void) {}
BROKEN_NOTE("entry_fails", TN_ABI_MAJOR, TN_ABI_MAJOR, 0u);

TN_EXPORT tn_status tn_plugin_entry(const tn_host_version* version, tn_plugin_descriptor* out) {
  (void)version;
  (void)out;
  change();
  (void)fill_core, (void)fill_ops, (void)fill_card;
  return TN_VERSION_MISMATCH;
}
