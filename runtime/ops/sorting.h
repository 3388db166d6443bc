// Order and running totals along a dimension.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

}  // namespace tenon
