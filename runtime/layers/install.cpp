#include <tenon/runtime/layers/install_internal.h>

#include <ranges>

#include <tenon/runtime/layers/options_internal.h>
#include <tenon/runtime/loader/environment.h>

namespace tenon::layers {

void install(Plugin& plugin, const tn_host* host) {
  const std::vector<LayerChoice> choices = parse_layers(trusted_environment("TENON_LAYERS"));
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
