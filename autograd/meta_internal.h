// What autograd hangs on a tensor, and how a tensor finds its place in the graph.
#pragma once

#include <atomic>

#include <tenon/autograd/node.h>
#include <tenon/runtime/memory/object_pool.h>

namespace tenon::autograd {

struct AutogradMeta final : AutogradSlot {
  // Leaves: their AccumulateGrad. Results: the node that made them.
  Edge edge;
  // The storage's version that `edge` tells the history of; kNoVersion while there is none. Views
  // that threads share take a new edge under a lock, and say so here last.
  static constexpr uint64_t kNoVersion = ~uint64_t{0};
  std::atomic<uint64_t> edge_version{kNoVersion};
  // The gradient, for leaves and after retain_grad().
  Ref<GradCell> cell;
  bool owns_cell = true;  // closes it at the end
  // A custom function returned it, and it looks into the memory of an input: its history ends with
  // the next write there.
  bool shares_input = false;

  ~AutogradMeta() override {
    if (cell && owns_cell) cell->close();
  }
  static void* operator new(size_t) { return ObjectPool<AutogradMeta>::take(); }
  static void operator delete(void* memory) { ObjectPool<AutogradMeta>::give(memory); }
};

// Threads that share a view may be making it.
[[nodiscard]] inline AutogradMeta* meta_of(const TensorImpl& impl) noexcept {
  return static_cast<AutogradMeta*>(
      std::atomic_ref<AutogradSlot*>(const_cast<AutogradSlot*&>(impl.autograd))
          .load(std::memory_order_acquire));
}

[[nodiscard]] inline AutogradMeta& ensure_meta(TensorImpl& impl) {
  if (impl.autograd == nullptr)
    std::atomic_ref(impl.autograd).store(new AutogradMeta, std::memory_order_release);
  return *meta_of(impl);
}

[[nodiscard]] inline bool is_leaf(const TensorImpl& impl) noexcept {
  const AutogradMeta* meta = meta_of(impl);
  return meta == nullptr || !meta->edge.node || meta->edge.node->is_leaf();
}

// Where the gradient of a tensor goes. A view whose base was written to since gets a new history,
// made from the base's. `version` is the storage's at the time that is asked about.
// Errors: Autograd for a custom function's view of its input when that was written to since.
// Threads: may be called at once.
[[nodiscard]] Edge edge_of(TensorImpl& impl, uint32_t version);
[[nodiscard]] inline Edge edge_of(TensorImpl& impl) {
  return edge_of(impl, impl.storage->version());
}

// Takes a tensor out of its history; a retained gradient will be of the next one.
void forget_history(AutogradMeta& meta);

// Makes `impl` the result `output_nr` of `node`.
void set_history(TensorImpl& impl, Ref<Node> node, uint32_t output_nr);

// Makes `impl` a leaf that wants a gradient. Installs the recorder.
void make_leaf(TensorImpl& impl);

}  // namespace tenon::autograd
