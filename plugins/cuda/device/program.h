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

// ---- programs compiled at run time -----------------------------------------------------------

inline constexpr int kProgramThreads = 256;

// A divisor as a multiplication: exact for dividends below 2^31.
struct Divisor {
  uint32_t value, multiplier, shift;
};

TENON_HD inline Divisor divisor_of(uint32_t value) {
  uint32_t shift = 0;
  while (uint64_t{1} << shift < value) ++shift;
  const uint64_t rest = (uint64_t{1} << shift) - value;
  return {value, static_cast<uint32_t>((rest << 32) / value + 1), shift};
}

TENON_HD inline uint32_t quotient(uint32_t x, const Divisor& by) {
  const uint32_t high = static_cast<uint32_t>(static_cast<uint64_t>(x) * by.multiplier >> 32);
  return (high + x) >> by.shift;
}

// One dimension; every operand lies there one after another or is one element.
struct FlatParams {
  int64_t count;
  void* data[kProgramOperands];
  uint64_t scalars[kProgramScalars];  // values, already as the program uses them
};

// Any strides. The divisors are those of the shape where every index and offset is below 2^31.
struct WalkParams {
  FlatParams flat;
  int64_t shape[kMaxRank];
  Divisor divisors[kMaxRank];
  int64_t strides[kProgramOperands][kMaxRank];
};

struct FlatPlace {
  int64_t number;  // of the element
};

template <int kOperands, class I>
struct WalkPlace {
  int64_t number;
  I offsets[kOperands];
};

#if defined(__CUDACC__)
#define TENON_UNROLL _Pragma("unroll")
#define TENON_ROLLED _Pragma("unroll 1")
#else
#define TENON_UNROLL
#define TENON_ROLLED
#endif

// Where element `number` lies. I is int32_t where the divisors hold, else int64_t.
template <int kRank, int kOperands, class I>
TENON_HD inline WalkPlace<kOperands, I> walk(const WalkParams& p, int64_t number) {
  WalkPlace<kOperands, I> place{};
  place.number = number;
  I rest = static_cast<I>(number);
  TENON_UNROLL
  for (int d = kRank - 1; d >= 0; --d) {
    I index = rest;
    if (d > 0) {
      I above = 0;
      if constexpr (sizeof(I) == 4) {
        above = static_cast<I>(quotient(static_cast<uint32_t>(rest), p.divisors[d]));
      } else {
        above = rest / static_cast<I>(p.shape[d]);
      }
      index -= above * static_cast<I>(p.shape[d]);
      rest = above;
    }
    TENON_UNROLL
    for (int k = 0; k < kOperands; ++k) {
      place.offsets[k] += index * static_cast<I>(p.strides[k][d]);
    }
  }
  return place;
}

// The elements of one thread: vectors of kElements, kVectors of them, kProgramThreads apart, so
// that a warp's accesses lie side by side. f.whole() gets the numbers of a block's first elements
// where all of its vectors are whole; of the last block f.vector() gets whole vectors, and f.rest()
// single elements behind them. Blocks cover the count: one of them at most is not full.
template <int kElements, int kVectors, class F>
TENON_HD inline void visit_vectors(int64_t count, int64_t block, int thread, const F& f) {
  constexpr int64_t kBlock = int64_t{kVectors} * kProgramThreads;
  const int64_t whole = count / kElements, first = block * kBlock + thread;
  if ((block + 1) * kBlock <= whole) {
    f.whole(first * kElements);
    return;
  }
  TENON_ROLLED
  for (int64_t v = first; v < whole; v += kProgramThreads) f.vector(v * kElements);
  const int64_t number = whole * kElements + thread;
  if (kElements > 1 && number < count) f.rest(number);
}

}  // namespace tenon::cuda

#endif
