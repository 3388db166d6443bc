/* The plain plugin under another name: a second vendor who started from the same page. */
#include <tenon/api/device_plugin.h>
#pragma push_macro("TN_PLUGIN")
#undef TN_PLUGIN
#define TN_PLUGIN(NAME, FILL) /* the plain plugin's own entry is left out */
#include "plain.c"
#undef TN_PLUGIN
#pragma pop_macro("TN_PLUGIN")

static void fill_other_card(tn_plugin_descriptor* d) {
  fill_card(d);
  d->vendor = "another example";
  d->vendor_size = 15;
  d->dlpack_device_type = TN_DLPACK_EXT;
}

TN_PLUGIN("other_vendor", fill_other_card)
