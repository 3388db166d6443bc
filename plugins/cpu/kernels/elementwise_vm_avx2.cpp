#include "elementwise_vm_steps.h"

namespace tenon::cpu {

const VmKernels& vm_avx2() {
  static const VmKernels table = make_vm_kernels();
  return table;
}

}  // namespace tenon::cpu
