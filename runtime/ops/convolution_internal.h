// Shared by the files of the convolution family.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/convolution.h>

namespace tenon {

void register_convolution_forms(OpList& list);  // 1-d, 3-d and transposed

namespace ops {

// Of a boxed call. Errors: InvalidArgument for a number that stands for none.
[[nodiscard]] inline AutoPadding auto_padding_of(std::string_view op,
                                                 std::optional<AutoPadding> given) {
  const AutoPadding padding = given.value_or(AutoPadding::kNone);
  check(padding <= AutoPadding::kSame, ErrorCode::kInvalidArgument, op,
        "auto_padding must be none (0), valid (1) or same (2), got ",
        static_cast<int64_t>(padding));
  return padding;
}

// conv2d with stride 1 whose result has the sizes of the input. Of an odd amount of padding the
// larger part is at the end.
[[nodiscard]] Tensor conv2d_same(const Tensor& input, const Tensor& weight, const Tensor& bias,
                                 const Conv2dOptions& options);

}  // namespace ops
}  // namespace tenon
