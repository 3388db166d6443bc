// Files to spoil and programs to run.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tenon::tests {

// "<the folder of the broken plugins>/tenon_<name>.so"
[[nodiscard]] std::string broken_plugin(const std::string& name);

// A folder of its own, removed at the end.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return (root_ / name).string(); }
  // Both answer the path.
  std::string write(const std::string& name, const std::string& bytes) const;
  std::string make_folder(const std::string& name) const;
  // A copy of a broken plugin, also under another name.
  std::string copy(const std::string& plugin, const std::string& name) const;

 private:
  std::filesystem::path root_;
};

[[nodiscard]] std::string read_bytes(const std::string& path);

struct Finished {
  int status = -1;     // of the exit; 128 + the signal that ended it
  std::string output;  // stdout and stderr
};
// ASan's options for a process with a broken plugin in it: what that one leaves behind is not ours,
// and its crash is told as a crash.
[[nodiscard]] std::string lenient_asan_options();
// Runs `tenon <arguments>` with these variables set and no other TENON_ variable.
[[nodiscard]] Finished run_tenon(const std::vector<std::string>& arguments,
                                 const std::vector<std::pair<std::string, std::string>>& variables);

}  // namespace tenon::tests
