// Shared by the files of the normalisation family.
#pragma once

#include <string_view>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

void register_channel_norm_ops(OpList& list);

namespace ops {

// Input is floating point, weight and bias go with it in dtype and device. Errors: DType, Device.
void check_norm_parameters(std::string_view op, const Tensor& input, const Tensor& weight,
                           const Tensor& bias);
// running = (1 - momentum)·running + momentum·factor·value, in place, outside of any history.
void update_running(const Tensor& running, const Tensor& value, double momentum, double factor);

}  // namespace ops
}  // namespace tenon
