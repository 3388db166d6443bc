#include "reduction_blocks.h"

namespace tenon::cpu {

const ReductionKernels& reduction_baseline() { return kReductionKernels; }

}  // namespace tenon::cpu
