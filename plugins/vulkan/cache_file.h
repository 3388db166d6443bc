// The file that keeps a driver's pipeline cache between runs: a header of ours, then its bytes.
#ifndef TENON_PLUGINS_VULKAN_CACHE_FILE_H
#define TENON_PLUGINS_VULKAN_CACHE_FILE_H

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tenon::vulkan {

// Path for the driver with this id: in `folder`, else in $XDG_CACHE_HOME or ~/.cache. The folder is
// made with mode 0700; one that belongs to somebody else, or that others may write, is not used.
// Empty: there is none.
std::string cache_path(const std::string& folder, std::span<const uint8_t> driver_id);

// The bytes, or nothing when the file is absent, of another driver, cut short or spoilt.
std::vector<char> read_cache(const std::string& path, std::span<const uint8_t> driver_id);

// Replaces the file in one step. Failures are no matter: it is a cache.
void write_cache(const std::string& path, std::span<const uint8_t> driver_id,
                 std::span<const char> bytes);

}  // namespace tenon::vulkan

#endif
