// The side that starts helpers, watches them and writes down what became of each case.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "run.h"

namespace tenon::conform {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kReport = 3;
constexpr int kMostDeaths = 25;
constexpr int kHang = 5;  // counts as so many deaths

// A variable of Tenon's that would change what a plugin is given; its own keys stay.
bool changes_the_run(std::string_view variable) {
  for (const char* name :
       {"TENON_DEVICE=", "TENON_PLUGIN_FILES=", "TENON_PLUGIN_PATH=", "TENON_PROBE=",
        "TENON_LAYERS=", "TENON_SHADOW=", "TENON_ALLOC=", "TENON_FALLBACK=", "TENON_LOG="}) {
    if (variable.starts_with(name)) return true;
  }
  return false;
}

std::vector<std::string> helper_environment(const Target& target) {
  std::vector<std::string> variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    if (!changes_the_run(*at)) variables.emplace_back(*at);
  }
  variables.push_back("TENON_PLUGIN_FILES=" + target.plugin + ":" + target.oracle);
  variables.emplace_back("TENON_LOG=error");
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// One helper: its report line by line, and how it ended.
class Helper {
 public:
  Helper(const std::string& program, std::vector<std::string> arguments, const Target& target) {
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC) == 0, std::strerror(errno));
    report_ = ends[0];
    output_ = ::memfd_create("output", MFD_CLOEXEC);
    arguments.insert(arguments.begin(), program);
    std::vector<std::string> variables = helper_environment(target);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output_, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output_, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], kReport);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int failure = ::posix_spawn(&child_, program.c_str(), &actions, &attributes,
                                      pointers_to(arguments).data(), pointers_to(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ::close(ends[1]);
    require(failure == 0, "cannot start " + program + ": " + std::strerror(failure));
  }
  ~Helper() {
    if (!ended_) kill();
    ::close(report_);
    ::close(output_);
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // The next line; nothing at the end of the report or after `timeout`.
  std::optional<std::string> next_line(milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
      const size_t end = text_.find('\n', taken_);
      if (end != std::string::npos) {
        std::string line = text_.substr(taken_, end - taken_);
        taken_ = end + 1;
        if (taken_ > (size_t{1} << 16)) {
          text_.erase(0, taken_);
          taken_ = 0;
        }
        return line;
      }
      if (!read_more(deadline)) return std::nullopt;
    }
  }

  // How it came to its end; kills it when it is still there after a moment.
  std::string end() {
    int status = 0;
    const auto deadline = Clock::now() + milliseconds(timed_out_ ? 0 : 5000);
    while (::waitpid(child_, &status, WNOHANG) == 0) {
      if (Clock::now() < deadline) {
        ::poll(nullptr, 0, 2);
        continue;
      }
      kill();
      return timed_out_ ? "hung" : "did not end";
    }
    ended_ = true;
    if (WIFSIGNALED(status)) {
      return "crashed: signal " + std::to_string(WTERMSIG(status)) + ", " +
             ::strsignal(WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0 && clean_
               ? ""
               : "ended the process with status " + std::to_string(WEXITSTATUS(status));
  }

  void set_clean() { clean_ = true; }
  [[nodiscard]] bool hung() const { return timed_out_; }

  // What it last wrote to its streams.
  [[nodiscard]] std::string last_words() const {
    const off_t size = ::lseek(output_, 0, SEEK_END);
    if (size <= 0) return {};
    std::string text(static_cast<size_t>(std::min<off_t>(size, 300)), '\0');
    const ssize_t got =
        ::pread(output_, text.data(), text.size(), size - static_cast<off_t>(text.size()));
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

 private:
  bool read_more(Clock::time_point deadline) {
    char buffer[65536];
    while (true) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
      pollfd entry = {report_, POLLIN, 0};
      const int ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) {
        timed_out_ = true;
        return false;
      }
      const ssize_t got = ::read(report_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      text_.append(buffer, static_cast<size_t>(got));
      return true;
    }
  }

  void kill() {
    ::kill(-child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
    ended_ = true;
  }

  pid_t child_ = 0;
  int report_ = -1, output_ = -1;
  std::string text_;
  size_t taken_ = 0;
  bool timed_out_ = false, ended_ = false, clean_ = false;
};

std::vector<std::string> worker_arguments(const Order& order, size_t first) {
  std::vector<std::string> words = {"--worker",
                                    "--oracle",
                                    order.target.oracle,
                                    "--device-index",
                                    std::to_string(order.target.device_index),
                                    "--first",
                                    std::to_string(first)};
  for (const std::string& level : order.selection.levels) {
    words.emplace_back("--level");
    words.push_back(level);
  }
  if (!order.selection.filter.empty()) {
    words.emplace_back("--filter");
    words.push_back(order.selection.filter);
  }
  words.push_back(order.target.plugin);
  return words;
}

void write_down(const Json& line, Result& result) {
  const std::string verdict = line.at("verdict");
  result.verdict = verdict == "passed"    ? Verdict::kPassed
                   : verdict == "skipped" ? Verdict::kSkipped
                                          : Verdict::kFailed;
  result.text = line.value("text", "");
}

// Follows one helper; answers the position of the first case that it did not get to.
size_t follow(Helper& helper, const Order& order, size_t first, std::vector<Result>& results) {
  size_t at = first;
  bool running = false, closing = false;
  auto begun = Clock::now();
  while (const auto text = helper.next_line(order.timeout)) {
    const Json line = Json::parse(*text, nullptr, false);
    if (!line.is_object()) continue;  // the plugin may have written there, too
    if (line.contains("begin")) {
      at = line.at("begin");
      running = true;
      begun = Clock::now();
    } else if (line.contains("end") && line.at("end") == at && at < results.size()) {
      write_down(line, results[at]);
      results[at].seconds = std::chrono::duration<double>(Clock::now() - begun).count();
      ++at;
      running = false;
    } else if (line.contains("closing")) {
      closing = true;
    } else if (line.contains("done")) {
      helper.set_clean();
    }
  }
  const std::string end = helper.end();
  if (end.empty()) return at;
  const std::string words = helper.last_words();
  const std::string text = (words.empty() ? end : end + "; it wrote: " + words);
  if (running && at < results.size()) {
    results[at].verdict = Verdict::kFailed;
    results[at].text = text;
    return at + 1;
  }
  // It died between cases or at its end: the case before it is the one to blame.
  if (at > first && at <= results.size()) {
    results[at - 1].verdict = Verdict::kFailed;
    results[at - 1].text = (closing ? "closing the plugin: " : "after the case: ") + text;
  } else if (at < results.size()) {
    results[at].verdict = Verdict::kFailed;
    results[at].text = "before the case: " + text;
    return at + 1;
  }
  return at;
}

}  // namespace

std::vector<Result> run_contained(const std::string& program, const Order& order, bool opens) {
  const Cases cases = all_cases();
  std::vector<Result> results;
  for (const size_t i : select(cases, order.selection)) {
    results.emplace_back().name = cases[i].name;
  }
  const int most = opens ? kMostDeaths : 1;
  size_t first = 0;
  for (int deaths = 0; first < results.size() && deaths < most;) {
    Helper helper(program, worker_arguments(order, first), order.target);
    first = follow(helper, order, first, results);
    deaths += helper.hung() ? kHang : 1;
  }
  return results;
}

Json read_facts(const std::string& program, const Order& order) {
  std::vector<std::string> words = worker_arguments(order, 0);
  words.insert(words.begin() + 1, "--facts");
  Helper helper(program, words, order.target);
  Json facts = {{"error", ""}};
  if (const auto text = helper.next_line(order.timeout)) {
    const Json line = Json::parse(*text, nullptr, false);
    if (line.is_object()) facts = line;
  }
  const std::string end = helper.end();
  if (facts.contains("error") && facts.at("error") == "") {
    facts["error"] = "opening the plugin: " + (end.empty() ? "no answer" : end);
  }
  return facts;
}

}  // namespace tenon::conform
