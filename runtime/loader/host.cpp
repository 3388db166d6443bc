#include <tenon/runtime/loader/host_internal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <optional>

#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/call_slot_internal.h>
#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/text_internal.h>
#include <tenon/runtime/log.h>
#include <tenon/runtime/parallel.h>

namespace tenon {
namespace {

constexpr uint64_t kMaxText = 4096;
constexpr uint64_t kMaxKey = 64;

struct HostContext {
  tn_host table{};
  std::string plugin;
  std::atomic<bool> closed{false};  // the plugin was closed: it has nothing to say any more
};

// Plain bytes, so that a plugin may fail in any thread at any time, its last moments included.
struct ErrorText {
  const HostContext* owner;
  uint32_t size;
  char text[kMaxText];
};
constinit thread_local ErrorText error_text{};

const HostContext& context_of(const void* context) {
  return *static_cast<const HostContext*>(context);
}

// Contexts live for ever, as the plugins do.
struct HostContexts {
  std::deque<HostContext> all;
};
HostContexts& host_contexts() {
  static HostContexts& contexts = *new HostContexts;
  return contexts;
}

// The newest context of that plugin; nullptr when it never had one.
HostContext* find_context(std::string_view plugin) {
  HostContexts& contexts = host_contexts();
  const ForkLock lock(ForkLockId::kPluginHosts);
  const auto at = std::find_if(contexts.all.rbegin(), contexts.all.rend(),
                               [&](const HostContext& c) { return c.plugin == plugin; });
  return at == contexts.all.rend() ? nullptr : &*at;
}

// A call that comes after close: said once and otherwise ignored.
bool is_late(const void* context, const char* what) {
  const HostContext& from = context_of(context);
  if (!from.closed.load(std::memory_order_acquire)) [[likely]]
    return false;
  try {
    log_once(LogLevel::kWarning, join_text("plugin ", from.plugin, " calls the host (", what,
                                           ") after it was closed; the call is ignored"));
  } catch (...) {
  }
  return true;
}

void set_text(const HostContext* owner, std::string_view text) noexcept {
  error_text.owner = owner;
  error_text.size = static_cast<uint32_t>(std::min<uint64_t>(text.size(), kMaxText));
  if (error_text.size != 0) std::memcpy(error_text.text, text.data(), error_text.size);
}

std::string take_text() {
  std::string text = loader::clean_text({error_text.text, error_text.size}, kMaxText);
  error_text.owner = nullptr;
  error_text.size = 0;
  return text;
}

// ---- configuration ----

using ConfigMap = std::map<std::string, std::string>;
ConfigMap& config_values() {  // by "plugin.key", keys in lower case
  static ConfigMap& values = *new ConfigMap;
  return values;
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string config_name(std::string_view plugin, std::string_view key) {
  std::string name = join_text(plugin, ".", key);
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  return name;
}

bool is_key(std::string_view key) {
  const auto allowed = [](char c) {
    return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !key.empty() && key.size() <= kMaxKey && std::all_of(key.begin(), key.end(), allowed);
}

std::optional<std::string> find_config(const std::string& plugin, std::string_view key) {
  {
    const ForkLock lock(ForkLockId::kPluginConfig);
    const auto at = config_values().find(config_name(plugin, key));
    if (at != config_values().end()) return at->second;
  }
  std::string variable = join_text("TENON_", plugin, "_", key);
  std::transform(variable.begin(), variable.end(), variable.begin(), to_upper);
  const char* value = ::secure_getenv(variable.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// ---- the table ----

void host_set_error(void* context, const char* text, uint64_t text_size) {
  if (is_late(context, "set_error")) return;
  set_text(&context_of(context), {text, text == nullptr ? 0 : static_cast<size_t>(text_size)});
}

void host_log(void* context, uint32_t level, const char* text, uint64_t text_size) {
  if (is_late(context, "log")) return;
  try {
    const std::string_view line(text == nullptr ? "" : text,
                                text == nullptr ? 0 : std::min(text_size, kMaxText));
    log(static_cast<LogLevel>(std::min(level, TN_LOG_ERROR)),
        join_text("plugin ", context_of(context).plugin, ": ", loader::clean_text(line, kMaxText)));
  } catch (...) {
  }
}

tn_status host_config(void* context, const char* key, uint64_t key_size, char* value,
                      uint64_t capacity, uint64_t* size) {
  try {
    if (key == nullptr || size == nullptr || (value == nullptr && capacity != 0)) {
      return TN_INVALID_ARGUMENT;
    }
    *size = 0;
    if (key_size > kMaxKey || !is_key({key, key_size})) return TN_INVALID_ARGUMENT;
    const auto found = find_config(context_of(context).plugin, {key, key_size});
    if (!found) return TN_UNSUPPORTED;
    *size = found->size();
    if (capacity != 0) std::memcpy(value, found->data(), std::min<size_t>(capacity, *size));
    return TN_OK;
  } catch (...) {
    return TN_OUT_OF_MEMORY;
  }
}

// What a part throws is the plugin's own exception, and comes back to it.
void host_parallel_for(void*, int64_t count, int64_t grain, tn_range_fn fn, void* fn_context) {
  if (fn != nullptr) parallel_for(count, grain, fn, fn_context);
}

uint32_t host_thread_count(void*) { return static_cast<uint32_t>(thread_count()); }

tn_status host_next_interface(void*, const char*, uint64_t, const void** table) {
  if (table != nullptr) *table = nullptr;
  return TN_UNSUPPORTED;
}

struct StatusMeaning {
  const char* name;
  const char* text;  // when the plugin gives none
  tn_status status;
  ErrorCode code;
};
constexpr StatusMeaning kMeanings[] = {
    {"INVALID_ARGUMENT", "an argument was refused, without a reason", TN_INVALID_ARGUMENT,
     ErrorCode::kInvalidArgument},
    {"UNIMPLEMENTED", "the plugin does not offer this", TN_UNIMPLEMENTED, ErrorCode::kUnsupported},
    {"UNSUPPORTED", "not for this dtype, layout or value", TN_UNSUPPORTED, ErrorCode::kUnsupported},
    {"OUT_OF_MEMORY", "the device is out of memory", TN_OUT_OF_MEMORY, ErrorCode::kOutOfMemory},
    {"DEVICE_LOST", "the device is lost; restart the program to use it again", TN_DEVICE_LOST,
     ErrorCode::kDeviceLost},
    {"INDEX_ERROR", "an index value was out of range", TN_INDEX_ERROR, ErrorCode::kIndex},
    {"INTERNAL", "internal failure, without a reason", TN_INTERNAL, ErrorCode::kInternal},
    {"VERSION_MISMATCH", "the plugin speaks another version of the ABI", TN_VERSION_MISMATCH,
     ErrorCode::kDevice},
    {"TIMEOUT", "the wait ran out of time", TN_TIMEOUT, ErrorCode::kDevice},
};

const StatusMeaning* find_meaning(tn_status status) {
  for (const StatusMeaning& meaning : kMeanings) {
    if (meaning.status == status) return &meaning;
  }
  return nullptr;
}

}  // namespace

namespace loader {

const tn_host* make_host(const std::string& plugin, uint32_t abi_major, uint32_t abi_minor) {
  HostContexts& contexts = host_contexts();
  const ForkLock lock(ForkLockId::kPluginHosts);
  HostContext* context = &contexts.all.emplace_back();
  context->plugin = plugin;
  tn_host& table = context->table;
  table.struct_size = sizeof table;
  table.abi_major = abi_major;
  table.abi_minor = abi_minor;
  table.context = context;
  table.set_error = host_set_error;
  table.log = host_log;
  table.config = host_config;
  table.parallel_for = host_parallel_for;
  table.thread_count = host_thread_count;
  table.next_interface = host_next_interface;
  return &table;
}

void close_host(const std::string& plugin) noexcept {
  if (HostContext* context = find_context(plugin)) {
    context->closed.store(true, std::memory_order_release);
  }
}

std::string take_error_of(const std::string& plugin) {
  const bool own = error_text.owner != nullptr && error_text.owner->plugin == plugin;
  return own ? take_text() : std::string();
}

std::string status_name(tn_status status) {
  const StatusMeaning* meaning = find_meaning(status);
  return meaning != nullptr ? meaning->name : join_text("status ", status);
}

}  // namespace loader

void set_plugin_config(std::string_view type, std::string_view key, std::string_view value) {
  check(loader::is_device_type(type) && is_key(key), ErrorCode::kInvalidArgument,
        "set_plugin_config", "expected a plugin [a-z0-9_]{1,32} and a key [A-Za-z0-9_]{1,64}, got ",
        type, " and ", key);
  const ForkLock lock(ForkLockId::kPluginConfig);
  config_values()[config_name(type, key)] = value;
}

// "launch let an exception through the C boundary: text"; inside a handler.
static std::string exception_text(const char* slot) {
  const std::string text = join_text(slot, " let an exception through the C boundary");
  try {
    throw;
  } catch (const std::exception& e) {
    return text + ": " + e.what();
  } catch (...) {
    return text;
  }
}

tn_status note_exception(const Plugin& plugin, const char* slot) noexcept {
  try {
    set_text(find_context(plugin.name), exception_text(slot));
  } catch (...) {
    error_text.size = 0;  // no memory for a text
  }
  return TN_INTERNAL;
}

void log_exception(const Plugin& plugin, const char* slot) noexcept {
  try {
    log(LogLevel::kError, join_text("plugin ", plugin.name, ": ", exception_text(slot)));
  } catch (...) {
  }
}

std::string take_plugin_error() { return take_text(); }

void throw_status(const Plugin& plugin, tn_status status, std::string_view op) {
  if (status == TN_OK) return;
  std::string text = loader::take_error_of(plugin.name);
  const StatusMeaning* meaning = find_meaning(status);
  if (meaning == nullptr) {
    fail(ErrorCode::kInternal, op, "plugin ", plugin.name, ": answered the unknown status ", status,
         text.empty() ? "" : ": ", text);
  }
  fail(meaning->code, op, "plugin ", plugin.name, ": ", text.empty() ? meaning->text : text);
}

}  // namespace tenon
