#include <tenon/runtime/log.h>

#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include <tenon/runtime/fork_internal.h>

namespace tenon {
namespace {

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};

void write_line(LogLevel level, std::string_view text) {
  std::string line = "tenon: ";
  line += kNames[static_cast<size_t>(level)];
  line += ": ";
  line += text;
  line += '\n';
  // One call per line, so that lines of several threads and processes stay whole.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

LogLevel parse_threshold() {
  const char* value = std::getenv("TENON_LOG");
  if (value == nullptr || *value == '\0') return LogLevel::kWarning;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == value) return static_cast<LogLevel>(i);
  }
  write_line(LogLevel::kWarning,
             "TENON_LOG must be debug, info, warning or error; using warning instead");
  return LogLevel::kWarning;
}

bool enabled(LogLevel level) {
  static const LogLevel threshold = parse_threshold();
  return level >= threshold;
}

}  // namespace

void log(LogLevel level, std::string_view text) noexcept {
  try {
    if (enabled(level)) write_line(level, text);
  } catch (...) {  // out of memory: a log line is not worth a failure
  }
}

void log_once(LogLevel level, std::string_view text) noexcept {
  try {
    if (!enabled(level)) return;
    {
      const ForkLock lock(ForkLockId::kLogOnce);  // also around the first use
      static auto& said = *new std::set<std::string, std::less<>>;
      if (!said.emplace(text).second) return;
    }
    write_line(level, text);
  } catch (...) {
  }
}

}  // namespace tenon
