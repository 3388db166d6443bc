// The JSON header of a safetensors file. The one place that sees the JSON library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/runtime/interop/file_internal.h>
#include <tenon/runtime/interop/safetensors.h>

namespace tenon {

inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's limit
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  DType dtype = kFloat32;
  Shape sizes;
  uint64_t begin = 0, end = 0;  // bytes in the data part
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  Metadata metadata;
};

// Errors: InvalidArgument when a text is no UTF-8.
[[nodiscard]] std::string write_safetensors_header(const SafetensorsHeader& header);
// Checks everything but the order of the data. Errors: Io with the file's path.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(const InputFile& file,
                                                         std::string_view text);

}  // namespace tenon
