// Libraries of NVIDIA that are opened when they are needed, by SONAME, and where they are looked
// for.
#ifndef TENON_PLUGINS_CUDA_LIBRARY_H
#define TENON_PLUGINS_CUDA_LIBRARY_H

#include <optional>
#include <string>
#include <vector>

namespace tenon::cuda {

struct Wanted {
  std::string soname;
  std::optional<std::string>
      chosen;  // a file, or a folder that holds it: then nothing else is tried
  std::vector<std::string> folders;  // absolute, tried after the loader's own search
};

struct Library {
  void* handle = nullptr;
  std::string path;   // as it was opened
  std::string tried;  // what was tried and what the loader said, for people

  [[nodiscard]] void* symbol(const char* name) const;
};

// Opens the first that loads; handles are never closed.
Library find_library(const Wanted& wanted);

// Folders where the toolkit's libraries are found: the toolkit itself, and the packages that pip
// puts into site-packages/nvidia/*/lib of the Pythons whose folders are known.
std::vector<std::string> toolkit_folders();

}  // namespace tenon::cuda

#endif
