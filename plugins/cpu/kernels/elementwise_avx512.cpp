#include "elementwise_blocks.h"

namespace tenon::cpu {

const ElementwiseKernels& elementwise_avx512() { return kElementwiseKernels; }

}  // namespace tenon::cpu
