// The kernels that `tenon bench` times.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tenon/runtime/device.h>

namespace tenon::cli {

// What the call must at least read, write and compute, however it is done.
struct Work {
  double bytes = 0;
  double flops = 0;  // of products; functions of one element count as none
};

struct BenchKernel {
  std::string name;
  Work work;
  // Makes the operands on the device; the call to time is what it answers.
  std::function<std::function<void()>(const Device&)> prepare;
};

[[nodiscard]] std::vector<BenchKernel> bench_kernels();

}  // namespace tenon::cli
