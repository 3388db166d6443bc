// TENON_DEVICE: an ordered list of devices, of which the first usable one is the default.
#include <atomic>
#include <cstdlib>
#include <deque>

#include <tenon/runtime/device.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/runtime/loader/probe.h>
#include <tenon/runtime/loader/text_internal.h>
#include <tenon/runtime/log.h>

namespace tenon {
namespace {

// One entry of the list.
struct Candidate {
  std::string text;  // without the question mark
  bool may_be_absent = false;
};

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<Candidate> parse_list(std::string_view list) {
  std::vector<Candidate> candidates;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    std::string_view entry = trim(list.substr(begin, end - begin));
    Candidate candidate;
    if (entry.ends_with('?')) {
      candidate.may_be_absent = true;
      entry = trim(entry.substr(0, entry.size() - 1));
    }
    check(!entry.empty(), ErrorCode::kInvalidArgument, "TENON_DEVICE",
          "expected a list such as cuda:0?,cpu, got \"", loader::clean_text(list, 200),
          "\" with an empty entry");
    if (entry != "auto") static_cast<void>(Device(entry));  // throws on bad grammar
    candidate.text = entry;
    candidates.push_back(std::move(candidate));
    begin = end + 1;
  }
  return candidates;
}

// "" when the device exists and opens, as host memory always does; else why not.
std::string why_unusable(const Device& device) {
  if (device == Device()) return {};
  const Plugin* plugin = device.is_cpu() ? nullptr : find_plugin(device.type());
  if (plugin == nullptr && !device.is_cpu()) return why_no_plugin(device.type());
  const int64_t count = plugin == nullptr ? 1 : plugin->device_count;
  if (count == 0) return join_text(device.type(), " has no device: ", plugin->no_device_reason);
  if (device.index() >= count) {
    return join_text("there is no ", device, ": ", device.type(), " has ", count,
                     count == 1 ? " device" : " devices", ", counted from 0");
  }
  try {
    DeviceContext::get(device).require_compute();
  } catch (const Error& e) {
    const std::string_view text = e.what();
    return std::string(text.substr(0, text.find('\n')));
  }
  return {};
}

// ---- auto ----

// Real accelerators are told by their DLPack type, the larger memory wins. A device without one of
// its own (TN_DLPACK_EXT), or that works on host memory or processor, is taken only by name.
uint64_t score(const Plugin& plugin, uint32_t index) {
  const uint32_t type = plugin.dlpack_device_type;
  if (type == TN_DLPACK_CPU || type == TN_DLPACK_EXT) return 0;
  const DeviceFacts facts = read_device_facts(plugin, index);
  if (!facts.error.empty() || (facts.info.flags & TN_DEVICE_SOFTWARE) != 0) return 0;
  return 1 + facts.info.memory_bytes;
}

Device choose_auto() {
  Device best;
  uint64_t best_score = 0;
  std::string seen = "cpu";
  for (const Device& device : all_devices()) {
    if (device.is_cpu()) continue;
    const uint64_t points =
        score(require_plugin(device.type()), static_cast<uint32_t>(device.index()));
    seen += join_text(", ", device, points == 0 ? " (only by name)" : "");
    if (points > best_score) {
      best = device;
      best_score = points;
    }
  }
  log_once(LogLevel::kInfo, join_text("TENON_DEVICE=auto chose ", best, " from: ", seen));
  return best;
}

// ---- the choice ----

[[noreturn]] void fail_choice(std::string_view list, std::string_view what,
                              const std::string& refused) {
  fail(ErrorCode::kDevice, "TENON_DEVICE", what, " in \"", loader::clean_text(list, 200),
       "\"; put a ? behind an entry that may be absent, and cpu at the end\n", "tried:", refused,
       "\n", load_report());
}

Device choose(std::string_view list) {
  std::string refused;
  for (const Candidate& candidate : parse_list(list)) {
    if (candidate.text == "auto") return choose_auto();
    const Device device(candidate.text);
    const std::string reason = why_unusable(device);
    if (reason.empty()) return device;
    refused += join_text("\n  ", candidate.text, ": ", reason);
    if (!candidate.may_be_absent) {
      fail_choice(list, join_text(candidate.text, " can't be used"), refused);
    }
    log_once(LogLevel::kWarning, join_text("TENON_DEVICE: skipped ", candidate.text, ": ", reason));
  }
  fail_choice(list, "no entry can be used", refused);
}

std::atomic<const Device*> current{nullptr};

// Readers may hold an earlier choice, so all are kept.
void set_current(const Device& device) {
  static auto& choices = *new std::deque<Device>;
  current.store(&choices.emplace_back(device), std::memory_order_release);
}

}  // namespace

Device default_device() {
  if (const Device* device = current.load(std::memory_order_acquire)) return *device;
  const ForkLock lock(ForkLockId::kChoice);
  if (const Device* device = current.load(std::memory_order_acquire)) return *device;
  const char* list = std::getenv("TENON_DEVICE");
  const bool unset = list == nullptr || trim(list).empty();
  set_current(unset ? Device() : choose(list));
  return *current.load(std::memory_order_relaxed);
}

void set_default_device(const Device& device) {
  const std::string reason = why_unusable(device);
  check(reason.empty(), ErrorCode::kDevice, "set_default_device", reason, "\n", load_report());
  const ForkLock lock(ForkLockId::kChoice);
  const Device* before = current.load(std::memory_order_acquire);
  if (before == nullptr || !(*before == device)) set_current(device);
}

}  // namespace tenon
