// What a plugin file says of itself, read from its bytes before it is loaded. The bytes are a
// stranger's: every offset and size is checked against the file.
#pragma once

#include <cstdint>
#include <string>

#include <tenon/runtime/loader/file_check_internal.h>

namespace tenon::loader {

struct PluginNote {
  std::string name;
  uint32_t abi_major = 0;  // newest major it speaks
  uint32_t abi_minor = 0;
  uint32_t abi_major_min = 0;
  uint32_t host_minor_min = 0;
};

// LoadFailure "refused" unless it is a whole 64-bit shared object for this processor with exactly
// one Tenon note.
[[nodiscard]] PluginNote read_note(const CheckedFile& file);

}  // namespace tenon::loader
