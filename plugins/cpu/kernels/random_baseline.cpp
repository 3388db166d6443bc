#include "random_blocks.h"

namespace tenon::cpu {

const RandomKernels& random_baseline() { return kRandomKernels; }

}  // namespace tenon::cpu
