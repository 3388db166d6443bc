#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace tenon::integration {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

std::vector<std::string> make_environment(const Command& command) {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string_view text = *line;
    const std::string name(text.substr(0, text.find('=')));
    const bool kept = name == "PATH" || name.ends_with("SAN_OPTIONS");  // of a sanitized build
    if (command.bare_environment ? !kept : name.starts_with("TENON_")) continue;
    if (!command.environment.contains(name)) lines.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) {
    std::string line = name;
    line += '=';
    line += value;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& lines) {
  std::vector<char*> result;
  for (std::string& line : lines) result.push_back(line.data());
  result.push_back(nullptr);
  return result;
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
    read = ends[0];
    write = ends[1];
  }
};

void limit_resource(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  ::setrlimit(resource, &limit);
}

// Runs in the child: only what is safe between fork and exec.
[[noreturn]] void become(const Command& command, char** arguments, char** environment, int out,
                         int err) {
  ::setpgid(0, 0);
  limit_resource(RLIMIT_CORE, 0);
  if (command.stack_bytes != 0) limit_resource(RLIMIT_STACK, command.stack_bytes);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (!command.folder.empty() && ::chdir(command.folder.c_str()) != 0) ::_exit(126);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

// Reads what is there; closes the descriptor at the end of the stream.
void drain(pollfd& end, std::string& text) {
  if ((end.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
  std::array<char, 65536> buffer{};
  const ssize_t size = ::read(end.fd, buffer.data(), buffer.size());
  if (size > 0) {
    text.append(buffer.data(), static_cast<size_t>(size));
  } else if (size == 0 || errno != EINTR) {
    ::close(end.fd);
    end.fd = -1;
  }
}

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

Outcome run(const Command& command) {
  std::vector<std::string> argument_lines = command.arguments;
  std::vector<std::string> environment_lines = make_environment(command);
  const std::vector<char*> arguments = pointers(argument_lines);
  const std::vector<char*> environment = pointers(environment_lines);
  const Pipe out, err;

  const auto begin = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    become(command, const_cast<char**>(arguments.data()), const_cast<char**>(environment.data()),
           out.write, err.write);
  }
  ::close(out.write);
  ::close(err.write);

  Outcome outcome;
  bool watching = static_cast<bool>(command.watch);
  std::array<pollfd, 2> ends{pollfd{out.read, POLLIN, 0}, pollfd{err.read, POLLIN, 0}};
  int status = 0;
  rusage usage{};
  bool ended = false;
  // A child of the child may hold the pipes open; the process itself decides the end.
  while (!ended || ends[0].fd >= 0 || ends[1].fd >= 0) {
    ::poll(ends.data(), ends.size(), ended ? 0 : 5);
    const bool quiet = (ends[0].revents | ends[1].revents) == 0;
    drain(ends[0], outcome.out);
    drain(ends[1], outcome.err);
    if (ended && quiet) break;
    if (!ended && ::wait4(child, &status, WNOHANG, &usage) == child) {
      ended = true;
      outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      continue;
    }
    if (!ended && watching) watching = !command.watch(child, outcome.out);
    if (!ended && Clock::now() - begin > command.limit) {
      outcome.timed_out = true;
      ::kill(-child, SIGKILL);
    }
  }
  for (const pollfd& end : ends) {
    if (end.fd >= 0) ::close(end.fd);
  }
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  outcome.cpu_seconds = to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime);
  return outcome;
}

std::string Outcome::describe() const {
  std::ostringstream text;
  text << (timed_out     ? "killed at its time limit"
           : signal != 0 ? "ended by signal "
                         : "exit code ");
  if (!timed_out) text << (signal != 0 ? signal : exit_code);
  text << " after " << seconds << " s\nstdout:\n" << out << "\nstderr:\n" << err;
  return text.str();
}

std::string program(const std::string& name) { return TENON_BUILD_FOLDER "/bin/" + name; }

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tenon_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp");
  folder_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ScratchFolder::path(std::string_view name) const {
  return name.empty() ? folder_.string() : (folder_ / name).string();
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_text(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

size_t count(std::string_view text, std::string_view part) {
  size_t result = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++result;
  }
  return result;
}

}  // namespace tenon::integration
