// Programs over every opcode, dtype and way that operands lie: what the tests of compiled programs
// run through.
#ifndef TENON_TESTS_CUDA_PROGRAM_CASES_H
#define TENON_TESTS_CUDA_PROGRAM_CASES_H

#include <string>
#include <vector>

#include "program_source.h"

namespace tenon::cuda {

struct ProgramCase {
  std::string name;  // of the kernel
  tnr_program program{};
  std::vector<tn_tensor> tensors;  // outputs, then inputs; offsets are in one buffer each
  std::vector<int64_t> sizes;      // elements of each buffer, offset included
  bool runs = true;                // false: its buffers would be too large
  Space space;
  ProgramLayout layout;
};

std::vector<ProgramCase> program_cases();

}  // namespace tenon::cuda

#endif
