// One line to stderr, filtered by TENON_LOG=debug|info|warning|error (default warning).
#pragma once

#include <cstdint>
#include <string_view>

#include <tenon/runtime/export.h>

namespace tenon {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

TENON_API void log(LogLevel level, std::string_view text) noexcept;
// Logs `text` once per process.
TENON_API void log_once(LogLevel level, std::string_view text) noexcept;

}  // namespace tenon
