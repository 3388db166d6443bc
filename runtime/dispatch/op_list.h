// The one list of ops, filled by explicit calls (static initialisers would be dropped from
// archives). A new family adds its line here and in op_list.cpp.
#pragma once

#include <vector>

#include <tenon/runtime/dispatch/operator.h>

namespace tenon {

struct OpList {
  std::vector<const Op*> ops;
  void add(const Op& op) { ops.push_back(&op); }
};

void register_creation_ops(OpList& list);
void register_copy_ops(OpList& list);
void register_view_ops(OpList& list);
void register_indexing_ops(OpList& list);
void register_elementwise_ops(OpList& list);
void register_reduction_ops(OpList& list);
void register_matmul_ops(OpList& list);
void register_convolution_ops(OpList& list);
void register_pooling_ops(OpList& list);
void register_loss_ops(OpList& list);
void register_random_ops(OpList& list);
void register_activation_ops(OpList& list);
void register_manipulation_ops(OpList& list);
void register_sorting_ops(OpList& list);
void register_normalization_ops(OpList& list);
void register_attention_ops(OpList& list);

}  // namespace tenon
