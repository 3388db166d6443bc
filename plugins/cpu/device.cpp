#include "device.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstring>

#include "kernels/convolution_kernels.h"
#include "kernels/elementwise_kernels.h"
#include "kernels/elementwise_vm.h"
#include "kernels/matmul_kernels.h"
#include "kernels/normalization_kernels.h"
#include "kernels/random_kernels.h"
#include "kernels/reduction_kernels.h"

namespace tenon::cpu {

#if defined(__x86_64__)

Isa detect_isa() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return Isa::kAvx512;
  return avx2 ? Isa::kAvx2 : Isa::kBaseline;
}

KernelTables kernel_tables(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return {&elementwise_avx512(), &reduction_avx512(),     &vm_avx512(),    &matmul_avx512(),
              &convolution_avx512(), &normalization_avx512(), &random_avx512()};
    case Isa::kAvx2:
      return {&elementwise_avx2(), &reduction_avx2(),     &vm_avx2(),    &matmul_avx2(),
              &convolution_avx2(), &normalization_avx2(), &random_avx2()};
    default:
      return {&elementwise_baseline(), &reduction_baseline(),   &vm_baseline(),
              &matmul_baseline(),      &convolution_baseline(), &normalization_baseline(),
              &random_baseline()};
  }
}

std::string processor_name() {
  unsigned words[12] = {};
  if (__get_cpuid_max(0x80000000u, nullptr) < 0x80000004u) return "x86-64";
  for (unsigned i = 0; i < 3; ++i) {
    __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                &words[4 * i + 3]);
  }
  char text[sizeof words + 1] = {};
  std::memcpy(text, words, sizeof words);
  std::string name = text;
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "x86-64";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

#else

Isa detect_isa() { return Isa::kBaseline; }

KernelTables kernel_tables(Isa) {
  return {&elementwise_baseline(), &reduction_baseline(),     &vm_baseline(),    &matmul_baseline(),
          &convolution_baseline(), &normalization_baseline(), &random_baseline()};
}

std::string processor_name() { return "host processor"; }

#endif

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx2:
      return "avx2";
    default:
      return "baseline";
  }
}

tn_status fail(const tn_host* host, tn_status status, std::string_view text) {
  host->set_error(host->context, text.data(), text.size());
  return status;
}

}  // namespace tenon::cpu
