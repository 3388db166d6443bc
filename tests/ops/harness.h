// How the op tests are registered, counted and rerun.
#pragma once

#include <string>

#include <tenon/runtime/device.h>

#include "ops/op_samples.h"
#include "support/dynamic_test.h"

namespace tenon::ops_test {

using test::add_test;

// --case=<id>: only the case of that id runs; empty means all.
[[nodiscard]] const std::string& wanted_case();
[[nodiscard]] inline bool is_wanted(const std::string& id) {
  return wanted_case().empty() || wanted_case() == id;
}
// One line that reruns a case of the current test.
[[nodiscard]] std::string rerun(const std::string& id);

// Cases that ran, by kind ("forward", "gradient", "error"); printed at the end. What floor.txt is
// compared with are the planned ones, below.
void count_case(const std::string& kind);

// Makes new tensors go to a device for a scope.
class DeviceScope {
 public:
  explicit DeviceScope(const Device& device) : previous_(default_device()) {
    set_default_device(device);
  }
  ~DeviceScope() { set_default_device(previous_); }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  Device previous_;
};

// Whether the default device computes a dtype; float64 may be absent.
[[nodiscard]] bool computes(DType dtype);

// Calls of a row, from the random numbers that belong to its op and dtype.
[[nodiscard]] std::vector<Call> calls_of(const SampleRow& row, DType dtype);

// Each file registers its tests.
void register_forward_tests();
void register_gradient_tests();
void register_error_tests();
void register_completeness_tests();

// Cases that the rows ask for, whether they run now or not.
[[nodiscard]] int64_t planned_forward_cases();
[[nodiscard]] int64_t planned_gradient_cases();
[[nodiscard]] int64_t planned_error_cases();

}  // namespace tenon::ops_test
