#include "reduction_blocks.h"

namespace tenon::cpu {

const ReductionKernels& reduction_avx512() { return kReductionKernels; }

}  // namespace tenon::cpu
