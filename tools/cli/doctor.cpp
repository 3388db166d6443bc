#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/device.h>
#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/probe.h>
#include <tenon/runtime/loader/search.h>
#include <tenon/runtime/parallel.h>

#include "commands.h"
#include "facts.h"

namespace tenon::cli {
namespace {

struct Variable {
  std::string name, value, unset, meaning;
  bool is_set = false;
};

struct Diagnosis {
  std::vector<SearchEntry> search;
  std::vector<PluginFacts> plugins;
  std::vector<Variable> variables;
  std::string default_device;
  std::string default_error;
};

// This very program, which serves as the helper.
std::string own_program() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure).string();
}

// Long values are cut: they are shown to be recognised.
std::string shown(const char* value) {
  constexpr size_t kMost = 1000;
  const std::string_view text = value == nullptr ? "" : value;
  if (text.size() <= kMost) return std::string(text);
  return fmt::format("{}... ({} bytes)", text.substr(0, kMost), text.size());
}

// Also lists what is set and stands in no table: a plugin's key, or a misspelt name.
std::vector<Variable> list_variables() {
  std::vector<Variable> variables;
  for (const EnvironmentVariable& known : environment_variables()) {
    const char* value = std::getenv(known.name);
    variables.push_back({known.name, shown(value), known.unset, known.meaning, value != nullptr});
  }
  const size_t known_count = variables.size();
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view text = *at;
    const std::string_view name = text.substr(0, text.find('='));
    bool known = !name.starts_with("TENON_");
    for (size_t i = 0; i < known_count && !known; ++i) known = variables[i].name == name;
    if (known) continue;
    variables.push_back({std::string(name), shown(text.data() + name.size() + 1), "",
                         "a plugin's configuration key, or unknown", true});
  }
  return variables;
}

Diagnosis diagnose(std::chrono::milliseconds timeout) {
  Diagnosis diagnosis;
  diagnosis.variables = list_variables();
  diagnosis.search = search_path();
  const std::string helper = own_program();
  for (const LoadRecord& record : load_records()) {
    PluginFacts facts;
    facts.record = record;
    if (record.verdict == "found") {
      facts = probe_plugin(helper, record.path, timeout);
      facts.record.name = record.name;
      facts.record.origin = record.origin;
    }
    diagnosis.plugins.push_back(std::move(facts));
  }
  ::setenv("TENON_PROBE", "1", 1);  // so that the choice, too, opens nothing untried
  try {
    diagnosis.default_device = default_device().str();
  } catch (const Error& e) {
    diagnosis.default_error = e.what();
  }
  return diagnosis;
}

// ---- text ----

void print_device(const std::string& device, const DeviceFacts& facts) {
  if (!facts.error.empty()) {
    fmt::print("      {}: can't be opened: {}\n", device, facts.error);
    return;
  }
  const tn_device_info& info = facts.info;
  fmt::print("      {}: {}, memory {}, computes {}; programs of {}\n", device, facts.name,
             info.memory_bytes == 0 ? "unknown" : size_text(info.memory_bytes),
             dtypes_text(info.compute_dtypes), program_text(info));
}

void print_plugin(const PluginFacts& facts) {
  const LoadRecord& record = facts.record;
  const bool good = record.verdict == "loaded";
  const bool stopped = record.verdict == "refused" || record.verdict == "failed";
  fmt::print("  {} {:<10} {}\n", good ? "+" : "-", record.name.empty() ? "?" : record.name,
             record.path);
  fmt::print("      {}{}{}{}\n", record.verdict, stopped ? " at " + record.stage : "",
             record.detail.empty() ? "" : ": ", record.detail);
  if (!good) return;
  fmt::print("      version {} by {}, ABI major {} minor {}\n", facts.version, facts.vendor,
             facts.abi_major, facts.abi_minor);
  for (size_t i = 0; i < facts.devices.size(); ++i) {
    print_device(fmt::format("{}:{}", record.name, i), facts.devices[i]);
  }
}

void print_text(const Diagnosis& diagnosis) {
  fmt::print("tenon {}, plugin ABI major {} minor {} (pre-release), {} threads\n", TENON_VERSION,
             TN_ABI_MAJOR, TN_ABI_MINOR, thread_count());
  fmt::print("\nsearch path, in order\n");
  for (const SearchEntry& entry : diagnosis.search) {
    fmt::print("  {} ({})\n      {}{}{}\n", entry.path, entry.origin, entry.state,
               entry.detail.empty() ? "" : ": ", entry.detail);
  }
  fmt::print("\nplugins{}\n", diagnosis.plugins.empty() ? ": none found" : "");
  for (const PluginFacts& facts : diagnosis.plugins) print_plugin(facts);
  fmt::print("\nenvironment\n");
  for (const Variable& variable : diagnosis.variables) {
    fmt::print("  {:<22} {}\n      {}\n", variable.name,
               variable.is_set ? "= \"" + variable.value + "\"" : "not set: " + variable.unset,
               variable.meaning);
  }
  if (diagnosis.default_error.empty()) {
    fmt::print("\ndefault device: {}\n", diagnosis.default_device);
  } else {
    fmt::print("\nno default device: {}\n",
               diagnosis.default_error.substr(0, diagnosis.default_error.find("\nsearched")));
  }
}

// ---- JSON ----

Json plugin_json(const PluginFacts& facts) {
  const LoadRecord& record = facts.record;
  Json json = {{"name", record.name},   {"path", record.path},       {"origin", record.origin},
               {"stage", record.stage}, {"verdict", record.verdict}, {"detail", record.detail}};
  if (record.verdict != "loaded") return json;
  json["version"] = facts.version;
  json["vendor"] = facts.vendor;
  json["abi"] = {{"major", facts.abi_major}, {"minor", facts.abi_minor}};
  json["devices"] = Json::array();
  for (size_t i = 0; i < facts.devices.size(); ++i) {
    json["devices"].push_back(device_json(fmt::format("{}:{}", record.name, i), facts.devices[i]));
  }
  return json;
}

Json to_json(const Diagnosis& diagnosis) {
  Json search = Json::array(), plugins = Json::array(), variables = Json::array();
  for (const SearchEntry& entry : diagnosis.search) {
    search.push_back({{"path", entry.path},
                      {"origin", entry.origin},
                      {"state", entry.state},
                      {"detail", entry.detail}});
  }
  for (const PluginFacts& facts : diagnosis.plugins) plugins.push_back(plugin_json(facts));
  for (const Variable& variable : diagnosis.variables) {
    variables.push_back({{"name", variable.name},
                         {"value", variable.is_set ? Json(variable.value) : Json()},
                         {"unset", variable.unset},
                         {"meaning", variable.meaning}});
  }
  Json document = {
      {"version", TENON_VERSION},
      {"abi", {{"major", TN_ABI_MAJOR}, {"minor", TN_ABI_MINOR}, {"prerelease", true}}},
      {"threads", thread_count()},
      {"search", search},
      {"plugins", plugins},
      {"environment", variables}};
  const bool chosen = diagnosis.default_error.empty();
  document["default"] = chosen ? Json(diagnosis.default_device) : Json();
  if (!chosen) document["default_error"] = diagnosis.default_error;
  return document;
}

}  // namespace

int run_doctor(Format format, std::chrono::milliseconds timeout) {
  const Diagnosis diagnosis = diagnose(timeout);
  if (format == Format::kJson) {
    print_json(to_json(diagnosis));
  } else {
    print_text(diagnosis);
  }
  return diagnosis.default_error.empty() ? 0 : 1;
}

}  // namespace tenon::cli
