// The subcommands of `tenon`. Each answers the program's exit status.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tenon::cli {

enum class Format : uint8_t { kText, kJson };

// Every device with what its plugin says of it.
int run_devices(Format format);
// Versions, search path, every plugin file with its verdict, devices, environment. Plugins are only
// opened in helper processes, so that no plugin can take the diagnosis down.
int run_doctor(Format format, std::chrono::milliseconds timeout);
// Every op; with a device (may be ""), also how that device computes it.
int run_ops(const std::string& device, Format format);

}  // namespace tenon::cli
