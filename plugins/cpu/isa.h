// Which instruction set a translation unit is compiled for.
//
// Kernels are compiled once per instruction set from the same headers. Everything such a header
// defines lives in an inline namespace named after the set, so that the linker never merges a
// template that was compiled for AVX-512 into code that runs on a smaller processor.
#ifndef TENON_PLUGINS_CPU_ISA_H
#define TENON_PLUGINS_CPU_ISA_H

#if defined(__AVX512F__)
#define TENON_CPU_ISA avx512
#elif defined(__AVX2__)
#define TENON_CPU_ISA avx2
#else
#define TENON_CPU_ISA baseline
#endif

namespace tenon::cpu {

enum class Isa { kBaseline, kAvx2, kAvx512 };

// The best set that this processor and its operating system offer.
[[nodiscard]] Isa detect_isa();

// "baseline", "avx2" or "avx512".
[[nodiscard]] const char* isa_name(Isa isa);

}  // namespace tenon::cpu

#endif
