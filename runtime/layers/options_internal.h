// TENON_LAYERS: "trace:file=/tmp/step.json,validate,fault:slot=launch:call=3:as=oom".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::layers {

struct LayerChoice {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;

  // The value of an option, "" when it is not given.
  [[nodiscard]] std::string_view get(std::string_view key) const;
  // LoadFailure when an option is none of these.
  void allow_only(std::initializer_list<std::string_view> keys) const;
};

// The layers asked for, outermost first. LoadFailure for an unknown name or a malformed option.
[[nodiscard]] std::vector<LayerChoice> parse_layers(std::string_view text);

// A whole number of at least 1. LoadFailure otherwise.
[[nodiscard]] uint64_t number_option(const LayerChoice& choice, std::string_view key,
                                     uint64_t fallback);

}  // namespace tenon::layers
