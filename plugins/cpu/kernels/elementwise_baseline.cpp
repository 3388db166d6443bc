#include "elementwise_blocks.h"

namespace tenon::cpu {

const ElementwiseKernels& elementwise_baseline() { return kElementwiseKernels; }

}  // namespace tenon::cpu
