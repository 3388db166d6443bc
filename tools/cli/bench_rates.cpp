#include "bench_rates.h"

#include <algorithm>
#include <chrono>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/random.h>

#include "bench/program_launch.h"

namespace tenon::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBlocks = 5;
constexpr double kBlockNs = 10e6;
constexpr double kLongEnoughNs = 5e6;  // a larger size is not tried once one takes this long
constexpr uint32_t kMultiplyAdds = 32;

double block_ns(const std::function<void()>& body, const std::function<void()>& wait, int64_t n) {
  const auto begin = Clock::now();
  for (int64_t i = 0; i < n; ++i) body();
  wait();
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() /
         static_cast<double>(n);
}

Tensor random(const Device& device, const Shape& sizes) {
  return rand(sizes, TensorOptions(kFloat32, device)).add_(0.25);  // no denormals among powers
}

// x = x·a + a again and again.
double program_gflops(const Device& device, DeviceContext& context) {
  const uint32_t count = std::min(kMultiplyAdds, context.info().program_instructions);
  bench::ProgramText text{1};
  uint32_t value = 0;
  for (uint32_t i = 0; i < count; ++i) value = text.add(TN_PROGRAM_FMA, value, 0, 0);
  double best = 0;
  for (int64_t n = int64_t{1} << 12; n <= int64_t{1} << 24; n <<= 2) {
    const bench::ProgramLaunch program(
        text, {empty({n}, TensorOptions(kFloat32, device)), random(device, {n})});
    const double ns = time_of([&] { program.launch(); }, [&] { program.synchronize(); }).best;
    best = std::max(best, 2.0 * count * static_cast<double>(n) / ns);
    if (ns > kLongEnoughNs) break;
  }
  return best;
}

double product_gflops(const Device& device, DeviceContext& context) {
  double best = 0;
  for (int64_t n = 64; n <= 4096; n *= 2) {
    const Tensor a = random(device, {n, n}), b = random(device, {n, n});
    Tensor out = empty({n, n}, a.options());
    const double ns = time_of([&] { mm_out(out, a, b); }, [&] { context.synchronize(); }).best;
    best = std::max(best, 2.0 * static_cast<double>(n * n * n) / ns);
    if (ns > kLongEnoughNs) break;
  }
  return best;
}

}  // namespace

CallTime time_of(const std::function<void()>& body, const std::function<void()>& wait) {
  (void)block_ns(body, wait, 1);  // prepares and warms up
  const double once = block_ns(body, wait, 1);
  const auto n = static_cast<int64_t>(std::clamp(kBlockNs / once, 1.0, 1e6));
  std::vector<double> blocks;
  for (int i = 0; i < kBlocks; ++i) blocks.push_back(block_ns(body, wait, n));
  std::sort(blocks.begin(), blocks.end());
  return {blocks[kBlocks / 2], blocks[0]};
}

double Rates::gb_per_second(uint64_t bytes) const {
  for (const CopyRate& copy : copies) {
    if (copy.bytes >= bytes) return copy.gb_per_second;
  }
  return copies.back().gb_per_second;
}

double Rates::gflops() const { return std::max(program_gflops, product_gflops); }

Rates measure_rates(const Device& device) {
  DeviceContext& context = DeviceContext::get(device);
  context.require_compute();
  Rates rates;
  for (const int64_t n : {int64_t{100'000}, int64_t{1'000'000}, int64_t{10'000'000}}) {
    const Tensor from = random(device, {n});
    Tensor to = empty({n}, from.options());
    const double ns = time_of([&] { to.copy_(from); }, [&] { context.synchronize(); }).best;
    const auto bytes = static_cast<uint64_t>(8 * n);
    rates.copies.push_back({bytes, static_cast<double>(bytes) / ns});
  }
  rates.program_gflops = program_gflops(device, context);
  rates.product_gflops = product_gflops(device, context);
  return rates;
}

}  // namespace tenon::cli
