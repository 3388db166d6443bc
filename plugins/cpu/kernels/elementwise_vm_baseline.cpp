#include "elementwise_vm_steps.h"

namespace tenon::cpu {

const VmKernels& vm_baseline() {
  static const VmKernels table = make_vm_kernels();
  return table;
}

}  // namespace tenon::cpu
