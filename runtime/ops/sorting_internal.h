// Shared by the files of the sorting family.
#pragma once

#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/manipulation_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {

void register_scan_ops(OpList& list);
void register_search_ops(OpList& list);

// The ABI's entries work along a dimension: a 0-dim tensor counts as a row of one.
[[nodiscard]] inline Tensor as_row(const Tensor& self) {
  return self.dim() == 0 ? self.detach().view({1}) : self;
}

[[nodiscard]] inline int64_t extent_of(const Tensor& self, int64_t dim) {
  return self.dim() == 0 ? 1 : self.size(dim);
}

// 0, 1, ... n-1 along dim, of the rank of self.
[[nodiscard]] inline Tensor numbers_along(const Tensor& self, int64_t dim) {
  Shape along = self.sizes();
  for (int64_t d = 0; d < along.rank(); ++d) along[d] = d == dim ? self.size(d) : 1;
  return arange(self.size(dim), TensorOptions(kInt64, self.device())).view(along);
}

}  // namespace tenon
