// Programs as a user runs them: started with a chosen environment, watched from outside.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::integration {

struct Command {
  std::vector<std::string> arguments;  // the program first
  // Added to the environment, from which all TENON_ variables were removed.
  std::map<std::string, std::string> environment = {};
  bool bare_environment = false;  // only `environment` and PATH
  std::string folder = {};        // works there
  std::chrono::seconds limit{100};
  uint64_t stack_bytes = 0;  // 0: as it is
  // Called once, with the process and what it has written to stdout so far, until it answers true.
  std::function<bool(pid_t, std::string_view)> watch = {};
};

struct Outcome {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string out, err;
  double seconds = 0;
  double cpu_seconds = 0;  // user and system

  // Both streams and how it ended, for messages.
  [[nodiscard]] std::string describe() const;
};

// Starts the command, waits for it (kills it at the limit), collects what it wrote.
[[nodiscard]] Outcome run(const Command& command);

// A program of the build: "01_tensor_tour", "tenon".
[[nodiscard]] std::string program(const std::string& name);

// A fresh folder that is removed at the end of the scope.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name = {}) const;

 private:
  std::filesystem::path folder_;
};

[[nodiscard]] std::string read_text(const std::string& path);
void write_text(const std::string& path, std::string_view text);
[[nodiscard]] size_t count(std::string_view text, std::string_view part);

}  // namespace tenon::integration
