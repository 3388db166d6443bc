// Joining, cutting, repeating and reordering elements.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

}  // namespace tenon
