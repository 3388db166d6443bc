// The services that plugins get from the host, and the text of their failures.
#pragma once

#include <string>

#include <tenon/api/device_plugin.h>

namespace tenon::loader {

// The host table of one plugin; lives for ever.
[[nodiscard]] const tn_host* make_host(const std::string& plugin, uint32_t abi_major,
                                       uint32_t abi_minor);

// Its plugin was closed: what it calls from now on is ignored, and named in the log.
void close_host(const std::string& plugin) noexcept;

// The text that `plugin` set on this thread, cleared; "" when it set none.
[[nodiscard]] std::string take_error_of(const std::string& plugin);

// "UNSUPPORTED", or "status 77" for what this ABI does not know.
[[nodiscard]] std::string status_name(tn_status status);

}  // namespace tenon::loader
