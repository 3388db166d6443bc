#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include <tenon/runtime/device.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/probe.h>

#include "commands.h"
#include "facts.h"

namespace tenon::cli {
namespace {

struct Row {
  std::string device;
  std::string plugin;  // its version; "" when it is not usable
  DeviceFacts facts;
};

struct Survey {
  std::vector<Row> rows;
  std::vector<std::pair<std::string, std::string>> unusable;  // type, reason
  std::string default_device;
  std::string default_error;
};

void survey_type(const std::string& type, Survey& survey) {
  const Plugin* plugin = find_plugin(type);
  if (plugin == nullptr) {
    const char* still = type == "cpu" ? "host memory only, nothing computes: " : "";
    survey.unusable.emplace_back(type, still + why_no_plugin(type));
  } else if (plugin->device_count == 0) {
    survey.unusable.emplace_back(type, plugin->no_device_reason);
  } else {
    for (uint32_t i = 0; i < plugin->device_count; ++i) {
      survey.rows.push_back(
          {Device(type, i).str(), plugin->version, read_device_facts(*plugin, i)});
    }
  }
}

Survey make_survey() {
  Survey survey;
  std::vector<std::string> types = known_plugin_types();
  // Host memory comes first, and is there without a plugin, which is worth saying.
  types.erase(std::remove(types.begin(), types.end(), "cpu"), types.end());
  types.insert(types.begin(), "cpu");
  for (const std::string& type : types) survey_type(type, survey);
  try {
    survey.default_device = default_device().str();
  } catch (const Error& e) {
    survey.default_error = e.what();
  }
  return survey;
}

void print_row(const Row& row, bool is_default) {
  const tn_device_info& info = row.facts.info;
  fmt::print("{} {:<14} {}\n", is_default ? '*' : ' ', row.device,
             row.facts.error.empty() ? row.facts.name : "can't be opened: " + row.facts.error);
  if (!row.facts.error.empty()) return;
  fmt::print("{:17}memory    {}{}\n", "",
             info.memory_bytes == 0 ? "unknown" : size_text(info.memory_bytes),
             (info.flags & TN_DEVICE_HOST_MEMORY) != 0 ? ", the host's" : "");
  fmt::print("{:17}computes  {}\n", "", dtypes_text(info.compute_dtypes));
  fmt::print("{:17}programs  {}\n", "", program_text(info));
}

int print_text(const Survey& survey) {
  for (const Row& row : survey.rows) print_row(row, row.device == survey.default_device);
  for (const auto& [type, reason] : survey.unusable) fmt::print("- {:<14} {}\n", type, reason);
  if (!survey.default_error.empty()) {
    fmt::print("\nno default device: {}\n", survey.default_error);
    return 1;
  }
  fmt::print("\n* is the default; TENON_DEVICE chooses another. More: tenon doctor\n");
  return 0;
}

}  // namespace

int run_devices(Format format) {
  const Survey survey = make_survey();
  if (format == Format::kText) return print_text(survey);
  Json devices = Json::array(), unusable = Json::array();
  for (const Row& row : survey.rows) {
    Json json = device_json(row.device, row.facts);
    json["plugin_version"] = row.plugin;
    json["default"] = row.device == survey.default_device;
    devices.push_back(std::move(json));
  }
  for (const auto& [type, reason] : survey.unusable) {
    unusable.push_back({{"type", type}, {"reason", reason}});
  }
  Json document = {{"devices", devices}, {"unusable", unusable}};
  document["default"] = survey.default_error.empty() ? Json(survey.default_device) : Json();
  if (!survey.default_error.empty()) document["default_error"] = survey.default_error;
  print_json(document);
  return survey.default_error.empty() ? 0 : 1;
}

}  // namespace tenon::cli
