// tenon bench: our kernels on one device, each held against the roof that was measured on it.
#include <fmt/core.h>
#include <regex.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/error.h>
#include <tenon/runtime/parallel.h>

#include "bench_kernels.h"
#include "bench_rates.h"
#include "commands.h"
#include "facts.h"

namespace tenon::cli {
namespace {

struct Timed {
  std::string name;
  Work work;
  double ns = 0;
  double roof_ns = 0;       // what the roof allows at best
  bool by_compute = false;  // which of the two sets it
  std::string error;        // why the device could not

  [[nodiscard]] double share() const { return roof_ns / ns; }
};

Timed time_kernel(const BenchKernel& kernel, const Device& device, const Rates& rates) {
  Timed timed{kernel.name, kernel.work, 0, 0, false, {}};
  DeviceContext& context = DeviceContext::get(device);
  try {
    const std::function<void()> body = kernel.prepare(device);
    timed.ns = time_of(body, [&context] { context.synchronize(); }).median;
  } catch (const Error& e) {
    timed.error = e.what();
    return timed;
  }
  const double memory_ns =
      kernel.work.bytes / rates.gb_per_second(static_cast<uint64_t>(kernel.work.bytes));
  const double compute_ns = kernel.work.flops / rates.gflops();
  timed.roof_ns = std::max(memory_ns, compute_ns);
  timed.by_compute = compute_ns > memory_ns;
  return timed;
}

void print_head(const std::string& device, const DeviceContext& context, const Rates& rates) {
  fmt::print("{}: {}, {} threads\n", device, context.info().name, thread_count());
  for (const CopyRate& copy : rates.copies) {
    fmt::print("copy of {:>8}: {:.1f} GB/s, read and write\n", size_text(copy.bytes / 2),
               copy.gb_per_second);
  }
  fmt::print("multiply-adds: {:.1f} GFLOP/s (a program {:.1f}, a product {:.1f})\n\n",
             rates.gflops(), rates.program_gflops, rates.product_gflops);
  fmt::print("{:<34} {:>12} {:>9} {:>9} {:>8}  {}\n", "kernel", "time", "GB/s", "GFLOP/s",
             "of roof", "roof");
  std::fflush(stdout);
}

void print_row(const Timed& timed) {
  if (!timed.error.empty()) {
    fmt::print("{:<34} {:>12}  {}\n", timed.name, "no", timed.error);
    return;
  }
  fmt::print("{:<34} {:>9.1f} us {:>9.1f} {:>9.1f} {:>7.0f}%  {}\n", timed.name, timed.ns / 1e3,
             timed.work.bytes / timed.ns, timed.work.flops / timed.ns, 100 * timed.share(),
             timed.by_compute ? "multiply-adds" : "copy");
  std::fflush(stdout);
}

Json to_json(const Timed& timed) {
  if (!timed.error.empty()) return {{"name", timed.name}, {"error", timed.error}};
  return {{"name", timed.name},
          {"ns", timed.ns},
          {"bytes", timed.work.bytes},
          {"flops", timed.work.flops},
          {"gb_per_second", timed.work.bytes / timed.ns},
          {"gflops", timed.work.flops / timed.ns},
          {"roof", timed.by_compute ? "multiply-adds" : "copy"},
          {"share", timed.share()}};
}

void write_json(const std::string& file, const std::string& device, const DeviceContext& context,
                const Rates& rates, const std::vector<Timed>& rows) {
  Json copies = Json::array();
  for (const CopyRate& copy : rates.copies) {
    copies.push_back({{"bytes", copy.bytes}, {"gb_per_second", copy.gb_per_second}});
  }
  Json kernels = Json::array();
  for (const Timed& timed : rows) kernels.push_back(to_json(timed));
  const Json document = {{"device", device},
                         {"name", context.info().name},
                         {"threads", thread_count()},
                         {"copies", copies},
                         {"program_gflops", rates.program_gflops},
                         {"product_gflops", rates.product_gflops},
                         {"kernels", kernels}};
  std::ofstream out(file);
  out << document.dump(1) << '\n';
  out.close();
  check(!out.fail(), ErrorCode::kIo, "bench", "could not write ", file);
}

// Keeps the kernels whose name matches a POSIX extended regular expression. regcomp, because
// std::regex raises false alarms of uninitialized reads in builds with sanitizers.
void keep_matching(std::vector<BenchKernel>& kernels, const std::string& filter) {
  regex_t wanted;
  const int code = regcomp(&wanted, filter.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) {
    char reason[128];
    regerror(code, &wanted, reason, sizeof reason);
    fail(ErrorCode::kInvalidArgument, "bench",
         "--filter expects an extended regular expression, got ", filter, ": ", reason);
  }
  std::erase_if(kernels, [&](const BenchKernel& kernel) {
    return regexec(&wanted, kernel.name.c_str(), 0, nullptr, 0) != 0;
  });
  regfree(&wanted);
}

}  // namespace

int run_bench(const BenchOptions& options) {
  std::vector<BenchKernel> kernels = bench_kernels();
  keep_matching(kernels, options.filter);
  check(!kernels.empty(), ErrorCode::kInvalidArgument, "bench", "no kernel matches ",
        options.filter, "; without --filter all are listed");
  const Device device = options.device.empty() ? default_device() : Device(options.device);
  DeviceContext& context = DeviceContext::get(device);
  const Rates rates = measure_rates(device);
  print_head(device.str(), context, rates);
  std::vector<Timed> rows;
  for (const BenchKernel& kernel : kernels) {
    rows.push_back(time_kernel(kernel, device, rates));
    print_row(rows.back());
  }
  if (!options.json.empty()) write_json(options.json, device.str(), context, rates, rows);
  return 0;
}

}  // namespace tenon::cli
