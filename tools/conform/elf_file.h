// What the bytes of a shared object say: symbols, needs, notes, segments. Every offset is checked
// against the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tenon/api/device_plugin.h>

namespace tenon::conform {

struct ElfFile {
  std::vector<std::string> exported;   // defined, visible to others
  std::vector<std::string> unique;     // of binding GNU_UNIQUE
  std::vector<std::string> undefined;  // wanted of others
  std::vector<std::string> needed;     // DT_NEEDED
  std::vector<std::string> run_paths;  // elements of DT_RPATH and DT_RUNPATH
  std::vector<tn_plugin_note> notes;   // ours
  bool text_relocations = false;
  bool has_stack_header = false;
  bool executable_stack = false;
  bool writable_code = false;  // a segment that may be written and executed
};

// Throws Failure when it is no whole 64-bit shared object.
[[nodiscard]] ElfFile read_elf(const std::string& path);

}  // namespace tenon::conform
