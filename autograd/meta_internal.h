// What autograd hangs on a tensor, and how a tensor finds its place in the graph.
#pragma once

#include <tenon/autograd/node.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon::autograd {

struct AutogradMeta final : AutogradSlot {
  // Leaves: their AccumulateGrad. Results: the node that made them.
  Edge edge;
  // Views: the storage's version that `edge` tells the history of.
  uint32_t view_version = 0;
  // The gradient, for leaves and after retain_grad().
  Ref<GradCell> cell;
  bool owns_cell = true;  // closes it at the end
  // A custom function returned it, and it looks into the memory of an input.
  bool shares_input = false;

  ~AutogradMeta() override {
    if (cell && owns_cell) cell->close();
  }
  static void* operator new(size_t) { return ObjectPool<AutogradMeta>::take(); }
  static void operator delete(void* memory) { ObjectPool<AutogradMeta>::give(memory); }
};

[[nodiscard]] inline AutogradMeta* meta_of(const TensorImpl& impl) noexcept {
  return static_cast<AutogradMeta*>(impl.autograd);
}

[[nodiscard]] inline AutogradMeta& ensure_meta(TensorImpl& impl) {
  if (impl.autograd == nullptr) impl.autograd = new AutogradMeta;
  return *meta_of(impl);
}

[[nodiscard]] inline bool is_leaf(const TensorImpl& impl) noexcept {
  const AutogradMeta* meta = meta_of(impl);
  return meta == nullptr || !meta->edge.node || meta->edge.node->is_leaf();
}

// Where the gradient of a tensor goes. A view whose base was written to since gets a new history,
// made from the base's. `version` is the storage's at the time that is asked about.
[[nodiscard]] Edge edge_of(TensorImpl& impl, uint32_t version);
[[nodiscard]] inline Edge edge_of(TensorImpl& impl) {
  return edge_of(impl, impl.storage->version());
}

// Takes a tensor out of its history; a retained gradient will be of the next one.
void forget_history(AutogradMeta& meta);

// Makes `impl` the result `output_nr` of `node`.
void set_history(TensorImpl& impl, Node* node, uint32_t output_nr);

// Makes `impl` a leaf that wants a gradient. Installs the recorder.
void make_leaf(TensorImpl& impl);

}  // namespace tenon::autograd
