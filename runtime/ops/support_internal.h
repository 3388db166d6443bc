// What the infer and decompose functions of several families share.
#pragma once

#include <utility>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::ops {

// Where the first input lives, which must be defined.
[[nodiscard]] inline DeviceContext& context_of(const OpCall& call) {
  if (!call.inputs[0]->defined()) [[unlikely]]
    (void)call.inputs[0]->dim();  // throws
  return call.inputs[0]->impl()->storage->context();
}

// The inputs that are there live on one device. Errors: Device.
inline void check_one_device(const OpCall& call) {
  const DeviceContext& context = context_of(call);
  for (const Tensor* input : call.inputs) {
    if (!input->defined() || &input->impl()->storage->context() == &context) [[likely]]
      continue;
    fail(ErrorCode::kDevice, call.op.name(), "all tensors must be on one device, got ",
         call.inputs[0]->device(), " and ", input->device(), "; move one with to()");
  }
}

// The inputs that are there have one dtype. Errors: DType.
inline void check_one_dtype(const OpCall& call) {
  const DType dtype = call.inputs[0]->dtype();
  for (const Tensor* input : call.inputs) {
    if (!input->defined()) continue;
    check(input->dtype() == dtype, ErrorCode::kDType, call.op.name(),
          "all tensors must have the same dtype, got ", dtype, " and ", input->dtype(),
          "; convert one with to()");
  }
}

inline void check_floating(const OpCall& call, const Tensor& tensor) {
  check(tensor.is_floating_point(), ErrorCode::kDType, call.op.name(),
        "a floating point dtype is needed, got ", tensor.dtype(), "; convert it with to()");
}

// Makes output `position`, or checks the one that the caller brought.
inline void give_output(OpCall& call, size_t position, const Shape& sizes, DType dtype) {
  Tensor& output = call.outputs[position];
  if (!output.defined()) {
    output = Tensor(make_dense(context_of(call), sizes, dtype));
    return;
  }
  check(output.sizes() == sizes, ErrorCode::kInvalidArgument, call.op.name(),
        "the result has sizes ", sizes, ", but the output given has ", output.sizes());
  check(output.dtype() == dtype, ErrorCode::kDType, call.op.name(), "the result has dtype ", dtype,
        ", but the output given has ", output.dtype());
  check(output.device() == call.inputs[0]->device(), ErrorCode::kDevice, call.op.name(),
        "the output must be on ", call.inputs[0]->device(), ", got ", output.device());
}

// out= forms of ops that make their result first. Errors: Autograd when an operand or `out` takes
// part in the graph; InvalidArgument for other sizes (an empty 1-D out takes the result's) or an
// out that overlaps itself; DType where the result can't be cast; Device.
void check_out(const Op& op, const Tensor& out, std::initializer_list<const Tensor*> inputs);
Tensor& store_out(const Op& op, Tensor& out, const Tensor& result);

// Of a pair, whose dtypes must be the results' own: nothing is written unless both fit.
std::pair<Tensor&, Tensor&> store_out(const Op& op, Tensor& first, Tensor& second,
                                      const std::pair<Tensor, Tensor>& results);

template <class F>
Tensor& write_out(const Op& op, Tensor& out, std::initializer_list<const Tensor*> inputs,
                  F&& compute) {
  check_out(op, out, inputs);
  const RecordingScope off(false);
  return store_out(op, out, compute());
}
template <class F>
std::pair<Tensor&, Tensor&> write_out(const Op& op, Tensor& first, Tensor& second,
                                      std::initializer_list<const Tensor*> inputs, F&& compute) {
  check_out(op, first, inputs);
  check_out(op, second, inputs);
  const RecordingScope off(false);
  return store_out(op, first, second, compute());
}

// Intermediate sums of f16 and bf16 are kept in f32.
[[nodiscard]] constexpr DType accumulate_dtype(DType dtype) noexcept {
  return dtype == kFloat16 || dtype == kBFloat16 ? kFloat32 : dtype;
}

}  // namespace tenon::ops
