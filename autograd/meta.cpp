#include <tenon/autograd/meta_internal.h>

#include <mutex>

#include <tenon/autograd/install_internal.h>
#include <tenon/autograd/recorder_internal.h>

namespace tenon::autograd {

void forget_history(AutogradMeta& meta) {
  if (meta.cell && meta.edge.node && meta.edge.node->extras() != nullptr)
    std::erase_if(meta.edge.node->extras()->retained,
                  [&](const auto& retained) { return retained.cell == meta.cell; });
  meta.edge = {};
  meta.shares_input = false;
}

void set_history(TensorImpl& impl, Node* node, uint32_t output_nr) {
  AutogradMeta& meta = ensure_meta(impl);
  forget_history(meta);
  meta.edge = {Ref<Node>(node), output_nr};
  meta.view_version = impl.storage->version();
  impl.requires_grad = true;
  if (!meta.cell) return;
  // retain_grad() follows a tensor through in-place calls.
  node->make_extras().retained.push_back({output_nr, meta.cell});
}

void make_leaf(TensorImpl& impl) {
  install();
  AutogradMeta& meta = ensure_meta(impl);
  if (!meta.cell) meta.cell = Ref<GradCell>(new GradCell);
  meta.edge = {Ref<Node>(new AccumulateGrad(impl, meta.cell)), 0};
  impl.requires_grad = true;
}

Edge edge_of(TensorImpl& impl, uint32_t version) {
  AutogradMeta* meta = meta_of(impl);
  Edge own = meta != nullptr ? meta->edge : Edge();
  if (!impl.base || !impl.base->requires_grad) return own;
  if (own.node && (meta->view_version == version || own.node->is_leaf())) return own;
  // Two threads may ask at once; the tensor's own state is only touched under the lock.
  static std::mutex& mutex = *new std::mutex;
  const std::lock_guard lock(mutex);
  Ref<Node> node = record_view_of_base(impl, edge_of(*impl.base, version));
  set_history(impl, node.get(), 0);
  meta_of(impl)->view_version = version;
  return {std::move(node), 0};
}

}  // namespace tenon::autograd
