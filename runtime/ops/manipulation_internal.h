// Shared by the files of the manipulation family.
#pragma once

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/composite_internal.h>
#include <tenon/runtime/ops/copy.h>

namespace tenon {

void register_repeat_ops(OpList& list);
void register_interleave_ops(OpList& list);
void register_order_ops(OpList& list);
void register_image_layout_ops(OpList& list);

// The boxed form of an op that takes one number for a list of one.
template <auto F>
std::vector<Value> box_lists(std::span<const Value> arguments) {
  std::vector<Value> lists(arguments.begin(), arguments.end());
  for (Value& value : lists)
    if (const auto* one = std::get_if<Scalar>(&value)) value = Shape{one->to_int64()};
  return box<F>(lists);
}

// What op_out(out, ...) does with the result of op(...): out keeps its memory and strides, an empty
// 1-D out takes the result's. Errors: Autograd when the graph would lose the result;
// InvalidArgument, DType, Device when it does not fit.
inline Tensor& store_out(std::string_view op, Tensor& out, const Tensor& result) {
  check(out.defined(), ErrorCode::kInvalidArgument, op,
        "out= needs a defined tensor; make it with tenon::empty");
  check(!recording_enabled() || (!result.requires_grad() && !out.requires_grad()),
        ErrorCode::kAutograd, op,
        "functions with out=... arguments don't support automatic differentiation, but one of the "
        "arguments requires grad; use the op without out=, or a NoGradGuard");
  check(can_cast(result.dtype(), out.dtype()), ErrorCode::kDType, op, "result type ",
        type_word(result.dtype()), " can't be cast to the desired output type ",
        type_word(out.dtype()));
  check(out.device() == result.device(), ErrorCode::kDevice, op, "the output must be on ",
        result.device(), ", got ", out.device());
  if (out.sizes() == Shape{0} && result.sizes() != Shape{0}) {
    const Tensor converted = result.to(out.dtype()).contiguous();
    TensorImpl& target = *out.impl();
    target.storage = converted.impl()->storage;
    target.set_geometry(converted.sizes(), converted.strides(), converted.storage_offset(),
                        target.dtype(), op);
    return out;
  }
  check(out.sizes() == result.sizes(), ErrorCode::kInvalidArgument, op, "the result has sizes ",
        result.sizes(), ", but the output given has ", out.sizes());
  return out.copy_(result);
}

}  // namespace tenon
