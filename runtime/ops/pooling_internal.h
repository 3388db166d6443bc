// Shared by the files of the pooling family.
#pragma once

#include <vector>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/tensor.h>

namespace tenon {

void register_pooling_forms(OpList& list);  // 1-d, lp and unpooling
void register_adaptive_pooling_ops(OpList& list);
void register_resampling_ops(OpList& list);

namespace ops {

using Attributes = std::vector<int64_t>;

}  // namespace ops
}  // namespace tenon
