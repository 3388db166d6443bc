#include <tenon/autograd/op_node_internal.h>

#include <algorithm>
#include <bit>

#include <tenon/autograd/meta_internal.h>
#include <tenon/autograd/node_memory_internal.h>
#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon::autograd {
namespace {

// "add" → "AddBackward0", "log_softmax" → "LogSoftmaxBackward0".
std::string node_name(std::string_view op) {
  std::string name;
  bool upper = true;
  for (const char c : op) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return name + "Backward0";
}

template <class T>
T* place(std::byte*& at, size_t count) {
  static_assert(alignof(T) <= 8 && sizeof(T) % 8 == 0);
  T* first = reinterpret_cast<T*>(at);
  std::uninitialized_value_construct_n(first, count);
  at += count * sizeof(T);
  return first;
}

}  // namespace

Ref<OpNode> OpNode::make(const Plan& plan) {
  const size_t size = sizeof(OpNode) + plan.edges * sizeof(Edge) +
                      plan.outputs * sizeof(TensorMeta) + plan.saved * sizeof(SavedTensor) +
                      plan.attributes.size() * sizeof(int64_t) +
                      plan.scalars.size() * sizeof(Scalar);
  const NodeMemory memory = take_node_memory(size);
  auto* node = new (memory.bytes) OpNode;
  std::byte* at = static_cast<std::byte*>(memory.bytes) + sizeof(OpNode);
  node->memory_class_ = memory.size_class;
  node->op_ = plan.op;
  node->rule_ = plan.rule;
  node->edges_ = place<Edge>(at, plan.edges);
  node->edge_count_ = static_cast<uint32_t>(plan.edges);
  node->outputs_ = place<TensorMeta>(at, plan.outputs);
  node->output_count_ = static_cast<uint32_t>(plan.outputs);
  node->saved_ = place<SavedTensor>(at, plan.saved);
  node->saved_count_ = static_cast<uint16_t>(plan.saved);
  node->attributes_ = place<int64_t>(at, plan.attributes.size());
  node->attribute_count_ = static_cast<uint32_t>(plan.attributes.size());
  std::copy(plan.attributes.begin(), plan.attributes.end(), node->attributes_);
  node->scalars_ = place<Scalar>(at, plan.scalars.size());
  node->scalar_count_ = static_cast<uint16_t>(plan.scalars.size());
  std::copy(plan.scalars.begin(), plan.scalars.end(), node->scalars_);
  return Ref<OpNode>::adopt(node);
}

void OpNode::dispose() noexcept {
  std::destroy_n(edges_, edge_count_);
  std::destroy_n(saved_, saved_count_);
  const uint16_t size_class = memory_class_;
  this->~OpNode();
  give_node_memory({this, size_class});
}

std::string OpNode::name() const {
  return rule_ != nullptr && rule_->node_name != nullptr ? rule_->node_name
                                                         : node_name(op_->name());
}

void OpNode::apply(Backprop& pass) {
  check(rule_ != nullptr, ErrorCode::kAutograd, op_->name(),
        "the derivative of this op is not implemented; detach() its input");
  GradContext context(*this, pass);
  rule_->apply(context);
}

void OpNode::release_saved() noexcept {
  for (size_t i = 0; i < saved_count_; ++i) saved_[i].data.reset();
  if (extras() != nullptr) extras()->packed.clear();
}

void OpNode::save(size_t index, uint32_t slot, const TensorImpl& impl, uint32_t version) {
  Ref<TensorImpl> alias = impl.alias();
  if (PackedTensor::is_wanted()) [[unlikely]] {
    make_extras().packed.push_back({slot, PackedTensor(Tensor(std::move(alias)))});
    saved_[index].slot = slot;
    return;
  }
  saved_[index] = {std::move(alias), version, slot};
}

Ref<TensorImpl> OpNode::find_saved(uint32_t slot) const {
  const SavedTensor* saved =
      std::find_if(saved_, saved_ + saved_count_, [&](const auto& s) { return s.slot == slot; });
  check(saved != saved_ + saved_count_, ErrorCode::kInternal, op_->name(),
        "its rule asks for slot ", slot, ", which it did not save");
  if (!saved->data && extras() != nullptr) {
    const auto& packed = extras()->packed;
    const auto found = std::find_if(packed.begin(), packed.end(),
                                    [&](const auto& entry) { return entry.slot == slot; });
    if (found != packed.end()) return Ref<TensorImpl>(found->tensor.get().impl());
  }
  if (!saved->data) [[unlikely]]
    fail(ErrorCode::kAutograd, name(),
         "Trying to backward through the graph a second time (or directly access saved tensors "
         "after they have already been freed). Saved intermediate values of the graph are freed "
         "when you call backward() or grad(). Specify retain_graph=true if you need to backward "
         "through the graph a second time");
  if (saved->data->storage->version() != saved->version) fail_version(*saved);
  return saved->data;
}

Tensor OpNode::unpack(uint32_t slot) {
  Ref<TensorImpl> data = find_saved(slot);
  if (!recording_enabled()) return Tensor(std::move(data));
  const bool is_output = slot >= kInputSlots;
  Edge edge = is_output ? Edge{Ref<Node>(this), slot - kInputSlots} : edges_[slot];
  if (!edge.node || !is_floating_point(data->dtype())) return Tensor(std::move(data));
  Ref<TensorImpl> alias = data->alias();
  ensure_meta(*alias).edge = std::move(edge);
  alias->requires_grad = true;
  return Tensor(std::move(alias));
}

void OpNode::fail_version(const SavedTensor& saved) const {
  const bool is_output = saved.slot >= kInputSlots;
  std::string which;
  if (is_output)
    which = join_text(", which is output ", saved.slot - kInputSlots, " of ", name(), ",");
  else if (edges_[saved.slot].node && !edges_[saved.slot].node->is_leaf())
    which = join_text(", which is output ", edges_[saved.slot].output_nr, " of ",
                      edges_[saved.slot].node->name(), ",");
  fail(ErrorCode::kAutograd, name(),
       "one of the variables needed for gradient computation has been modified by an inplace "
       "operation: ",
       Tensor(saved.data), which, " is at version ", saved.data->storage->version(),
       "; expected version ", saved.version,
       " instead. Hint: enable anomaly detection to find the operation that failed to compute its "
       "gradient, with tenon::autograd::set_detect_anomaly(true)");
}

}  // namespace tenon::autograd
