/* The plain plugin as if it were an accelerator; with EMULATED, one that says it is emulated. */
#include <tenon/api/device_plugin.h>
#pragma push_macro("TN_PLUGIN")
#undef TN_PLUGIN
#define TN_PLUGIN(NAME, FILL) /* the plain plugin's own entry is left out */
#ifdef EMULATED
#undef TN_DEVICE_HOST_MEMORY
#define TN_DEVICE_HOST_MEMORY (0x1u | TN_DEVICE_SOFTWARE)
#endif
#include "plain.c"
#undef TN_PLUGIN
#pragma pop_macro("TN_PLUGIN")

static void fill_accelerator_card(tn_plugin_descriptor* d) {
  fill_card(d);
  d->dlpack_device_type = TN_DLPACK_VULKAN;
}

#ifdef EMULATED
TN_PLUGIN("emulated", fill_accelerator_card)
#else
TN_PLUGIN("accelerator", fill_accelerator_card)
#endif
