// Parameters of a pointwise program's kernels, and where its elements lie.
#ifndef TENON_PLUGINS_CUDA_DEVICE_PROGRAM_H
#define TENON_PLUGINS_CUDA_DEVICE_PROGRAM_H

#include "device/base.h"

namespace tenon::cuda {

// The device's limits for one program.
inline constexpr int kProgramInputs = 8, kProgramScalars = 16, kProgramOutputs = 4,
                     kProgramInstructions = 32;
inline constexpr int kProgramOperands = kProgramInputs + kProgramOutputs;
inline constexpr int kProgramValues = kProgramInputs + kProgramScalars + kProgramInstructions;

// One launch. Operands are the outputs, then the inputs; dimensions are collapsed, strides are in
// elements. rank 0 never occurs: one element has rank 1 and extent 1.
struct ProgramParams {
  int64_t count;
  int32_t rank;
  uint32_t operand_count;
  int64_t shape[kMaxRank];
  int64_t strides[kProgramOperands][kMaxRank];
  void* data[kProgramOperands];
  uint64_t scalars[kProgramScalars];
};

// Offsets of element `number` of every operand. I is int32_t or int64_t: wide enough for the count
// and every offset.
template <class I>
TENON_HD inline void program_offsets(const ProgramParams& p, int64_t number, I* offsets) {
  const uint32_t operands = p.operand_count;
  for (uint32_t k = 0; k < operands; ++k) offsets[k] = 0;
  I rest = static_cast<I>(number);
  for (int d = p.rank - 1; d >= 0; --d) {
    const I extent = static_cast<I>(p.shape[d]);
    const I above = d == 0 ? 0 : rest / extent;
    const I index = rest - above * extent;
    for (uint32_t k = 0; k < operands; ++k) {
      offsets[k] += index * static_cast<I>(p.strides[k][d]);
    }
    rest = above;
  }
}

// A program as data, for the kernel that interprets it: 16 bytes an instruction.
struct ProgramCode {
  uint32_t input_count, scalar_count, instruction_count, output_count;
  uint8_t dtypes[kProgramValues];  // of every value
  uint8_t outputs[kProgramOutputs];
  uint8_t steps[kProgramInstructions][8];  // opcode, dtype, a, b, c
};

struct InterpretedParams {
  ProgramParams launch;
  ProgramCode code;
};

}  // namespace tenon::cuda

#endif
