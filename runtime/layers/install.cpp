#include <tenon/runtime/layers/install_internal.h>

#include <ranges>

#include <tenon/runtime/layers/options_internal.h>
#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/memory/guard_internal.h>

namespace tenon::layers {

void install(Plugin& plugin, const tn_host* host) {
  const std::vector<LayerChoice> choices = parse_layers(trusted_environment("TENON_LAYERS"));
  // Asked for here and now: the answer of guards_allocations() is for ever.
  if (trusted_environment("TENON_ALLOC") == "guard" && guards_allocations())
    install_guard(plugin, host);
  for (const LayerChoice& choice : choices | std::views::reverse) {
    if (choice.name == "trace") {
      install_trace(plugin, host, choice);
    } else if (choice.name == "validate") {
      install_validate(plugin, host, choice);
    } else {
      install_fault(plugin, host, choice);
    }
  }
  const std::string shadow = trusted_environment("TENON_SHADOW");
  if (!shadow.empty()) install_shadow(plugin, host, shadow);
}

}  // namespace tenon::layers
