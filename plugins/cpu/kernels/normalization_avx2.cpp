#include "normalization_blocks.h"

namespace tenon::cpu {

const NormalizationKernels& normalization_avx2() { return kNormalizationKernels; }

}  // namespace tenon::cpu
