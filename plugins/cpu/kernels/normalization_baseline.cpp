#include "normalization_blocks.h"

namespace tenon::cpu {

const NormalizationKernels& normalization_baseline() { return kNormalizationKernels; }

}  // namespace tenon::cpu
