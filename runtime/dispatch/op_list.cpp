#include <tenon/runtime/dispatch/op_list.h>

#include <algorithm>
#include <unordered_map>

namespace tenon {
namespace {

// Heap objects that are never destroyed: nothing of ours runs at exit.
const OpList& list() {
  static const OpList& instance = *[] {
    auto* made = new OpList;
    register_creation_ops(*made);
    register_copy_ops(*made);
    register_view_ops(*made);
    register_indexing_ops(*made);
    register_elementwise_ops(*made);
    register_reduction_ops(*made);
    register_matmul_ops(*made);
    register_convolution_ops(*made);
    register_pooling_ops(*made);
    register_loss_ops(*made);
    register_random_ops(*made);
    register_activation_ops(*made);
    register_manipulation_ops(*made);
    register_sorting_ops(*made);
    register_normalization_ops(*made);
    register_attention_ops(*made);
    return made;
  }();
  return instance;
}

}  // namespace

std::span<const Op* const> all_ops() { return list().ops; }

const Op* find_op(std::string_view name) {
  static const auto& by_name = *[] {
    auto* made = new std::unordered_map<std::string_view, const Op*>;
    for (const Op* op : all_ops()) made->emplace(op->name(), op);
    return made;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace tenon
