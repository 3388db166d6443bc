#include <algorithm>
#include <deque>
#include <map>

#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/load_internal.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/search.h>
#include <tenon/runtime/loader/text_internal.h>
#include <tenon/runtime/log.h>

namespace tenon {
namespace {

using loader::LoadFailure;

struct Entry {
  Plugin* plugin;
  loader::FileIdentity identity;
};

// Never destroyed, as the plugins in it.
struct Registry {
  bool scanned = false;
  std::vector<SearchEntry> entries;
  std::deque<LoadRecord> records;
  std::map<std::string, Entry, std::less<>> loaded;
};

Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

// What was asked for by name and can't be had is said, not only recorded.
void report_scan(const Registry& r) {
  for (const SearchEntry& entry : r.entries) {
    const bool by_user = entry.state == "refused" || entry.state == "ignored";
    if (by_user && !entry.origin.starts_with("system")) {
      log(LogLevel::kWarning,
          join_text("plugins: ", entry.origin, " \"", loader::clean_text(entry.path, 500), "\" is ",
                    entry.state, ": ", entry.detail));
    }
  }
  for (const LoadRecord& record : r.records) {
    const bool bad = record.verdict == "refused" || record.verdict == "absent";
    if (bad && record.origin == "TENON_PLUGIN_FILES") {
      log(LogLevel::kWarning, join_text("plugins: ", record.origin, " ", record.path, " is ",
                                        record.verdict, ": ", record.detail));
    }
  }
}

void shadow(Registry& r, const std::string& name, const std::string& winner) {
  for (LoadRecord& record : r.records) {
    if (record.name != name || record.verdict != "found") continue;
    record.verdict = "shadowed";
    record.detail = "loaded by the program before: " + winner;
  }
}

void scan(Registry& r) {
  if (r.scanned) return;
  r.entries = plan_search(search_inputs());
  for (LoadRecord& record : scan_search(r.entries)) r.records.push_back(std::move(record));
  r.scanned = true;
  report_scan(r);
  for (const auto& [name, entry] : r.loaded) shadow(r, name, entry.plugin->path);
}

Plugin& load(Registry& r, LoadRecord& record) {
  loader::Loaded loaded = loader::load_file(record);
  Plugin* plugin = loaded.plugin.release();
  r.loaded.emplace(plugin->name, Entry{plugin, loaded.identity});
  log(LogLevel::kInfo, join_text("plugins: ", plugin->name, " ", plugin->version, " from ",
                                 plugin->path, ", ", plugin->device_count, " device(s)"));
  return *plugin;
}

Plugin* find(Registry& r, std::string_view type) {
  if (const auto at = r.loaded.find(type); at != r.loaded.end()) return at->second.plugin;
  scan(r);
  for (LoadRecord& record : r.records) {
    if (record.name != type || record.verdict != "found") continue;
    try {
      return &load(r, record);
    } catch (const LoadFailure&) {
      return nullptr;  // the record says why
    }
  }
  return nullptr;
}

std::string list_types(const std::vector<std::string>& types) {
  std::string text = "cpu";
  for (const std::string& type : types) {
    if (type != "cpu") text += ", " + type;
  }
  return text;
}

std::vector<std::string> types_of(const Registry& r) {
  std::vector<std::string> types;
  for (const LoadRecord& record : r.records) {
    const bool known = std::find(types.begin(), types.end(), record.name) != types.end();
    if (!record.name.empty() && record.verdict != "absent" && !known) types.push_back(record.name);
  }
  return types;
}

std::string path_text(const std::string& path) { return loader::clean_text(path, 1000); }

std::string report_text(const Registry& r) {
  std::string text = "searched for plugins:";
  for (const SearchEntry& entry : r.entries) {
    text += join_text("\n  ", path_text(entry.path), " (", entry.origin, "): ", entry.state);
    if (!entry.detail.empty()) text += ", " + entry.detail;
  }
  text += r.records.empty() ? "\nfound: nothing" : "\nfound:";
  for (const LoadRecord& record : r.records) {
    text += join_text("\n  ", record.name.empty() ? "?" : record.name, " ", path_text(record.path),
                      ": ");
    if (record.verdict == "found") {
      text += "not opened so far";
    } else if (record.verdict == "refused" || record.verdict == "failed") {
      text += join_text(record.verdict, " at ", record.stage);
    } else {
      text += record.verdict;
    }
    if (!record.detail.empty()) text += ", " + record.detail;
  }
  return text;
}

// Why `type` has no plugin.
std::string reason_for(const Registry& r, std::string_view type) {
  for (const LoadRecord& record : r.records) {
    const bool tried = record.verdict == "refused" || record.verdict == "failed";
    if (record.name != type || !tried) continue;
    return join_text(type, " can't be used: its plugin ", path_text(record.path), " ",
                     record.verdict == "failed" ? "failed" : "was refused", " at ", record.stage,
                     ": ", record.detail);
  }
  return join_text("unknown device ", loader::clean_text(type, 64), ": no plugin tenon_",
                   loader::clean_text(type, 64), ".so was found, known are ",
                   list_types(types_of(r)));
}

// The plugin that is loaded from this very file.
Plugin* loaded_from(const Registry& r, const std::string& path) {
  try {
    const loader::FileIdentity identity = loader::identity_of(path);
    for (const auto& [name, entry] : r.loaded) {
      if (entry.identity == identity) return entry.plugin;
    }
  } catch (const LoadFailure&) {  // the attempt will say it
  }
  return nullptr;
}

void refuse_second(const Registry& r, LoadRecord& record) {
  const std::string file_name = record.path.substr(record.path.rfind('/') + 1);
  const auto at = r.loaded.find(loader::plugin_name_of_file(file_name));
  if (at == r.loaded.end()) return;
  record.name = at->first;
  record.verdict = "shadowed";
  record.detail = "another plugin of that name is in use: " + at->second.plugin->path;
  throw LoadFailure("shadowed", record.detail);
}

}  // namespace

Plugin* find_plugin(std::string_view type) noexcept {
  try {
    Registry& r = registry();
    const ForkLock lock(ForkLockId::kRegistry);
    return find(r, type);
  } catch (...) {
    return nullptr;
  }
}

Plugin& require_plugin(std::string_view type) {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  if (Plugin* plugin = find(r, type)) return *plugin;
  fail(ErrorCode::kDevice, "device", reason_for(r, type),
       "; put its plugin into a folder below, or name its folder in TENON_PLUGIN_PATH\n",
       report_text(r));
}

std::string why_no_plugin(std::string_view type) {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  scan(r);
  return reason_for(r, type);
}

Plugin& load_plugin_file(const std::string& path) {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  if (Plugin* plugin = loaded_from(r, path)) return *plugin;
  LoadRecord& record = r.records.emplace_back();
  record.path = path;
  record.origin = "program";
  record.stage = "search";
  try {
    refuse_second(r, record);
    Plugin& plugin = load(r, record);
    shadow(r, plugin.name, plugin.path);
    return plugin;
  } catch (const LoadFailure& failure) {
    fail(ErrorCode::kDevice, "load_plugin_file", path_text(path), " was ",
         record.verdict == "failed" ? "found but failed" : record.verdict, " at ", record.stage,
         ": ", failure.what());
  }
}

std::vector<std::string> known_plugin_types() {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  scan(r);
  return types_of(r);
}

std::vector<LoadRecord> load_records() {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  scan(r);
  return {r.records.begin(), r.records.end()};
}

std::string load_report() {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  scan(r);
  return report_text(r);
}

std::vector<SearchEntry> search_path() {
  Registry& r = registry();
  const ForkLock lock(ForkLockId::kRegistry);
  scan(r);
  return r.entries;
}

}  // namespace tenon
