// Weights of a module as a safetensors file, under PyTorch's names.
#pragma once

#include <string>

#include <tenon/nn/module.h>

namespace tenon::nn {

// Errors: Io.
TENON_API void save(const Module& module, const std::string& path, const Metadata& metadata = {});
// Errors: Io for the file; InvalidArgument with every difference in names and shapes. Nothing is
// changed on error.
TENON_API LoadReport load(Module& module, const std::string& path,
                          LoadMode mode = LoadMode::kStrict);

// Several state dicts in one file: every name gets "prefix." in front, or the entries that have it
// are taken out, without it.
TENON_API void append_prefixed(NamedTensors& all, const std::string& prefix,
                               const NamedTensors& part);
[[nodiscard]] TENON_API NamedTensors take_prefixed(const NamedTensors& all,
                                                   const std::string& prefix);

}  // namespace tenon::nn
