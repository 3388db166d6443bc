/* The plain plugin without an entry of its own: compiled once, linked into every plugin of this
 * folder. */
#include <tenon/api/device_plugin.h>
#pragma push_macro("TN_PLUGIN")
#undef TN_PLUGIN
#define TN_PLUGIN(NAME, FILL)
#include "../../c_plugin/plain.c"
#undef TN_PLUGIN
#pragma pop_macro("TN_PLUGIN")

const tn_core* plain_core(void) { return &core; }
const tn_ops* plain_ops(void) { return &ops; }
tn_status plain_open(const tn_host* host, tn_plugin* out) { return plugin_open(host, out); }
