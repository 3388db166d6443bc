#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include "commands.h"

namespace tenon::cli {

// A program of its own, because it trains networks: this one stays a light helper.
int run_conform(const std::vector<std::string>& arguments) {
  std::error_code failure;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", failure);
  const std::string program = (own.parent_path() / "tenon-conform").string();
  std::vector<char*> words = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  throw std::system_error(errno, std::generic_category(), program);
}

}  // namespace tenon::cli
