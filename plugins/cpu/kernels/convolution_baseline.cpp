#include "convolution_blocks.h"

namespace tenon::cpu {

const ConvolutionKernels& convolution_baseline() { return kConvolutionKernels; }

}  // namespace tenon::cpu
