#include <tenon/runtime/loader/probe.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>

#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/loader/host_internal.h>
#include <tenon/runtime/loader/load_internal.h>
#include <tenon/runtime/loader/probe_internal.h>
#include <tenon/runtime/loader/search.h>
#include <tenon/runtime/loader/text_internal.h>
#include <tenon/runtime/log.h>

namespace tenon {
namespace {

using loader::clean_text;
using std::chrono::milliseconds;

// The helper reports on this descriptor, one line for each fact: a word, a space, a text.
constexpr int kReportDescriptor = 3;
constexpr size_t kMaxReport = 1 << 20;
constexpr milliseconds kTimeout{8'000};  // unless TENON_PROBE names more seconds than 1

// ---- the helper's side ----

void report(std::string_view word, std::string_view text) {
  const std::string line = join_text(word, " ", clean_text(text, 4096), "\n");
  [[maybe_unused]] const ssize_t written = ::write(kReportDescriptor, line.data(), line.size());
}

void report_stage(const char* stage) { report("stage", stage); }

constexpr char kDigits[] = "0123456789abcdef";

std::string to_hex(const tn_device_info& info) {
  std::string text;
  for (const char c : std::string_view(reinterpret_cast<const char*>(&info), sizeof info)) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void report_plugin(const Plugin& plugin) {
  report("version", plugin.version);
  report("vendor", plugin.vendor);
  report("abi_major", std::to_string(plugin.abi_major));
  report("abi_minor", std::to_string(plugin.abi_minor));
  report("no_device", plugin.no_device_reason);
  for (uint32_t i = 0; i < plugin.device_count; ++i) {
    report("stage", join_text("device ", i));
    const DeviceFacts facts = read_device_facts(plugin, i);
    report("device", to_hex(facts.info));
    report("device_error", facts.error);
  }
}

// Entries of a folder of /proc/self; 0 where there is none.
size_t entries_of(const char* folder) {
  std::error_code failure;
  const std::filesystem::directory_iterator all(folder, failure);
  return failure ? 0 : static_cast<size_t>(std::distance(begin(all), end(all)));
}

// What the streams of a device leave behind: files and threads, which run out long before memory
// does. "" when nothing is left, or when there are no streams to be had.
std::string stream_leak(const Plugin& plugin, uint32_t index) {
  constexpr size_t kStreams = 16;
  tn_device device = nullptr;
  if (plugin.core.device_open(plugin.handle, index, &device) != TN_OK || device == nullptr)
    return {};
  const auto make_and_destroy = [&] {
    tn_stream stream = nullptr;
    if (plugin.core.stream_create(device, &stream) == TN_OK) plugin.core.stream_destroy(stream);
  };
  make_and_destroy();  // what only the first one needs may stay
  const size_t files = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
  for (size_t i = 0; i < kStreams; ++i) make_and_destroy();
  const size_t more_files = entries_of("/proc/self/fd"),
               more_threads = entries_of("/proc/self/task");
  plugin.core.device_close(device);
  const bool leaks = more_files >= files + kStreams || more_threads >= threads + kStreams;
  if (!leaks) return {};
  return join_text(kStreams, " streams of device ", index, ", made and destroyed, leave ",
                   more_files - std::min(files, more_files), " open files and ",
                   more_threads - std::min(threads, more_threads), " threads behind");
}

void check_streams(const Plugin& plugin, LoadRecord& record) {
  report("stage", "streams");
  for (uint32_t i = 0; i < plugin.device_count && record.verdict == "loaded"; ++i) {
    try {
      record.detail = stream_leak(plugin, i);
    } catch (...) {
      record.detail = "an exception came through the C boundary";
    }
    if (!record.detail.empty()) record.verdict = "failed";
  }
  if (record.verdict == "loaded") report("stage", "ready");
}

// ---- the caller's side ----

struct Pipe {
  loader::File read_end{-1}, write_end{-1};
};

std::optional<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{loader::File(ends[0]), loader::File(ends[1])};
}

std::vector<std::string> helper_environment() {
  std::vector<std::string> variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const bool ours = variable.starts_with("TENON_PROBE=") || variable.starts_with("TENON_LOG=");
    if (!ours) variables.emplace_back(variable);
  }
  variables.emplace_back("TENON_LOG=error");
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Starts `helper probe path` in a process group of its own. Answers its id, or minus the error
// code.
pid_t spawn_helper(const std::string& helper, const std::string& path, int report_descriptor) {
  std::vector<std::string> words = {helper, "probe", path};
  std::vector<std::string> variables = helper_environment();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0);
  }
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, report_descriptor, kReportDescriptor);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, helper.c_str(), &actions, &attributes,
                                    pointers_to(words).data(), pointers_to(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failure == 0 ? child : -failure;
}

// Reads to the end of the report; false when the time ran out first.
bool read_report(int descriptor, std::chrono::steady_clock::time_point deadline,
                 std::string& text) {
  char buffer[4096];
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd poll_entry = {descriptor, POLLIN, 0};
    const int ready = ::poll(&poll_entry, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || text.size() > kMaxReport) return true;
    text.append(buffer, static_cast<size_t>(got));
  }
}

// Waits for the process, until the deadline; kills its group when that has passed.
std::optional<int> wait_for(pid_t child, std::chrono::steady_clock::time_point deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR) return 0;  // somebody else reaps; the report decides
    if (std::chrono::steady_clock::now() >= deadline) break;
    ::poll(nullptr, 0, 2);
  }
  ::kill(-child, SIGKILL);
  ::waitpid(child, &status, 0);
  return std::nullopt;
}

tn_device_info from_hex(std::string_view text) {
  tn_device_info info{};
  auto* bytes = reinterpret_cast<unsigned char*>(&info);
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i < sizeof info && 2 * i + 1 < text.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  }
  return info;
}

std::string device_name(const tn_device_info& info) {
  return clean_text({info.name, ::strnlen(info.name, sizeof info.name)}, sizeof info.name);
}

uint32_t to_number(std::string_view text) {
  return static_cast<uint32_t>(std::strtoul(std::string(text).c_str(), nullptr, 10));
}

void read_fact(std::string_view word, std::string_view text, PluginFacts& facts) {
  if (word == "stage") {
    facts.record.stage = text;
  } else if (word == "version") {
    facts.version = text;
  } else if (word == "vendor") {
    facts.vendor = text;
  } else if (word == "abi_major") {
    facts.abi_major = to_number(text);
  } else if (word == "abi_minor") {
    facts.abi_minor = to_number(text);
  } else if (word == "no_device") {
    facts.no_device_reason = text;
  } else if (word == "device") {
    DeviceFacts device;
    device.info = from_hex(text);
    device.name = device_name(device.info);
    facts.devices.push_back(std::move(device));
  } else if (word == "device_error" && !facts.devices.empty()) {
    facts.devices.back().error = text;
  } else if (word == "name") {
    facts.record.name = text;
  } else if (word == "detail") {
    facts.record.detail = text;
  } else if (word == "verdict") {
    facts.record.verdict = text;
  }
}

void read_facts(std::string_view report_text, PluginFacts& facts) {
  while (!report_text.empty()) {
    const size_t end = std::min(report_text.find('\n'), report_text.size());
    const std::string_view line = report_text.substr(0, end);
    const size_t space = std::min(line.find(' '), line.size());
    read_fact(line.substr(0, space), line.substr(std::min(space + 1, line.size())), facts);
    report_text.remove_prefix(std::min(end + 1, report_text.size()));
  }
}

// What the end of the process adds to its report.
void judge_end(const std::optional<int>& status, milliseconds timeout, LoadRecord& record) {
  const auto fail_with = [&record](const std::string& detail) {
    record.verdict = "failed";
    record.detail = detail;
  };
  if (!status) {
    fail_with(join_text("hung: no answer of the helper process within ", timeout.count(), " ms"));
  } else if (record.verdict == "refused" || record.verdict == "failed") {
    return;  // said by the helper itself; how it ended adds nothing
  } else if (WIFSIGNALED(*status)) {
    if (record.verdict == "loaded") record.stage = "exit";
    fail_with(join_text("crashed in the helper process: signal ", WTERMSIG(*status), ", ",
                        ::strsignal(WTERMSIG(*status))));
  } else if (record.verdict.empty()) {
    fail_with(join_text("ended the helper process with status ", WEXITSTATUS(*status),
                        " before it had answered"));
  } else if (WEXITSTATUS(*status) != 0) {
    if (record.verdict == "loaded") record.stage = "exit";
    fail_with(join_text("the helper process ended with status ", WEXITSTATUS(*status)));
  }
}

}  // namespace

DeviceFacts read_device_facts(const Plugin& plugin, uint32_t index) {
  DeviceFacts facts;
  tn_device device = nullptr;
  const auto explain = [&](const char* what, tn_status status) {
    facts.error = join_text(what, " answered ", loader::status_name(status), ": ",
                            loader::take_error_of(plugin.name));
  };
  try {
    const tn_status opened = plugin.core.device_open(plugin.handle, index, &device);
    if (opened != TN_OK || device == nullptr) {
      explain("device_open", opened);
      return facts;
    }
    facts.info.struct_size = sizeof facts.info;
    const tn_status asked = plugin.core.device_info(device, &facts.info);
    if (asked != TN_OK) explain("device_info", asked);
    plugin.core.device_close(device);
  } catch (...) {
    facts.error = "an exception came through the C boundary";
  }
  facts.name = device_name(facts.info);
  return facts;
}

PluginFacts probe_plugin(const std::string& helper, const std::string& path, milliseconds timeout) {
  PluginFacts facts;
  facts.record.path = path;
  facts.record.stage = "probe";
  std::optional<Pipe> pipe = make_pipe();
  const pid_t child = pipe ? spawn_helper(helper, path, pipe->write_end.get()) : -errno;
  if (child < 0) {
    facts.record.verdict = "failed";
    facts.record.detail =
        join_text("the helper process ", helper, " can't be started: ", std::strerror(-child));
    return facts;
  }
  pipe->write_end = loader::File(-1);  // closed here, so that the helper holds the last one
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::string text;
  static_cast<void>(read_report(pipe->read_end.get(), deadline, text));
  const std::optional<int> status = wait_for(child, deadline);
  read_facts(text, facts);
  judge_end(status, timeout, facts.record);
  return facts;
}

int serve_probe(const std::string& path) {
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::fcntl(kReportDescriptor, F_SETFD, FD_CLOEXEC);
  loader::observe_stages(report_stage);
  LoadRecord record;
  record.path = path;
  try {
    const loader::Loaded loaded = loader::load_file(record);
    static auto& kept = *new Plugin(*loaded.plugin);  // as in a program: open until the end
    report_plugin(kept);
    check_streams(kept, record);
  } catch (const loader::LoadFailure&) {  // the record has it
  }
  report("name", record.name);
  report("detail", record.detail);
  report("verdict", record.verdict);
  return 0;
}

std::string probe_helper() {
  const std::string folder = search_inputs().runtime_folder;
  if (folder.empty()) return {};
  for (const char* place : {"/../bin/tenon", "/../../bin/tenon"}) {
    std::string path = folder + place;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

namespace loader {

std::string wanted_probe_helper() {
  const std::string wanted = trusted_environment("TENON_PROBE");
  if (wanted.empty() || wanted == "0") return {};
  std::string helper = probe_helper();
  if (helper.empty()) {
    log_once(LogLevel::kWarning,
             "TENON_PROBE: the program tenon was not found beside the runtime; plugins are opened "
             "without a trial");
  }
  return helper;
}

void require_probe(const std::string& helper, const std::string& path) {
  const long seconds = std::atol(trusted_environment("TENON_PROBE").c_str());
  const milliseconds timeout =
      seconds > 1 && seconds <= 3600 ? milliseconds(seconds * 1000) : kTimeout;
  const PluginFacts facts = probe_plugin(helper, path, timeout);
  if (facts.record.verdict == "loaded") return;
  throw LoadFailure(facts.record.verdict == "refused" ? "refused" : "failed",
                    join_text("at ", facts.record.stage, ": ", facts.record.detail));
}

}  // namespace loader
}  // namespace tenon
