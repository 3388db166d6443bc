// Asks a device's plugin for its operators, each with one float32 example.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tenon/runtime/device.h>

namespace tenon::cli {

struct Answer {
  std::string support;  // "native", "native once contiguous", "host-staged", "no", "unknown"
  std::string reason;   // the plugin's, with "no"
};

// Keeps the device open and a buffer for the examples.
class OperatorQuery {
 public:
  // Errors: Device.
  explicit OperatorQuery(const Device& device);
  ~OperatorQuery();
  OperatorQuery(const OperatorQuery&) = delete;
  OperatorQuery& operator=(const OperatorQuery&) = delete;

  // "unknown" where there is no example of that name: it is asked at the first call.
  [[nodiscard]] Answer ask(std::string_view op) const;

 private:
  struct Impl;
  Impl* impl_;
};

// The operators that every plugin must have.
[[nodiscard]] std::vector<std::string_view> required_operators();

}  // namespace tenon::cli
