#include "host.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace tenon::conform {

tn_plugin_entry_fn load_entry(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw std::runtime_error(dlerror());
  void* entry = dlsym(library, TN_ENTRY_SYMBOL);
  if (entry == nullptr) throw std::runtime_error(dlerror());
  return reinterpret_cast<tn_plugin_entry_fn>(entry);
}

std::string status_name(tn_status status) {
  constexpr const char* kNames[] = {
      "OK",          "INVALID_ARGUMENT", "UNIMPLEMENTED", "UNSUPPORTED",      "OUT_OF_MEMORY",
      "DEVICE_LOST", "INDEX_ERROR",      "INTERNAL",      "VERSION_MISMATCH", "TIMEOUT"};
  if (status < 0 || status > TN_TIMEOUT) return "status " + std::to_string(status);
  return kNames[status];
}

// ---- services ----------------------------------------------------------------------------------

namespace {

PluginHost& self(void* context) { return *static_cast<PluginHost*>(context); }

// Parts of at least `grain`, each on a thread of its own.
void cut(int64_t parts, int64_t count, int64_t grain, tn_range_fn fn, void* context) {
  parts = std::clamp<int64_t>(count / std::max<int64_t>(grain, 1), 1, parts);
  if (parts == 1) {
    if (count > 0) fn(context, 0, count);
    return;
  }
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t begin = count * i / parts, end = count * (i + 1) / parts;
    threads.emplace_back([=] { fn(context, begin, end); });
  }
  for (std::thread& thread : threads) thread.join();
}

tn_status no_config(void*, const char*, uint64_t, char*, uint64_t, uint64_t*) {
  return TN_UNSUPPORTED;
}
tn_status no_interface(void*, const char*, uint64_t, const void**) { return TN_UNSUPPORTED; }

}  // namespace

tn_host silent_services() {
  tn_host host{};
  host.struct_size = sizeof host;
  host.abi_major = TN_ABI_MAJOR;
  host.abi_minor = TN_ABI_MINOR;
  host.set_error = [](void*, const char*, uint64_t) {};
  host.log = [](void*, uint32_t, const char*, uint64_t) {};
  host.config = no_config;
  host.parallel_for = [](void*, int64_t count, int64_t grain, tn_range_fn fn, void* context) {
    cut(1, count, grain, fn, context);
  };
  host.thread_count = [](void*) { return uint32_t{1}; };
  host.next_interface = no_interface;
  return host;
}

void PluginHost::fill_services() {
  host_ = silent_services();
  host_.context = this;
  host_.set_error = [](void* context, const char* text, uint64_t size) {
    self(context).keep_error(text, size);
  };
  host_.config = [](void* context, const char* key, uint64_t key_size, char* value, uint64_t room,
                    uint64_t* size) -> tn_status {
    const Config& config = self(context).config_;
    const auto found = config.find(std::string(key, key_size));
    if (found == config.end()) return TN_UNSUPPORTED;
    *size = found->second.size();
    if (room != 0) std::memcpy(value, found->second.data(), std::min<uint64_t>(room, *size));
    return TN_OK;
  };
  host_.parallel_for = [](void* context, int64_t count, int64_t grain, tn_range_fn fn,
                          void* fn_context) {
    cut(self(context).parts_, count, grain, fn, fn_context);
  };
  host_.thread_count = [](void*) { return uint32_t{3}; };
}

void PluginHost::keep_error(const char* text, uint64_t size) {
  const std::lock_guard lock(mutex_);
  error_.assign(text == nullptr ? "" : text, text == nullptr ? 0 : size);
  error_thread_ = std::this_thread::get_id();
  ++error_count_;
}

std::string PluginHost::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::thread::id PluginHost::error_thread() const {
  const std::lock_guard lock(mutex_);
  return error_thread_;
}

void PluginHost::must(tn_status status) const {
  if (status == TN_OK) return;
  const std::string text = error();
  throw std::runtime_error(status_name(status) + (text.empty() ? " without a text" : ": " + text));
}

// ---- opening and closing -----------------------------------------------------------------------

PluginHost::PluginHost(tn_plugin_entry_fn entry, Config config, uint32_t device_index)
    : config_(std::move(config)) {
  fill_services();
  card.descriptor_size = sizeof card;
  must(entry(&kHostVersion, &card));
  must(card.open(&host_, &plugin));
  try {
    open(device_index);
  } catch (...) {
    close();
    throw;
  }
}

void PluginHost::open(uint32_t device_index) {
  must(card.get_interface(plugin, TN_CORE, 4, reinterpret_cast<const void**>(&core)));
  must(card.get_interface(plugin, TN_OPS, 3, reinterpret_cast<const void**>(&ops)));
  uint32_t count = 0;
  must(core->device_count(plugin, &count));
  if (device_index >= count) {
    const std::string text = error();
    throw std::runtime_error(
        count == 0 ? "there is no device: " + (text.empty() ? "no reason is given" : text)
                   : "there is no device " + std::to_string(device_index) + ", only " +
                         std::to_string(count) + " of them");
  }
  must(core->device_open(plugin, device_index, &device));
  info.struct_size = sizeof info;
  must(core->device_info(device, &info));
  must(core->stream_create(device, &stream));
}

PluginHost::~PluginHost() { close(); }

void PluginHost::close() {
  if (core == nullptr) return;
  if (stream != nullptr) core->stream_destroy(stream);
  if (device != nullptr) core->device_close(device);
  core->close(plugin);
}

}  // namespace tenon::conform
