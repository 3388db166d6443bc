// Shared by the files of the manipulation family.
#pragma once

#include <tenon/runtime/ops/composite_internal.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/support_internal.h>

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

// out= of ops whose result is there already: it is in the graph when an operand is.
inline Tensor& store_result(const Op& op, Tensor& out, const Tensor& result) {
  return ops::write_out(op, out, {&result}, [&] { return result; });
}

}  // namespace tenon
