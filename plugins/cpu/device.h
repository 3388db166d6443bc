// The plugin's objects behind the ABI's handles.
#ifndef TENON_PLUGINS_CPU_DEVICE_H
#define TENON_PLUGINS_CPU_DEVICE_H

#include <tenon/api/device_plugin.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "isa.h"
#include "operands.h"

namespace tenon::cpu {

struct ElementwiseKernels;
struct ReductionKernels;
struct VmKernels;
struct MatmulKernels;
struct ConvolutionKernels;
struct NormalizationKernels;
struct RandomKernels;

// Kernels compiled for one instruction set.
struct KernelTables {
  const ElementwiseKernels* elementwise;
  const ReductionKernels* reduction;
  const VmKernels* vm;
  const MatmulKernels* matmul;
  const ConvolutionKernels* convolution;
  const NormalizationKernels* normalization;
  const RandomKernels* random;
};

[[nodiscard]] KernelTables kernel_tables(Isa isa);

// The processor's name as CPUID tells it.
[[nodiscard]] std::string processor_name();

// Text of a failure goes to the host; returns `status` so that a caller can write `return
// fail(...)`.
tn_status fail(const tn_host* host, tn_status status, std::string_view text);

// Runs f(begin, end) over parts of [0, count) of at least `grain` on the host's pool.
template <class F>
void parallel_for(const tn_host* host, int64_t count, int64_t grain, F&& f) {
  if (count <= 0) return;
  if (count <= grain) return f(int64_t{0}, count);
  using Function = std::remove_reference_t<F>;
  host->parallel_for(
      host->context, count, grain,
      [](void* context, int64_t begin, int64_t end) {
        (*static_cast<Function*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace tenon::cpu

struct tn_plugin_s {
  const tn_host* host;
};

struct tn_device_s {
  const tn_host* host;
  tenon::cpu::Isa isa;
  tenon::cpu::KernelTables tables;
  std::string name;
};

struct tn_stream_s {
  tn_device_s* device;
  uint64_t timeline;
};

#endif
