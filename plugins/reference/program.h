// A validated pointwise program (api/PROGRAM.md) and its evaluation in blocks.
#ifndef TENON_PLUGINS_REFERENCE_PROGRAM_H
#define TENON_PLUGINS_REFERENCE_PROGRAM_H

#include <string>
#include <vector>

#include "block.h"

namespace tenon::reference {

struct Instruction {
  uint32_t opcode;
  uint32_t dtype;
  uint32_t operands[3];
};

struct Program {
  uint32_t input_count = 0;
  uint32_t scalar_count = 0;
  std::vector<Instruction> instructions;
  std::vector<uint32_t> outputs;
  std::vector<uint32_t> dtypes;  // of every value
  uint32_t tail = 0;
  uint32_t tail_dims = 0;
};

// Throws Status(UNSUPPORTED) with the reason when the program or its operands are not valid.
Program read_program(const plugin::Signature& signature);

// Computes n elements of one instruction; values as numbered by the program. `begin` is the
// row-major number of the first element.
void evaluate(const Program& program, size_t instruction, Block* values, int64_t begin, int64_t n);

}  // namespace tenon::reference

#endif
