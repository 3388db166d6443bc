#include <tenon/runtime/layers/options_internal.h>

#include <algorithm>
#include <charconv>

#include <tenon/runtime/error.h>
#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon::layers {
namespace {

constexpr std::string_view kLayers[] = {"trace", "validate", "fault"};
constexpr size_t kMaxShown = 64;

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw loader::LoadFailure("refused", join_text("TENON_LAYERS: ", parts...));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string shown(std::string_view text) { return loader::clean_text(text, kMaxShown); }

LayerChoice parse_one(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (std::find(std::begin(kLayers), std::end(kLayers), parts[0]) == std::end(kLayers)) {
    refuse("unknown layer \"", shown(parts[0]), "\", expected trace, validate or fault");
  }
  LayerChoice choice{.name = std::string(parts[0]), .options = {}};
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos || equals == 0) {
      refuse("expected ", choice.name, ":key=value, got \"", shown(parts[i]), "\"");
    }
    choice.options.emplace_back(parts[i].substr(0, equals), parts[i].substr(equals + 1));
  }
  return choice;
}

}  // namespace

std::string_view LayerChoice::get(std::string_view key) const {
  for (const auto& [name_of, value] : options) {
    if (name_of == key) return value;
  }
  return {};
}

void LayerChoice::allow_only(std::initializer_list<std::string_view> keys) const {
  for (const auto& [key, value] : options) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    std::string known;
    for (const std::string_view option : keys)
      known += join_text(known.empty() ? "" : ", ", option);
    refuse(name, " has no option \"", shown(key), "\", ",
           known.empty() ? "it takes none" : "known are " + known);
  }
}

std::vector<LayerChoice> parse_layers(std::string_view text) {
  std::vector<LayerChoice> choices;
  if (text.empty()) return choices;
  for (const std::string_view part : split(text, ',')) {
    LayerChoice choice = parse_one(part);
    const bool twice = std::any_of(choices.begin(), choices.end(), [&](const LayerChoice& other) {
      return other.name == choice.name;
    });
    if (twice) refuse(choice.name, " is named twice");
    choices.push_back(std::move(choice));
  }
  return choices;
}

uint64_t number_option(const LayerChoice& choice, std::string_view key, uint64_t fallback) {
  const std::string_view text = choice.get(key);
  if (text.empty()) return fallback;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    refuse(choice.name, ":", key, " must be a whole number from 1 on, got \"", shown(text), "\"");
  }
  return value;
}

}  // namespace tenon::layers
