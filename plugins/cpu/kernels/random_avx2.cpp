#include "random_blocks.h"

namespace tenon::cpu {

const RandomKernels& random_avx2() { return kRandomKernels; }

}  // namespace tenon::cpu
