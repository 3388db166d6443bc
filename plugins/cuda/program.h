// Runs a validated pointwise program: interpreted at once, by a kernel of its own once that is
// compiled.
#ifndef TENON_PLUGINS_CUDA_PROGRAM_H
#define TENON_PLUGINS_CUDA_PROGRAM_H

#include <tenon/api/reference_program.h>

#include "device/opcodes.h"
#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {

class ProgramRunner {
 public:
  ProgramRunner(Context& context, const tnr_program& program);

  // Operands of the launch: the program's outputs, then its inputs.
  void launch(Launcher& launcher);

 private:
  ProgramCode code_{};
  bool counts_elements_ = false;  // it has an INDEX: elements must be walked in row-major order
  CUfunction interpreted_;
};

}  // namespace tenon::cuda

#endif
