#include "base.h"

static void change(void) {}
TN_NOTE_ATTRIBUTES static const tn_plugin_note second = {
    6u,     sizeof(tn_plugin_note) - 20u, TN_NOTE_TYPE, "Tenon", TN_ABI_MAJOR, 0u, TN_ABI_MAJOR, 0u,
    "other"};
BROKEN_PLUGIN("two_notes")
