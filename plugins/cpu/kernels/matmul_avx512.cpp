#include "matmul_blocks.h"

namespace tenon::cpu {

const MatmulKernels& matmul_avx512() { return kMatmulKernels; }

}  // namespace tenon::cpu
