#include "reduction_blocks.h"

namespace tenon::cpu {

const ReductionKernels& reduction_avx2() { return kReductionKernels; }

}  // namespace tenon::cpu
