#include "library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace tenon::cuda {
namespace {

namespace fs = std::filesystem;

bool open(Library& library, const std::string& path) {
  library.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library.handle != nullptr) {
    library.path = path;
    return true;
  }
  const char* why = dlerror();
  library.tried += (library.tried.empty() ? "" : "; ") + std::string(why != nullptr ? why : path);
  return false;
}

void add_children(std::vector<std::string>& folders, const fs::path& parent, const char* tail) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const fs::path folder = entry.path() / tail;
    if (fs::is_directory(folder, ignored)) folders.push_back(folder.string());
  }
}

}  // namespace

void* Library::symbol(const char* name) const { return dlsym(handle, name); }

Library find_library(const Wanted& wanted) {
  Library library;
  std::error_code ignored;
  if (wanted.chosen) {
    const bool folder = fs::is_directory(*wanted.chosen, ignored);
    if (!fs::path(*wanted.chosen).is_absolute()) {
      library.tried = *wanted.chosen + ": not an absolute path";
    } else {
      open(library, folder ? *wanted.chosen + "/" + wanted.soname : *wanted.chosen);
    }
    return library;
  }
  if (open(library, wanted.soname)) return library;
  for (const std::string& folder : wanted.folders) {
    const std::string path = folder + "/" + wanted.soname;
    if (fs::exists(path, ignored) && open(library, path)) return library;
  }
  library.tried += "; not in:";
  for (const std::string& folder : wanted.folders) library.tried += " " + folder;
  return library;
}

std::vector<std::string> toolkit_folders() {
  std::vector<std::string> folders{"/usr/local/cuda/lib64", "/opt/cuda/lib64"};
  std::vector<std::string> prefixes{"/usr/local", "/usr"};
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const char* value = secure_getenv(variable);
    if (value != nullptr && value[0] == '/') folders.push_back(std::string(value) + "/lib64");
  }
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const char* value = secure_getenv(variable);
    if (value != nullptr && value[0] == '/') prefixes.insert(prefixes.begin(), value);
  }
  const char* home = secure_getenv("HOME");
  if (home != nullptr && home[0] == '/') prefixes.push_back(std::string(home) + "/.local");
  for (const std::string& prefix : prefixes) {
    std::vector<std::string> sites;
    add_children(sites, prefix + "/lib", "site-packages/nvidia");
    add_children(sites, prefix + "/lib", "dist-packages/nvidia");
    for (const std::string& site : sites) add_children(folders, site, "lib");
  }
  return folders;
}

}  // namespace tenon::cuda
