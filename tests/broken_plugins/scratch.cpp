#include "scratch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace tenon::tests {
namespace {

std::string quoted(const std::string& text) { return "'" + text + "'"; }

// `env -u A -u B …` for every TENON_ variable of this process.
std::string without_our_variables() {
  std::string text = "env -u XDG_DATA_HOME";
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    if (variable.starts_with("TENON_"))
      text += " -u " + std::string(variable.substr(0, variable.find('=')));
  }
  return text;
}

}  // namespace

std::string broken_plugin(const std::string& name) {
  return BROKEN_PLUGIN_DIR "/tenon_" + name + ".so";
}

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "tenon_test_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch folder: " + name);
  root_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string Scratch::write(const std::string& name, const std::string& bytes) const {
  std::filesystem::remove(path(name));  // truncating a file makes some file systems flush it
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

std::string Scratch::make_folder(const std::string& name) const {
  std::filesystem::create_directories(path(name));
  return path(name);
}

std::string Scratch::copy(const std::string& plugin, const std::string& name) const {
  std::filesystem::copy_file(broken_plugin(plugin), path(name));
  return path(name);
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string lenient_asan_options() {
  const char* given = std::getenv("ASAN_OPTIONS");
  return std::string(given != nullptr ? given : "") + ":detect_leaks=0:handle_segv=0";
}

Finished run_tenon(const std::vector<std::string>& arguments,
                   const std::vector<std::pair<std::string, std::string>>& variables) {
  std::string command = without_our_variables();
  for (const auto& [name, value] : variables) command += " " + quoted(name + "=" + value);
  command += " " + quoted("ASAN_OPTIONS=" + lenient_asan_options());
  command += " " + quoted(TENON_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  Finished finished;
  char buffer[4096];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get())) {
    finished.output.append(buffer, got);
  }
  const int status = ::pclose(pipe.release());
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace tenon::tests
