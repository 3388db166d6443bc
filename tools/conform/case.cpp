#include "case.h"

#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <string_view>

namespace tenon::conform {
namespace {

// The plugin's own keys as the runtime reads them: TENON_CUDA_PRECISION is "precision" of
// tenon_cuda.so.
PluginHost::Config own_keys(const std::string& plugin) {
  std::string prefix = std::filesystem::path(plugin).stem().string() + "_";  // tenon_cuda_
  for (char& c : prefix) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  PluginHost::Config config;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(prefix) || equals == std::string_view::npos) continue;
    std::string key(variable.substr(prefix.size(), equals - prefix.size()));
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    config[key] = variable.substr(equals + 1);
  }
  return config;
}

}  // namespace

void require(bool condition, const std::string& what) {
  if (!condition) throw Failure(what);
}

tn_plugin_entry_fn Context::entry() {
  if (entry_ == nullptr) entry_ = load_entry(target_.plugin);
  return entry_;
}

PluginHost& Context::subject() {
  if (subject_ == nullptr) {
    subject_ =
        std::make_unique<PluginHost>(entry(), own_keys(target_.plugin), target_.device_index);
  }
  return *subject_;
}

PluginHost& Context::oracle() {
  if (oracle_ == nullptr) oracle_ = std::make_unique<PluginHost>(load_entry(target_.oracle));
  return *oracle_;
}

void Context::forget() {
  subject_.reset();
  oracle_.reset();
}

Cases all_cases() {
  Cases cases;
  add_load_cases(cases);
  add_core_cases(cases);
  add_train_cases(cases);
  add_async_cases(cases);
  add_program_cases(cases);
  return cases;
}

}  // namespace tenon::conform
