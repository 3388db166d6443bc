// What a device can do at best, measured: the roof that kernels are held against.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <tenon/runtime/device.h>

namespace tenon::cli {

// Nanoseconds of one call, over five blocks after a warm-up.
struct CallTime {
  double median = 0;
  double best = 0;
};
// `wait` ends a block (the device's synchronize).
[[nodiscard]] CallTime time_of(const std::function<void()>& body,
                               const std::function<void()>& wait);

struct CopyRate {
  uint64_t bytes = 0;  // read and written
  double gb_per_second = 0;
};

// Of the best blocks: a disturbed machine must not lower the roof.
struct Rates {
  std::vector<CopyRate> copies;  // by size: caches make small ones faster
  double program_gflops = 0;     // multiply-adds of a program, held in registers
  double product_gflops = 0;     // a matrix product
  // The rate of the smallest copy that is at least as large.
  [[nodiscard]] double gb_per_second(uint64_t bytes) const;
  // The greater of the two.
  [[nodiscard]] double gflops() const;
};

// Errors: Device, and what the device answers.
[[nodiscard]] Rates measure_rates(const Device& device);

}  // namespace tenon::cli
