// Operands of the op tests on a device: laid out inside guard buffers that can be checked.
#pragma once

#include <string>
#include <vector>

#include <tenon/runtime/tensor.h>

#include "ops/op_samples.h"

namespace tenon::ops_test {

// A tensor inside a larger buffer whose other elements must keep their values.
struct Guarded {
  Tensor buffer;                // one dimension, all memory
  std::vector<double> initial;  // its values at the start
  Tensor tensor;                // the operand
  Shape strides;
  int64_t offset = 0;

  // "" or what changed outside of the operand; `inside` too when the operand itself must keep.
  [[nodiscard]] std::string changed(bool inside) const;
};

// `layout` is one single layout. Broadcast repeats values along dimension 0: see repeated().
[[nodiscard]] Guarded guard(const Array& array, Layout layout, const Device& device);

// The arguments of one call on a device.
struct Operands {
  std::vector<Guarded> guarded;
  std::vector<Value> values;
};
// An operand that is written (writes_self: the first) is never laid out by stride 0.
[[nodiscard]] Operands place(const Call& call, Layout layout, const Device& device,
                             bool writes_self = false);

// Whether a call has operands that the layout can say something new about.
[[nodiscard]] bool applies(Layout layout, const Call& call);
// The call as the layout can hold it: with kBroadcast and kMixed values repeat.
[[nodiscard]] Call repeated(const Call& call, Layout layout, bool writes_self);

[[nodiscard]] Array to_array(const Tensor& tensor);
// Tensors of a boxed result, lists flattened.
[[nodiscard]] std::vector<Tensor> tensors_of(const std::vector<Value>& results);

[[nodiscard]] std::string layout_name(Layout layout);
inline constexpr Layout kEachLayout[] = {kContiguous, kOffset,    kTransposed,
                                         kStep2,      kBroadcast, kMixed};

}  // namespace tenon::ops_test
