#include <tenon/autograd/meta_internal.h>

#include <pthread.h>

#include <mutex>

#include <tenon/autograd/install_internal.h>
#include <tenon/autograd/recorder_internal.h>

namespace tenon::autograd {

namespace {

// What a view knows of itself changes under this one lock. A fork takes it before the runtime's,
// whose library was loaded first, and opens it on both sides.
constinit std::mutex view_mutex;
[[maybe_unused]] const int registered = ::pthread_atfork(
    [] { view_mutex.lock(); }, [] { view_mutex.unlock(); }, [] { view_mutex.unlock(); });

void take_edge(TensorImpl& impl, Edge edge, uint64_t version) {
  AutogradMeta& meta = ensure_meta(impl);
  forget_history(meta);
  // retain_grad() follows a tensor through in-place calls.
  if (meta.cell) edge.node->make_extras().retained.push_back({edge.output_nr, meta.cell});
  meta.edge = std::move(edge);
  meta.edge_version.store(version, std::memory_order_release);
}

// A custom function has a derivative of its own, which a history made from the base would drop.
void check_input_is_unwritten(const AutogradMeta& meta) {
  if (!meta.shares_input) return;
  fail(ErrorCode::kAutograd, meta.edge.node ? meta.edge.node->name() : "autograd",
       "the result of a custom function or of a module with backward hooks is a view of its input, "
       "which was modified in place or joined the graph since; clone() the result before that");
}

}  // namespace

void forget_history(AutogradMeta& meta) {
  if (meta.cell && meta.edge.node && meta.edge.node->extras() != nullptr)
    std::erase_if(meta.edge.node->extras()->retained,
                  [&](const auto& retained) { return retained.cell == meta.cell; });
  meta.edge_version.store(AutogradMeta::kNoVersion, std::memory_order_relaxed);
  meta.edge = {};
  meta.shares_input = false;
}

void set_history(TensorImpl& impl, Ref<Node> node, uint32_t output_nr) {
  take_edge(impl, {std::move(node), output_nr}, impl.storage->version());
  impl.requires_grad = true;
}

void make_leaf(TensorImpl& impl) {
  install();
  AutogradMeta& meta = ensure_meta(impl);
  if (!meta.cell) meta.cell = Ref<GradCell>(new GradCell);
  meta.edge = {Ref<Node>(new AccumulateGrad(impl, meta.cell)), 0};
  impl.requires_grad = true;
}

Edge edge_of(TensorImpl& impl, uint32_t version) {
  const AutogradMeta* meta = meta_of(impl);
  if (meta != nullptr && meta->edge_version.load(std::memory_order_acquire) == version)
    return meta->edge;
  if (!impl.base || !impl.base->requires_grad) {
    if (meta == nullptr) return {};
    check_input_is_unwritten(*meta);
    return meta->edge;
  }
  // Two threads may ask at once.
  const std::lock_guard lock(view_mutex);
  if (meta = meta_of(impl); meta != nullptr) {
    const bool current = meta->edge_version.load(std::memory_order_relaxed) == version;
    if (current || (meta->edge.node && meta->edge.node->is_leaf())) return meta->edge;
    check_input_is_unwritten(*meta);
  }
  const Edge edge{record_view_of_base(impl, edge_of(*impl.base, version)), 0};
  take_edge(impl, edge, version);  // it is in the graph through its base
  return edge;
}

}  // namespace tenon::autograd
