// Scaled dot product attention and embeddings.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

}  // namespace tenon
