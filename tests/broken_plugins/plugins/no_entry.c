/* A note, but no entry symbol. */
#include <tenon/api/device_plugin.h>

TN_NOTE_ATTRIBUTES static const tn_plugin_note note = {6u,           sizeof(tn_plugin_note) - 20u,
                                                       TN_NOTE_TYPE, "Tenon",
                                                       TN_ABI_MAJOR, 0u,
                                                       TN_ABI_MAJOR, 0u,
                                                       "no_entry"};
