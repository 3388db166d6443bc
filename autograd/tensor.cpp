// The members of Tensor that need autograd.
#include <tenon/runtime/tensor.h>

#include <algorithm>
#include <utility>

#include <tenon/autograd/backward_internal.h>
#include <tenon/autograd/graph.h>
#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/log.h>

namespace tenon {

using autograd::AutogradMeta;
using autograd::edge_of;
using autograd::ensure_meta;
using autograd::GradCell;
using autograd::meta_of;

namespace {

GradCell& ensure_cell(TensorImpl& impl) {
  AutogradMeta& meta = ensure_meta(impl);
  if (!meta.cell) meta.cell = Ref<GradCell>(new GradCell);
  return *meta.cell;
}

// Graphs made before no longer reach the gradient, which stays.
void leave_graph(AutogradMeta& meta) {
  meta.edge = {};
  if (!meta.cell) return;
  const Ref<GradCell> cell(new GradCell);
  cell->grad = meta.cell->get();
  meta.cell->close();
  meta.cell = cell;
}

}  // namespace

Tensor& Tensor::requires_grad_(bool value) {
  TensorImpl& impl = checked();
  check(value || is_leaf(), ErrorCode::kAutograd, "requires_grad_",
        "you can only change requires_grad flags of leaf variables. If you want to use a computed "
        "variable in a subgraph that doesn't require differentiation use detach()");
  if (!value) {
    impl.requires_grad = false;
    if (AutogradMeta* meta = meta_of(impl); meta != nullptr) leave_graph(*meta);
    return *this;
  }
  check(tenon::is_floating_point(impl.dtype()), ErrorCode::kAutograd, "requires_grad_",
        "Only Tensors of floating point and complex dtype can require gradients, got ", *this);
  if (!impl.in_graph()) autograd::make_leaf(impl);
  return *this;
}

bool Tensor::is_leaf() const { return grad_fn() == nullptr; }

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  autograd::backward_from(
      *this, gradient, {.keep_graph = retain_graph || create_graph, .create_graph = create_graph});
}

Tensor Tensor::grad() const {
  TensorImpl& impl = checked();
  const AutogradMeta* meta = meta_of(impl);
  if (meta == nullptr || !meta->cell) {
    if (impl.in_graph() && !is_leaf())
      log_once(LogLevel::kWarning,
               "grad: the gradient of a tensor that is not a leaf is only kept after "
               "retain_grad(); it is undefined here");
    return {};
  }
  return meta->cell->get();
}

void Tensor::set_grad(const Tensor& gradient) const {
  TensorImpl& impl = checked();
  if (gradient.defined()) {
    check(gradient.sizes() == impl.shape() && gradient.dtype() == impl.dtype(),
          ErrorCode::kAutograd, "set_grad", "assigned grad must look like its tensor ", *this,
          ", got ", gradient);
    check(gradient.device() == device(), ErrorCode::kDevice, "set_grad",
          "assigned grad must be on ", device(), ", got ", gradient);
    check(gradient.impl() != &impl, ErrorCode::kAutograd, "set_grad",
          "can't assign a tensor as its own grad");
  } else if (impl.autograd == nullptr || !meta_of(impl)->cell) {
    return;
  }
  ensure_cell(impl).set(gradient);
}

void Tensor::retain_grad() const {
  TensorImpl& impl = checked();
  check(impl.in_graph(), ErrorCode::kAutograd, "retain_grad",
        "can't retain_grad on Tensor that has requires_grad=false, got ", *this);
  const autograd::Edge edge = edge_of(impl);
  if (edge.node->is_leaf()) return;
  const Ref<GradCell> cell(&ensure_cell(impl));
  auto& retained = edge.node->make_extras().retained;
  for (const auto& known : retained)
    if (known.cell == cell) return;
  retained.push_back({edge.output_nr, cell});
}

autograd::Node* Tensor::grad_fn() const {
  autograd::Node* node = edge_of(checked()).node.get();  // the tensor owns it too
  return node == nullptr || node->is_leaf() ? nullptr : node;
}

uint32_t Tensor::output_nr() const { return edge_of(checked()).output_nr; }

uint64_t Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  const autograd::Edge edge = edge_of(checked());
  check(static_cast<bool>(edge.node), ErrorCode::kAutograd, "register_hook",
        "cannot register a hook on a tensor that doesn't require gradient, got ", *this);
  const uint64_t id = autograd::next_hook_id();
  edge.node->make_extras().hooks.push_back({id, edge.output_nr, std::move(hook)});
  return id;
}

void Tensor::remove_hook(uint64_t id) const {
  const autograd::Edge edge = edge_of(checked());
  if (!edge.node) return;
  if (edge.node->is_leaf())
    static_cast<autograd::AccumulateGrad&>(*edge.node).remove_accumulated_hook(id);
  if (edge.node->extras() == nullptr) return;
  std::erase_if(edge.node->extras()->hooks, [id](const auto& hook) { return hook.id == id; });
}

uint64_t autograd::register_post_accumulate_grad_hook(
    const Tensor& leaf, std::function<void(const Tensor& leaf)> hook) {
  const Edge edge = leaf.requires_grad() ? edge_of(*leaf.impl()) : Edge();
  check(edge.node && edge.node->is_leaf(), ErrorCode::kAutograd,
        "register_post_accumulate_grad_hook",
        "post accumulate grad hooks cannot be registered on non-leaf tensors, got ", leaf,
        "; use register_hook() there");
  return static_cast<AccumulateGrad&>(*edge.node)
      .register_accumulated_hook(*leaf.impl(), std::move(hook));
}

Tensor& autograd::detach_(Tensor& self) {
  (void)self.dim();  // throws when undefined
  TensorImpl& impl = *self.impl();
  check(!impl.base, ErrorCode::kAutograd, "detach_", "can't detach views in-place, got a view ",
        self, "; use detach() instead");
  if (self.is_leaf()) return self.requires_grad_(false);
  forget_history(*meta_of(impl));
  impl.requires_grad = false;
  return self;
}

}  // namespace tenon
