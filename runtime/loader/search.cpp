#include <tenon/runtime/loader/search.h>

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string_view>

#include <tenon/runtime/loader/elf_note_internal.h>
#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon {

using loader::LoadFailure;

namespace {

constexpr const char* kSystemFolders[] = {
    "/usr/local/lib/tenon",
    "/usr/lib/tenon",
#if defined(__x86_64__) && defined(__linux__)
    "/usr/lib/x86_64-linux-gnu/tenon",
#elif defined(__aarch64__) && defined(__linux__)
    "/usr/lib/aarch64-linux-gnu/tenon",
#endif
};
constexpr size_t kMaxFolderEntries = 4096;
constexpr size_t kMaxList = 65'536;  // bytes of a variable

std::string raw_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string folder_of_runtime() {
  Dl_info info;
  if (::dladdr(reinterpret_cast<const void*>(&folder_of_runtime), &info) == 0) return {};
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(info.dli_fname, nullptr), std::free);
  if (real == nullptr) return {};
  const std::string path = real.get();
  return path.substr(0, path.rfind('/'));
}

SearchEntry ignored_entry(const char* origin, std::string path) {
  return {std::move(path), origin, false, "ignored",
          "the process runs with raised privileges, which its caller must not steer"};
}

// Whether "/a/../b" and the like: checks of the folders on the way would look at others than meant.
bool climbs(const std::string& path) {
  return path.find("/../") != std::string::npos || path.ends_with("/..");
}

SearchEntry make_entry(std::string path, const char* origin, bool is_file) {
  SearchEntry entry{std::move(path), origin, is_file, "search", {}};
  if (entry.path.empty()) {
    entry.state = "refused";
    entry.detail = "an empty element would mean the working directory; remove it";
  } else if (entry.path[0] != '/') {
    entry.state = "refused";
    entry.detail = "expected an absolute path";
  } else if (climbs(entry.path)) {
    entry.state = "refused";
    entry.detail = "expected a path without \"..\"; name the folder itself";
  }
  return entry;
}

void add_list(const std::string& list, const char* origin, bool is_file, bool ignored,
              std::vector<SearchEntry>& entries) {
  if (list.empty()) return;
  if (ignored) {
    entries.push_back(ignored_entry(origin, list.substr(0, kMaxList)));
    return;
  }
  if (list.size() > kMaxList) {
    entries.push_back(
        {list.substr(0, 40) + "...", origin, is_file, "refused",
         join_text("the value has ", list.size(), " bytes, expected at most ", kMaxList)});
    return;
  }
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(':', begin), list.size());
    entries.push_back(make_entry(list.substr(begin, end - begin), origin, is_file));
    begin = end + 1;
  }
}

void add_user_folder(const SearchInputs& inputs, std::vector<SearchEntry>& entries) {
  const bool from_xdg = !inputs.data_home.empty();
  const char* origin = from_xdg ? "XDG_DATA_HOME" : "user folder";
  if (!from_xdg && inputs.home.empty()) return;
  const std::string base = from_xdg ? inputs.data_home : inputs.home + "/.local/share";
  entries.push_back(inputs.raised_privileges ? ignored_entry(origin, base + "/tenon/plugins")
                                             : make_entry(base + "/tenon/plugins", origin, false));
}

// ---- looking ----

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> list_libraries(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  std::vector<std::string> names;
  if (open == nullptr) throw LoadFailure("refused", "the folder can't be read");
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".so") && names.size() < kMaxFolderEntries) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Judges one file from its bytes alone. Answers the name that its note claims.
std::string inspect(LoadRecord& record) {
  const std::string file_name = base_name(record.path);
  const std::string_view wanted = loader::plugin_name_of_file(file_name);
  if (loader::is_device_type(wanted)) record.name = wanted;
  try {
    record.stage = "check";
    const loader::CheckedFile file = loader::check_file(record.path);
    record.stage = "note";
    const loader::PluginNote note = loader::read_note(file);
    if (note.name != record.name) {
      record.verdict = "refused";
      record.detail = join_text("its note names the device ", note.name, ", so the file must be ",
                                "called tenon_", note.name, ".so; rename it");
      return note.name;
    }
    record.stage = "search";
    record.verdict = "found";
    return note.name;
  } catch (const LoadFailure& failure) {
    record.verdict = failure.verdict();
    record.detail = failure.what();
  }
  if (record.verdict == "absent") record.stage = "search";
  return {};
}

// A library without our name and without a note is none of our business.
bool concerns_us(const LoadRecord& record, const std::string& claimed) {
  return base_name(record.path).starts_with("tenon_") || !claimed.empty();
}

void refuse_rivals(std::vector<LoadRecord>& records, const std::vector<std::string>& claims) {
  for (size_t i = 0; i < records.size(); ++i) {
    for (size_t j = 0; j < records.size(); ++j) {
      if (i == j || claims[i].empty() || claims[i] != claims[j]) continue;
      records[i].verdict = "refused";
      records[i].detail = join_text("two files of this folder claim the device ", claims[i], ": ",
                                    base_name(records[i].path), " and ", base_name(records[j].path),
                                    "; remove one");
    }
  }
}

void scan_folder(SearchEntry& entry, std::vector<LoadRecord>& found) {
  std::vector<LoadRecord> records;
  std::vector<std::string> claims;
  for (const std::string& name : list_libraries(entry.path)) {
    LoadRecord record;
    record.path = entry.path + (entry.path.ends_with('/') ? "" : "/") + name;
    record.origin = entry.origin;
    const std::string claimed = inspect(record);
    if (!concerns_us(record, claimed)) continue;
    records.push_back(std::move(record));
    claims.push_back(claimed);
  }
  refuse_rivals(records, claims);
  entry.state = "searched";
  entry.detail = join_text(records.size(), records.size() == 1 ? " plugin file" : " plugin files");
  std::move(records.begin(), records.end(), std::back_inserter(found));
}

void scan_file(SearchEntry& entry, std::vector<LoadRecord>& found) {
  LoadRecord record;
  record.path = entry.path;
  record.origin = entry.origin;
  static_cast<void>(inspect(record));
  if (record.name.empty() && record.detail.empty()) record.detail = "the name must be tenon_*.so";
  entry.state = record.verdict == "absent" ? "absent" : "searched";
  found.push_back(std::move(record));
}

void scan_entry(SearchEntry& entry, std::set<std::pair<dev_t, ino_t>>& seen,
                std::vector<LoadRecord>& found) {
  if (entry.state != "search") return;
  if (entry.is_file) return scan_file(entry, found);
  try {
    const loader::FileIdentity folder = loader::check_folder(entry.path);
    if (!seen.emplace(folder.device, folder.inode).second) {
      entry.state = "repeated";
      entry.detail = "the same folder was searched before";
      return;
    }
    scan_folder(entry, found);
  } catch (const LoadFailure& failure) {
    entry.state = failure.verdict();
    entry.detail = failure.what();
  }
}

void mark_shadowed(std::vector<LoadRecord>& records) {
  std::map<std::string, std::string> first;
  for (LoadRecord& record : records) {
    if (record.name.empty() || record.verdict == "absent") continue;
    const auto [at, is_first] = first.emplace(record.name, record.path);
    if (is_first || record.verdict != "found") continue;
    record.verdict = "shadowed";
    record.detail = join_text("the first found wins: ", at->second);
  }
}

}  // namespace

SearchInputs search_inputs() {
  return {has_raised_privileges(),
          raw_environment("TENON_PLUGIN_FILES"),
          raw_environment("TENON_PLUGIN_PATH"),
          raw_environment("XDG_DATA_HOME"),
          raw_environment("HOME"),
          folder_of_runtime()};
}

std::vector<SearchEntry> plan_search(const SearchInputs& inputs) {
  std::vector<SearchEntry> entries;
  const bool ignored = inputs.raised_privileges;
  add_list(inputs.plugin_files, "TENON_PLUGIN_FILES", true, ignored, entries);
  add_list(inputs.plugin_path, "TENON_PLUGIN_PATH", false, ignored, entries);
  add_user_folder(inputs, entries);
  for (const char* folder : kSystemFolders) {
    entries.push_back(make_entry(folder, "system folder", false));
  }
  if (!inputs.runtime_folder.empty()) {
    entries.push_back(make_entry(inputs.runtime_folder + "/tenon", "beside the runtime", false));
  }
  return entries;
}

std::vector<LoadRecord> scan_search(std::vector<SearchEntry>& entries) {
  std::vector<LoadRecord> records;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (SearchEntry& entry : entries) scan_entry(entry, seen, records);
  mark_shadowed(records);
  return records;
}

}  // namespace tenon
