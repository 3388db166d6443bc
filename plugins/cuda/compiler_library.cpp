#include "compiler_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

#include "images.h"
#include "library.h"

namespace tenon::cuda {
namespace {

namespace fs = std::filesystem;

// NVRTC opens its builtins by SONAME. Where it lies in a folder that the loader does not search,
// they are opened before it asks.
void open_builtins(const std::string& path, int major) {
  const fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) return;
  const std::string name = "libnvrtc-builtins.so." + std::to_string(major);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(name)) {
      dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    }
  }
}

template <class F>
bool take(const Library& library, F& to, const char* name) {
  to = reinterpret_cast<F>(library.symbol(name));
  return to != nullptr;
}

bool fill(const Library& library, Nvrtc& table) {
  return take(library, table.version, "nvrtcVersion") &&
         take(library, table.error_string, "nvrtcGetErrorString") &&
         take(library, table.create, "nvrtcCreateProgram") &&
         take(library, table.destroy, "nvrtcDestroyProgram") &&
         take(library, table.compile, "nvrtcCompileProgram") &&
         take(library, table.cubin_size, "nvrtcGetCUBINSize") &&
         take(library, table.cubin, "nvrtcGetCUBIN") &&
         take(library, table.log_size, "nvrtcGetProgramLogSize") &&
         take(library, table.log, "nvrtcGetProgramLog");
}

// A program of NVRTC's, destroyed at the end.
class Unit {
 public:
  Unit(const Nvrtc& nvrtc, const std::string& text) : nvrtc_(nvrtc) {
    std::vector<const char*> texts, names;
    for (const HeaderText& header : header_texts()) {
      texts.push_back(header.text);
      names.push_back(header.name);
    }
    check(nvrtc.create(&program_, text.c_str(), "tenon_program.cu", static_cast<int>(names.size()),
                       texts.data(), names.data()),
          "nvrtcCreateProgram");
  }
  ~Unit() { nvrtc_.destroy(&program_); }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  std::string compile(const std::vector<std::string>& options) {
    std::vector<const char*> raw;
    raw.reserve(options.size());
    for (const std::string& option : options) raw.push_back(option.c_str());
    const nvrtcResult result = nvrtc_.compile(program_, static_cast<int>(raw.size()), raw.data());
    if (result != NVRTC_SUCCESS) {
      throw std::runtime_error(std::string("nvrtcCompileProgram: ") + nvrtc_.error_string(result) +
                               "\n" + log());
    }
    size_t size = 0;
    check(nvrtc_.cubin_size(program_, &size), "nvrtcGetCUBINSize");
    std::string cubin(size, '\0');
    check(nvrtc_.cubin(program_, cubin.data()), "nvrtcGetCUBIN");
    return cubin;
  }

 private:
  void check(nvrtcResult result, const char* what) const {
    if (result == NVRTC_SUCCESS) return;
    throw std::runtime_error(std::string(what) + ": " + nvrtc_.error_string(result));
  }
  std::string log() {
    size_t size = 0;
    if (nvrtc_.log_size(program_, &size) != NVRTC_SUCCESS) return {};
    std::string text(size, '\0');
    if (nvrtc_.log(program_, text.data()) != NVRTC_SUCCESS) return {};
    while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.pop_back();
    return text;
  }

  const Nvrtc& nvrtc_;
  nvrtcProgram program_ = nullptr;
};

}  // namespace

NvrtcSearch find_nvrtc(const std::optional<std::string>& chosen) {
  NvrtcSearch search;
  for (const int major : {13, 12}) {
    Wanted wanted;
    wanted.soname = "libnvrtc.so." + std::to_string(major);
    wanted.chosen = chosen;
    if (!chosen) wanted.folders = toolkit_folders();
    const Library library = find_library(wanted);
    if (library.handle == nullptr) {
      search.reason += (search.reason.empty() ? "" : "; ") + library.tried;
      continue;
    }
    Nvrtc table{};
    int found_major = 0, found_minor = 0;
    if (!fill(library, table) || table.version(&found_major, &found_minor) != NVRTC_SUCCESS) {
      search.reason += library.path + " is no NVRTC";
      continue;
    }
    open_builtins(library.path, found_major);
    search.table = table;
    search.version = 1000 * found_major + 10 * found_minor;
    search.path = library.path;
    return search;
  }
  return search;
}

std::string compile_cubin(const Nvrtc& nvrtc, const std::string& text,
                          const std::vector<std::string>& options) {
  return Unit(nvrtc, text).compile(options);
}

}  // namespace tenon::cuda
