// Full-size copies of a plugin's tables: required slots proved, missing optional ones stubbed.
#pragma once

#include <tenon/runtime/loader/plugin.h>

namespace tenon::loader {

// Fills plugin.core, plugin.ops and plugin.optional_slots. LoadFailure "refused" names what is
// short, unknown or missing.
void copy_tables(const tn_plugin_descriptor& descriptor, Plugin& plugin);

}  // namespace tenon::loader
