// Where plugins are looked for, in order, and what was found there.
#pragma once

#include <string>
#include <vector>

#include <tenon/runtime/export.h>
#include <tenon/runtime/loader/plugin.h>

namespace tenon {

// What the search order depends on; the process's own by search_inputs().
struct SearchInputs {
  bool raised_privileges = false;  // AT_SECURE: environment and user folders are ignored
  std::string plugin_files;        // TENON_PLUGIN_FILES
  std::string plugin_path;         // TENON_PLUGIN_PATH
  std::string data_home;           // XDG_DATA_HOME
  std::string home;                // HOME
  std::string runtime_folder;      // of the runtime library; "" when unknown
};
[[nodiscard]] TENON_API SearchInputs search_inputs();

// One place of the search order.
struct SearchEntry {
  std::string path;    // "" for a variable that is ignored as a whole
  std::string origin;  // "TENON_PLUGIN_FILES", …, "beside the runtime"
  bool is_file = false;
  // "search" until it was looked at; then "searched", "absent", "refused", "ignored", "repeated".
  std::string state = "search";
  std::string detail;
};
// The order for these inputs. Relative paths and empty elements are refused, nothing is opened.
[[nodiscard]] TENON_API std::vector<SearchEntry> plan_search(const SearchInputs& inputs);

// Looks at each entry, in order, and gives it its state. Every plugin file becomes a record:
// "found" for the first of a name, "shadowed" for later ones, "refused" for what no rule lets
// through. Two files of one folder that claim the same name are both refused.
[[nodiscard]] TENON_API std::vector<LoadRecord> scan_search(std::vector<SearchEntry>& entries);

// The process's search path as it was scanned (scans on first use).
[[nodiscard]] TENON_API std::vector<SearchEntry> search_path();

}  // namespace tenon
