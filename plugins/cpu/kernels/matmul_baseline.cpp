#include "matmul_blocks.h"

namespace tenon::cpu {

const MatmulKernels& matmul_baseline() { return kMatmulKernels; }

}  // namespace tenon::cpu
