// Shared by the files of the matmul family.
#pragma once

#include <tenon/runtime/ops/composite_internal.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {

void register_product_ops(OpList& list);
void register_added_product_ops(OpList& list);
void register_einsum_ops(OpList& list);

namespace ops {

// The elements [i, i] of two dimensions of one size, as a last dimension.
[[nodiscard]] Tensor diagonal_of(const Tensor& self, int64_t dim1, int64_t dim2);

}  // namespace ops
}  // namespace tenon
