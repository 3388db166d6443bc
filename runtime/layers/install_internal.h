// Puts the layers that TENON_LAYERS names, and TENON_SHADOW's, around a plugin's tables.
#pragma once

#include <string>

#include <tenon/runtime/loader/plugin.h>

namespace tenon::layers {

struct LayerChoice;

// Outermost first, so the last named is next to the plugin. Without the variables nothing is
// touched. LoadFailure "refused" names what is wrong with a variable.
void install(Plugin& plugin, const tn_host* host);

void install_trace(Plugin& plugin, const tn_host* host, const LayerChoice& choice);
void install_validate(Plugin& plugin, const tn_host* host, const LayerChoice& choice);
void install_fault(Plugin& plugin, const tn_host* host, const LayerChoice& choice);
// For TENON_ALLOC=guard: next to the plugin.
void install_guard(Plugin& plugin, const tn_host* host);
// Around the others; `spec` is a device such as "reference:0".
void install_shadow(Plugin& plugin, const tn_host* host, const std::string& spec);

}  // namespace tenon::layers
