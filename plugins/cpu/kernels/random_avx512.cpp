#include "random_blocks.h"

namespace tenon::cpu {

const RandomKernels& random_avx512() { return kRandomKernels; }

}  // namespace tenon::cpu
