// Copies and conversions between layouts, dtypes and devices.
#pragma once

#include <tenon/runtime/tensor.h>

namespace tenon {

TENON_API Tensor& copy_(Tensor& self, const Tensor& source);  // broadcasts, converts, crosses devices
TENON_API Tensor clone(const Tensor& self);                   // new memory, same values
TENON_API Tensor contiguous(const Tensor& self);              // self if row-major, else a copy
TENON_API Tensor to(const Tensor& self, const TensorOptions& options);  // self if nothing changes, else a copy
TENON_API Tensor& fill_(Tensor& self, const Operand& value);  // value (number or 0-dim tensor) everywhere
TENON_API Tensor& zero_(Tensor& self);                        // 0 everywhere

}  // namespace tenon
