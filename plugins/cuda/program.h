// Runs a validated pointwise program: interpreted at once, by a kernel of its own once that is
// compiled.
#ifndef TENON_PLUGINS_CUDA_PROGRAM_H
#define TENON_PLUGINS_CUDA_PROGRAM_H

#include <tenon/api/reference_program.h>

#include <memory>
#include <mutex>
#include <vector>

#include "device/opcodes.h"
#include "geometry.h"
#include "kernel.h"
#include "program_compiler.h"

namespace tenon::cuda {

class ProgramRunner {
 public:
  ProgramRunner(Context& context, const tnr_program& program);

  // Operands of the launch: the program's outputs, then its inputs. Threads may launch at once.
  void launch(Launcher& launcher);

 private:
  // The function for this layout; NULL while there is none.
  CUfunction compiled(Launcher& launcher, const ProgramLayout& layout);
  std::shared_ptr<ProgramVariant> variant(const ProgramLayout& layout);
  void run_compiled(Launcher& launcher, CUfunction function, const Space& space,
                    const ProgramLayout& layout) const;
  void interpret(Launcher& launcher, const Space& space) const;

  ProgramCode code_{};
  bool counts_elements_ = false;  // it has an INDEX: elements must be walked in row-major order
  CUfunction interpreted_;
  ProgramCompiler* compiler_;  // NULL where programs are only interpreted
  std::mutex mutex_;
  std::vector<std::shared_ptr<ProgramVariant>> variants_;
};

// As configuration says: `programs`, `cache`, `nvrtc`, `program_vectors`.
std::unique_ptr<ProgramCompiler> make_program_compiler(const Context& context);

}  // namespace tenon::cuda

#endif
