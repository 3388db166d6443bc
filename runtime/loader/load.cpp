#include <tenon/runtime/loader/load_internal.h>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <boost/dll/shared_library.hpp>
#include <string_view>
#include <vector>

#include <tenon/runtime/layers/install_internal.h>
#include <tenon/runtime/loader/elf_note_internal.h>
#include <tenon/runtime/loader/host_internal.h>
#include <tenon/runtime/loader/probe_internal.h>
#include <tenon/runtime/loader/tables_internal.h>
#include <tenon/runtime/loader/text_internal.h>

namespace tenon::loader {
namespace {

constexpr uint32_t kHostMajorMin = TN_ABI_MAJOR, kHostMajorMax = TN_ABI_MAJOR;
constexpr uint32_t kHostMinor = TN_ABI_MINOR;
constexpr uint32_t kKnownDescriptorFlags = TN_DESCRIPTOR_PRERELEASE | TN_DESCRIPTOR_LAYER;
constexpr uint32_t kMaxDevices = 1024;
constexpr size_t kMaxDetail = 600;
constexpr uint64_t kMaxWords = 128;  // of a version or vendor text

std::atomic<void (*)(const char*)> stage_observer{nullptr};

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw LoadFailure("refused", join_text(parts...));
}
// "INTERNAL: text"
std::string answer_text(tn_status status, const std::string& text) {
  return status_name(status) + (text.empty() ? "" : ": ") + text;
}

template <class... Parts>
[[noreturn]] void give_up(const Parts&... parts) {
  throw LoadFailure("failed", join_text(parts...));
}

void enter(LoadRecord& record, const char* stage) {
  record.stage = stage;
  if (const auto observer = stage_observer.load()) observer(stage);
}

// Calls into the plugin; whatever it throws ends the attempt.
template <class F>
tn_status call(const char* what, const F& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    give_up(what, " let an exception through the C boundary: ", clean_text(e.what(), 500));
  } catch (...) {
    give_up(what, " let an exception through the C boundary");
  }
}

// ---- open: from a file to its entry function ----

constexpr std::string_view kMark = "dlerror system message: ";

// Boost wraps dlerror's text; only that text helps.
std::string dlerror_text(const std::exception& e) {
  const std::string_view text = e.what();
  const size_t mark = text.find(kMark);
  if (mark == std::string_view::npos) return std::string(text);
  std::string_view rest = text.substr(mark + kMark.size());
  const size_t tail = rest.rfind(": Bad file descriptor");
  return std::string(rest.substr(0, tail));
}

tn_plugin_entry_fn open_library(const CheckedFile& file) {
  namespace dll = boost::dll;
  // Local symbols, all resolved now, never unloaded: threads and thread-locals of a plugin outlive
  // any moment at which it would be safe.
  const auto mode = static_cast<dll::load_mode::type>(RTLD_NODELETE) | dll::load_mode::rtld_now |
                    dll::load_mode::rtld_local;
  static_assert(std::is_same_v<decltype(mode), const dll::load_mode::type>);
  auto library = std::make_unique<dll::shared_library>();
  try {
    library->load(file.real_path, mode);
  } catch (const std::exception& e) {
    give_up("dlopen: ", dlerror_text(e));
  }
  tn_plugin_entry_fn entry = nullptr;
  try {
    entry = &library->get<std::remove_pointer_t<tn_plugin_entry_fn>>(TN_ENTRY_SYMBOL);
  } catch (const std::exception& e) {
    refuse("no symbol " TN_ENTRY_SYMBOL ": ", dlerror_text(e));
  }
  Dl_info info;
  if (::dladdr(reinterpret_cast<const void*>(entry), &info) == 0 ||
      !(identity_of(info.dli_fname) == file.identity)) {
    refuse(TN_ENTRY_SYMBOL " comes from another file than the one that was checked");
  }
  static auto& kept = *new std::vector<std::unique_ptr<dll::shared_library>>;
  kept.push_back(std::move(library));  // for ever
  return entry;
}

// ---- negotiate: the descriptor ----

std::string_view text_of(const char* text, uint64_t size, const char* what) {
  if (size != 0 && text == nullptr) refuse("the descriptor's ", what, " is NULL");
  return {size == 0 ? "" : text, static_cast<size_t>(std::min(size, kMaxWords))};
}

void check_descriptor(const tn_plugin_descriptor& d, const PluginNote& note) {
  if (d.magic != TN_MAGIC) refuse("the descriptor has a wrong magic number");
  if (d.descriptor_size < TN_MIN_DESCRIPTOR || d.descriptor_size > sizeof d) {
    refuse("the descriptor says ", d.descriptor_size, " bytes, expected ", TN_MIN_DESCRIPTOR,
           " to ", sizeof d);
  }
  const std::string mismatch = version_mismatch(d.abi_major_min, d.abi_major, d.host_minor_min);
  if (!mismatch.empty()) refuse(mismatch);
  if ((d.descriptor_flags & TN_FLAGS_MUST_UNDERSTAND & ~kKnownDescriptorFlags) != 0) {
    refuse("the descriptor has flags this runtime must understand and does not: ",
           d.descriptor_flags);
  }
  if ((d.descriptor_flags & TN_DESCRIPTOR_LAYER) != 0) {
    refuse("a layer: it wraps another plugin and is no device of its own");
  }
  if (d.name_size > TN_MAX_NAME) refuse("the descriptor's name has ", d.name_size, " bytes");
  const std::string_view name = text_of(d.name, d.name_size, "name");
  if (name != note.name) {
    refuse("the descriptor's name is \"", clean_text(name, 64), "\", the file's and its note's ",
           note.name);
  }
  if (d.open == nullptr || d.get_interface == nullptr) {
    refuse("the descriptor has no ", d.open == nullptr ? "open" : "get_interface", " function");
  }
}

tn_plugin_descriptor negotiate(tn_plugin_entry_fn entry, const PluginNote& note) {
  const tn_host_version host = {sizeof host, 0, kHostMajorMin, kHostMajorMax, kHostMinor, 0};
  tn_plugin_descriptor descriptor{};
  descriptor.descriptor_size = sizeof descriptor;
  const tn_status status = call(TN_ENTRY_SYMBOL, [&] { return entry(&host, &descriptor); });
  if (status != TN_OK) {
    refuse(TN_ENTRY_SYMBOL " answered ", status_name(status), " to a host of ABI majors ",
           kHostMajorMin, " to ", kHostMajorMax, " minor ", kHostMinor);
  }
  check_descriptor(descriptor, note);
  return descriptor;
}

std::unique_ptr<Plugin> describe(const tn_plugin_descriptor& d, const std::string& path) {
  auto plugin = std::make_unique<Plugin>();
  plugin->name.assign(d.name, d.name_size);
  plugin->version = clean_text(text_of(d.version, d.version_size, "version"), kMaxWords);
  plugin->vendor = clean_text(text_of(d.vendor, d.vendor_size, "vendor"), kMaxWords);
  plugin->path = path;
  plugin->abi_major = std::min(d.abi_major, kHostMajorMax);
  plugin->abi_minor = d.abi_major == kHostMajorMax ? std::min(d.abi_minor, kHostMinor) : kHostMinor;
  plugin->dlpack_device_type = d.dlpack_device_type == 0 ? TN_DLPACK_EXT : d.dlpack_device_type;
  return plugin;
}

// ---- start and devices ----

// The host table that the plugin got.
const tn_host* start(const tn_plugin_descriptor& descriptor, Plugin& plugin) {
  const tn_host* host = make_host(plugin.name, plugin.abi_major, plugin.abi_minor);
  const tn_status status = call("open", [&] { return descriptor.open(host, &plugin.handle); });
  if (status != TN_OK) {
    give_up("open answered ", answer_text(status, take_error_of(plugin.name)));
  }
  if (plugin.handle == nullptr) give_up("open answered OK with a NULL handle");
  return host;
}

void count_devices(Plugin& plugin) {
  uint32_t count = 0;
  static_cast<void>(take_error_of(plugin.name));
  const tn_status status =
      call("device_count", [&] { return plugin.core.device_count(plugin.handle, &count); });
  const std::string text = take_error_of(plugin.name);
  if (status != TN_OK) give_up("device_count answered ", answer_text(status, text));
  if (count > kMaxDevices) {
    refuse("device_count answered ", count, " devices, expected at most ", kMaxDevices);
  }
  plugin.device_count = count;
  if (count == 0) plugin.no_device_reason = text.empty() ? "the plugin gives no reason" : text;
}

// Ends what was begun, so that a refused plugin leaves nothing running. Its code stays loaded.
void abandon(Plugin& plugin) noexcept {
  try {
    if (plugin.handle != nullptr && plugin.core.close != nullptr) plugin.core.close(plugin.handle);
  } catch (...) {
  }
  close_host(plugin.name);
}

Loaded load_stages(LoadRecord& record) {
  enter(record, "check");
  if (record.path.empty() || record.path[0] != '/') refuse("expected an absolute path");
  const CheckedFile file = check_file(record.path);
  enter(record, "note");
  const PluginNote note = read_note(file);
  const std::string file_name = record.path.substr(record.path.rfind('/') + 1);
  if (plugin_name_of_file(file_name) != note.name) {
    refuse("its note names the device ", note.name, ", so the file must be called tenon_",
           note.name, ".so; rename it");
  }
  record.name = note.name;
  const std::string mismatch =
      version_mismatch(note.abi_major_min, note.abi_major, note.host_minor_min);
  if (!mismatch.empty()) refuse(mismatch);
  if (const std::string helper = wanted_probe_helper(); !helper.empty()) {
    enter(record, "probe");
    require_probe(helper, record.path);
  }
  enter(record, "open");
  const tn_plugin_entry_fn entry = open_library(file);
  enter(record, "negotiate");
  const tn_plugin_descriptor descriptor = negotiate(entry, note);
  Loaded loaded{describe(descriptor, file.real_path), file.identity};
  Plugin& plugin = *loaded.plugin;
  try {
    enter(record, "start");
    const tn_host* host = start(descriptor, plugin);
    enter(record, "tables");
    copy_tables(descriptor, plugin);
    if (stage_observer.load() == nullptr) {  // the helper of a probe tries the bare plugin
      enter(record, "layers");
      layers::install(plugin, host);
    }
    enter(record, "devices");
    count_devices(plugin);
  } catch (...) {
    abandon(plugin);
    throw;
  }
  enter(record, "ready");
  return loaded;
}

}  // namespace

void observe_stages(void (*observer)(const char* stage)) { stage_observer.store(observer); }

std::string version_mismatch(uint32_t abi_major_min, uint32_t abi_major, uint32_t host_minor_min) {
  if (abi_major_min > abi_major) {
    return join_text("malformed ABI versions: majors ", abi_major_min, " to ", abi_major);
  }
  if (abi_major_min > kHostMajorMax || abi_major < kHostMajorMin) {
    return join_text("speaks ABI majors ", abi_major_min, " to ", abi_major, ", this runtime ",
                     kHostMajorMin, " to ", kHostMajorMax, "; install ",
                     abi_major < kHostMajorMin ? "a newer" : "an older", " build of it");
  }
  if (host_minor_min > kHostMinor) {
    return join_text("needs minor ", host_minor_min, " of ABI major ", kHostMajorMax,
                     " from the host, this runtime offers ", kHostMinor, "; update the runtime");
  }
  return {};
}

Loaded load_file(LoadRecord& record) {
  try {
    Loaded loaded = load_stages(record);
    record.verdict = "loaded";
    record.detail = loaded.plugin->device_count == 0
                        ? "no device: " + loaded.plugin->no_device_reason
                        : std::string();
    return loaded;
  } catch (const LoadFailure& failure) {
    record.verdict = failure.verdict();
    record.detail = clean_text(failure.what(), kMaxDetail);
    throw;
  } catch (const std::exception& e) {
    record.verdict = "failed";
    record.detail = clean_text(e.what(), kMaxDetail);
    throw LoadFailure("failed", record.detail);
  }
}

}  // namespace tenon::loader
