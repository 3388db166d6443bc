// Shared by the files of the reduction family. Attributes of the records: mask of reduced
// dimensions, keepdim.
#pragma once

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {

void register_statistics_ops(OpList& list);

namespace ops {

[[nodiscard]] inline uint32_t mask_of(const OpCall& call) {
  return static_cast<uint32_t>(call.attributes[0]);
}

[[nodiscard]] inline Shape reduced_sizes(const Shape& sizes, uint32_t mask, bool keepdim) {
  Shape result;
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    const bool reduced = (mask >> d & 1u) != 0;
    if (!reduced)
      result.push_back(sizes[d]);
    else if (keepdim)
      result.push_back(1);
  }
  return result;
}

[[nodiscard]] inline Shape dims_of(uint32_t mask, int64_t rank) {
  Shape dims;
  for (int64_t d = 0; d < rank; ++d)
    if ((mask >> d & 1u) != 0) dims.push_back(d);
  return dims;
}

// Values that one element of the result is made of.
[[nodiscard]] inline int64_t reduced_count(const Tensor& self, uint32_t mask) {
  int64_t count = 1;
  for (const int64_t d : dims_of(mask, self.dim())) count *= self.size(d);
  return count;
}

[[nodiscard]] inline Tensor reduce_dims(const Op& op, const Tensor& self, const Shape& dims,
                                        bool keepdim, std::initializer_list<Scalar> scalars = {}) {
  const auto mask = static_cast<int64_t>(dim_mask(dims, self.dim(), op.name()));
  return call_op(op, {&self}, {mask, keepdim ? 1 : 0}, scalars);
}

[[nodiscard]] inline Tensor converted(const Tensor& self, std::optional<DType> dtype) {
  return dtype ? self.to(*dtype) : self;
}

// Makes the output of a reduction of dtype `dtype`; out= forms copy from it.
inline void give_reduced(OpCall& call, DType dtype) {
  DeviceContext& context = context_of(call);
  const Shape sizes =
      reduced_sizes(call.inputs[0]->sizes(), mask_of(call), call.attributes[1] != 0);
  call.outputs[0] = Tensor(make_dense(context, sizes, dtype));
}

}  // namespace ops
}  // namespace tenon
