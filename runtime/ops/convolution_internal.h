// Shared by the files of the convolution family.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/convolution.h>

namespace tenon {

void register_convolution_forms(OpList& list);  // 1-d, 3-d and transposed

namespace ops {

// conv2d with stride 1 whose result has the sizes of the input. Of an odd amount of padding the
// larger part is at the end.
[[nodiscard]] Tensor conv2d_same(const Tensor& input, const Tensor& weight, const Tensor& bias,
                                 const Conv2dOptions& options);

}  // namespace ops
}  // namespace tenon
