// Functions between layers.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

}  // namespace tenon
