// Named tensors in one file, in the format that Hugging Face and PyTorch users exchange.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tenon/runtime/tensor.h>

namespace tenon {

// In order; names are unique where they go into a file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using Metadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsFile {
  NamedTensors tensors;  // on "cpu", in the order of the header
  Metadata metadata;     // the "__metadata__" entry
};

// Writes the tensors, from any device and layout. The target is replaced in one step or not at all.
// Dtypes: all.
// Errors: InvalidArgument (duplicate or reserved names, names that are no UTF-8, undefined
// tensors), Io.
// Source: https://github.com/huggingface/safetensors (README, "Format").
TENON_API void save_safetensors(const std::string& path, const NamedTensors& tensors,
                                const Metadata& metadata = {});

// Reads a whole file. Every size is checked against the file before memory is asked for; headers
// with holes, overlaps, duplicate names or unknown fields are refused.
// Errors: Io, saying what was expected.
[[nodiscard]] TENON_API SafetensorsFile load_safetensors(const std::string& path);

}  // namespace tenon
