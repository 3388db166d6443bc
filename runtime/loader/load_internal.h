// One attempt to load one file, from its bytes to an open plugin.
#pragma once

#include <memory>
#include <string>

#include <tenon/runtime/loader/file_check_internal.h>
#include <tenon/runtime/loader/plugin.h>

namespace tenon::loader {

struct Loaded {
  std::unique_ptr<Plugin> plugin;
  FileIdentity identity;
};

// Loads record.path; the record follows the stages and gets the verdict. A LoadFailure is thrown
// after the record was written.
[[nodiscard]] Loaded load_file(LoadRecord& record);

// Called with each stage that any attempt enters; for the helper process.
void observe_stages(void (*observer)(const char* stage));

// "" when the host and such a plugin have a version in common, else why not.
[[nodiscard]] std::string version_mismatch(uint32_t abi_major_min, uint32_t abi_major,
                                           uint32_t host_minor_min);

}  // namespace tenon::loader
