// Batch, layer, group and RMS normalisation.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

}  // namespace tenon
