// Shared by the files of the normalisation family.
#pragma once

#include <string_view>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

void register_channel_norm_ops(OpList& list);

namespace ops {

// Errors: DType unless floating point.
void check_norm_input(std::string_view op, const Tensor& input);
// Weight, bias or statistics, which may be undefined, go with the input in dtype and device. Errors:
// DType, Device.
void check_norm_parameter(std::string_view op, const Tensor& input, const Tensor& parameter,
                          const char* what);
// running = (1 - momentum)·running + momentum·factor·value, in place, outside of any history.
void update_running(const Tensor& running, const Tensor& value, double momentum, double factor);

}  // namespace ops
}  // namespace tenon
