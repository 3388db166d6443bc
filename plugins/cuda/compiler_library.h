// NVRTC as one table of function pointers, opened when the first program is to be compiled.
#ifndef TENON_PLUGINS_CUDA_COMPILER_LIBRARY_H
#define TENON_PLUGINS_CUDA_COMPILER_LIBRARY_H

#include <nvrtc.h>

#include <optional>
#include <string>
#include <vector>

namespace tenon::cuda {

struct Nvrtc {
  decltype(&::nvrtcVersion) version;
  decltype(&::nvrtcGetErrorString) error_string;
  decltype(&::nvrtcCreateProgram) create;
  decltype(&::nvrtcDestroyProgram) destroy;
  decltype(&::nvrtcCompileProgram) compile;
  decltype(&::nvrtcGetCUBINSize) cubin_size;
  decltype(&::nvrtcGetCUBIN) cubin;
  decltype(&::nvrtcGetProgramLogSize) log_size;
  decltype(&::nvrtcGetProgramLog) log;
};

struct NvrtcSearch {
  std::optional<Nvrtc> table;
  int version = 0;     // 1000 * major + 10 * minor
  std::string path;    // what was opened
  std::string reason;  // why there is none
};

// `chosen` is an absolute path of the library or of its folder: then nothing else is tried.
NvrtcSearch find_nvrtc(const std::optional<std::string>& chosen);

// Compiles a text that may include the device headers; a cubin, or throws std::runtime_error with
// the compiler's words.
std::string compile_cubin(const Nvrtc& nvrtc, const std::string& text,
                          const std::vector<std::string>& options);

}  // namespace tenon::cuda

#endif
