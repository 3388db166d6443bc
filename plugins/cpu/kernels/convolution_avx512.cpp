#include "convolution_blocks.h"

namespace tenon::cpu {

const ConvolutionKernels& convolution_avx512() { return kConvolutionKernels; }

}  // namespace tenon::cpu
