// The register machine for programs of f32 and bool.
//
// One value is held in eight vector registers (128 elements with AVX-512); each step is a function
// that changes it and calls the next as its last act, so a program runs through without returning.
// Other operands of a step are memory: tensors, or scratch of one chunk. Values that the next step
// does not take over are spilled to scratch. A remainder runs through narrow twins of the steps,
// one vector at a time, which compute the same bits. Bools are lanes of 0 or -1 inside.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_H

#include <tenon/api/device_plugin.h>

#include <cstddef>
#include <cstdint>

#include "elementwise_kernels.h"

namespace tenon::cpu {

inline constexpr int64_t kVmChunk = 128;  // elements of one scratch slot, at any vector width
inline constexpr uint32_t kVmOperands = 128;

using VmFunction = void (*)();  // its true type belongs to the instruction set

struct VmStep {
  VmFunction wide;
  VmFunction narrow;
  uint32_t first;  // operands in memory
  uint32_t second;
};

// Element i of an operand lies at base + i * step; scratch has step 0 and holds one chunk.
struct VmOperand {
  std::byte* base;
  int64_t step;
};

struct VmFrame {
  uint32_t count;  // operands in use
  VmOperand operands[kVmOperands];
};

// An operand of f32 values in a row, or one value for all.
struct VmValues {
  const float* data;
  bool one;
};
// out[i] = f(in[0][i], in[1][i]) for i < n; bools when the instruction is a comparison.
using VmDirect = void (*)(std::byte* out, const VmValues* in, int64_t n);

struct VmFunctions {
  VmFunction wide = nullptr;
  VmFunction narrow = nullptr;
};

// How a step finds its inputs: r is the value in registers, m is memory.
enum VmForm : uint32_t {
  kVmRegister,
  kVmRegisterMemory,
  kVmMemoryRegister,
  kVmMemoryMemory,
  kVmForms
};

struct VmKernels {
  VmFunctions op[kOpcodeCount][kVmForms];       // r(a), (r, m), (m, r), (m, m); ternary: (r, m, m)
  VmFunctions op_bool[kOpcodeCount][kVmForms];  // AND, OR, XOR, NOT, WHERE of bools
  VmFunctions cast_to_bool, cast_to_float;
  VmFunctions load, load_bool;                  // from m
  VmFunctions store, store_bool, store_stream;  // to m
  VmFunctions spill;                            // to scratch
  VmFunctions end;
  VmDirect direct[kOpcodeCount];  // of f32; NULL where steps do as well
  // Fills scratch with one value, for a run over n elements.
  void (*fill)(std::byte* scratch, float value, int64_t n);
  // Runs the steps over elements [0, n). The first `tensors` operands are tensors: those from
  // `outputs` on are written.
  void (*run)(const VmStep* steps, const VmFrame& frame, uint32_t outputs, uint32_t tensors,
              int64_t n);
};

const VmKernels& vm_baseline();
const VmKernels& vm_avx2();
const VmKernels& vm_avx512();

}  // namespace tenon::cpu

#endif
