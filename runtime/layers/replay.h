// Runs a launch again that TENON_SHADOW found to differ between two devices.
#pragma once

#include <string>

#include <tenon/runtime/export.h>

namespace tenon {

struct ReplayResult {
  std::string op;        // "add (program)"
  std::string operands;  // dtypes, shapes and strides
  std::string first_device, second_device;
  std::string divergence;  // where, how far; "" when the two agree
};

// The launch in a file that TENON_SHADOW wrote, on the two devices it names or on others ("cpu",
// "cuda:1").
// Errors: Io, Device, and what the plugins answer.
[[nodiscard]] TENON_API ReplayResult replay_launch(const std::string& path,
                                                   const std::string& first_device = "",
                                                   const std::string& second_device = "");

}  // namespace tenon
