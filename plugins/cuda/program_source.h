// The text of a pointwise program's own kernel: CUDA C++ for NVRTC, written for one program and one
// way its operands lie. It calls the very functions that the interpreter calls, so that the bits
// are the same.
#ifndef TENON_PLUGINS_CUDA_PROGRAM_SOURCE_H
#define TENON_PLUGINS_CUDA_PROGRAM_SOURCE_H

#include <tenon/api/reference_program.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "device/program.h"
#include "geometry.h"

namespace tenon::cuda {

// How the operands of a launch lie, as far as a kernel is made for it.
struct ProgramLayout {
  uint8_t rank = 1;      // of the collapsed space
  uint8_t flat = 0;      // rank 1, every operand dense or one element
  uint8_t wide = 0;      // indices of 64 bits; 0 when flat, where numbers always have them
  uint8_t elements = 1;  // in a vector: one thread's access, at most 16 bytes
  uint8_t vectors = 1;   // of a thread
  uint8_t unused = 0;
  uint16_t dense = 0;  // bit k: operand k is dense in the last dimension; else it is one element
                       // there, or, where vectors have one element, it has any stride

  friend bool operator==(const ProgramLayout&, const ProgramLayout&) = default;
};

// A validated program as the kernels take it.
ProgramCode program_code(const tnr_program& program);

// `space` is over the program's operands, `addresses` are theirs. `vectors` other than 0 overrides
// the number chosen. One element must have strides of 1: see unit_strides().
ProgramLayout layout_of(const ProgramCode& code, const Space& space,
                        std::span<const uint64_t> addresses, uint32_t vectors = 0);

// One element has any stride; as dense operands it needs no kernel of its own.
void unit_strides(Space& space, size_t operands);

// A scalar's slot of a launch as the bits of its value, as compiled programs take it.
uint64_t scalar_bits(uint32_t dtype, uint64_t slot);

// Shape, divisors and strides; the rest is the caller's.
void fill_walk(WalkParams& params, const Space& space);

// What comes before programs, once in a file.
std::string program_prelude();
// The kernel `name`. Its parameters are a FlatParams or, unless flat, a WalkParams.
std::string program_text(const ProgramCode& code, const ProgramLayout& layout,
                         const std::string& name);

// The compiler's options for a GPU of that compute capability (10 * major + minor).
std::vector<std::string> program_options(int capability);

}  // namespace tenon::cuda

#endif
