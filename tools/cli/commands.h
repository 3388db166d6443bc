// The subcommands of `tenon`. Each answers the program's exit status.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tenon::cli {

enum class Format : uint8_t { kText, kJson };

// Every device with what its plugin says of it.
int run_devices(Format format);
// Versions, search path, every plugin file with its verdict, devices, environment. Plugins are only
// opened in helper processes, so that no plugin can take the diagnosis down.
int run_doctor(Format format, std::chrono::milliseconds timeout);
// Every op; with a device (may be ""), also how that device computes it.
int run_ops(const std::string& device, Format format);
// A launch that TENON_SHADOW wrote to a file, on two devices (may be "": those of the file). 1 when
// they differ.
int run_replay(const std::string& file, const std::string& device, const std::string& beside);

struct BenchOptions {
  std::string device;  // "" is the default device
  std::string filter;  // a regular expression that kernels' names must match
  std::string json;    // a file to write, or ""
};
// Times our kernels on a device, beside the copy bandwidth and the multiply-add rate measured on
// it. Errors: InvalidArgument when no kernel matches, Device, Io.
int run_bench(const BenchOptions& options);
// Becomes the program tenon-conform, which stands beside this one; comes back by an exception only.
[[noreturn]] int run_conform(const std::vector<std::string>& arguments);

}  // namespace tenon::cli
