#include <tenon/autograd/recorder_internal.h>

#include <algorithm>
#include <bit>
#include <utility>

#include <tenon/autograd/anomaly.h>
#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/autograd/op_node_internal.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>

namespace tenon::autograd {
namespace {

// The value of self before an in-place call whose rule needs it, from check_write() to record(),
// with one reference. A pointer, so that the hot path needs no initialisation guard.
__attribute__((tls_model("initial-exec"))) constinit thread_local TensorImpl* original_self =
    nullptr;

Ref<TensorImpl> take_original() {
  TensorImpl* impl = std::exchange(original_self, nullptr);
  const Ref<TensorImpl> taken(impl);
  if (impl != nullptr) (void)impl->release();  // never the last: `taken` has one too
  return taken;
}

bool in_graph(const Tensor& tensor) { return tensor.defined() && tensor.impl()->in_graph(); }

bool is_leaf_with_grad(const TensorImpl& impl) {
  const AutogradMeta* meta = meta_of(impl);
  return impl.requires_grad && meta != nullptr && meta->edge.node && meta->edge.node->is_leaf();
}

bool shares_input(const TensorImpl& impl) {
  const AutogradMeta* meta = meta_of(impl);
  return meta != nullptr && meta->shares_input;
}

// Bit i: input i takes part in the graph. Inputs from the eighth on share bit 7.
uint64_t live_inputs(const OpCall& call) {
  uint64_t live = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i)
    if (in_graph(*call.inputs[i])) live |= uint64_t{1} << std::min<size_t>(i, 7);
  return live;
}

// Bit s: the tensor of slot s is there and a gradient needs it.
uint32_t saved_slots(const OpCall& call, const Rule* rule, uint64_t live) {
  if (rule == nullptr || rule->saves == kSaveNothing) return 0;
  uint32_t slots = 0;
  uint32_t slot = 0;
  for (uint64_t saves = rule->saves; saves != 0; saves >>= 8, ++slot) {
    if ((saves & 255 & live) == 0) continue;
    const bool there =
        slot >= kInputSlots || (slot < call.inputs.size() && call.inputs[slot]->defined());
    if (there) slots |= uint32_t{1} << slot;
  }
  return slots;
}

// A node whose attributes are the geometries of base and view.
Ref<OpNode> geometry_node(const Op& op, const Rule& rule, size_t edges, const TensorImpl& base,
                          const TensorImpl& view) {
  std::vector<int64_t> geometry;
  append_geometry(base, geometry);
  append_geometry(view, geometry);
  return OpNode::make({.op = &op,
                       .rule = &rule,
                       .edges = edges,
                       .outputs = 1,
                       .saved = 0,
                       .attributes = geometry,
                       .scalars = {}});
}

// ---- in-place calls ----

// The version that the storage of an input had before the call. In-place calls have bumped it.
uint32_t version_before(const OpCall& call, const TensorImpl& input) {
  const uint32_t now = input.storage->version();
  if (call.form != CallForm::kInPlace) return now;
  return input.storage.get() == call.outputs[0].impl()->storage.get() ? now - 1 : now;
}

void set_edges(OpNode& node, const OpCall& call) {
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    TensorImpl* input = call.inputs[i]->impl();
    if (input == nullptr)
      node.set_number(i);
    else if (input->in_graph())
      node.set_edge(i, edge_of(*input, version_before(call, *input)));
  }
}

// Slot 0 of an in-place call holds the value before it; other tensors over the same memory are
// saved as they were, so that backward() finds the write.
void save_tensors(OpNode& node, const OpCall& call, uint32_t slots) {
  for (size_t index = 0; slots != 0; slots &= slots - 1, ++index) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(slots));
    if (slot >= kInputSlots) {
      const TensorImpl& output = *call.outputs[slot - kInputSlots].impl();
      node.save(index, slot, output, output.storage->version());
    } else if (slot == 0 && call.form == CallForm::kInPlace && original_self != nullptr) {
      const Ref<TensorImpl> self = take_original();
      node.save(index, slot, *self, self->storage->version());
    } else {
      const TensorImpl& input = *call.inputs[slot]->impl();
      node.save(index, slot, input, version_before(call, input));
    }
  }
}

}  // namespace

// The view, like every other one, finds its new history through the base when somebody asks.
void rebase(TensorImpl& view, Edge written) {
  TensorImpl& base = *view.base;
  const Ref<OpNode> node = geometry_node(copy_slices_op(), copy_slices_rule(), 2, base, view);
  node->set_edge(0, edge_of(base));  // a base is no view: its history does not depend on a version
  node->set_edge(1, std::move(written));
  node->set_output(0, base);
  set_history(base, Ref<Node>(node.get()), 0);
  forget_history(ensure_meta(view));
  view.requires_grad = true;
}

void check_write(const OpCall& call) {
  (void)take_original();
  check(call.form != CallForm::kOut, ErrorCode::kAutograd, call.op.name(),
        "functions with out=... arguments don't support automatic differentiation, but one of the "
        "arguments requires grad; use the op without out=, or a NoGradGuard");
  const TensorImpl& self = *call.outputs[0].impl();
  check(!is_leaf_with_grad(self), ErrorCode::kAutograd, call.op.name(),
        "a leaf Variable that requires grad is being used in an in-place operation; update "
        "parameters under a NoGradGuard");
  check(!self.base || !is_leaf_with_grad(*self.base), ErrorCode::kAutograd, call.op.name(),
        "a view of a leaf Variable that requires grad is being used in an in-place operation; "
        "update parameters under a NoGradGuard");
  check(!shares_input(self) && !(self.base && shares_input(*self.base)), ErrorCode::kAutograd,
        call.op.name(),
        "the result of a custom function or of a module with backward hooks is a view of its input "
        "and is being modified in place, which the history of the input would not tell; clone() it "
        "first");
  const auto* rule = static_cast<const Rule*>(call.op.gradient());
  if ((saved_slots(call, rule, live_inputs(call)) & 1) == 0) return;
  if (!call.inputs[0]->is_same(call.outputs[0])) return;
  const RecordingScope off(false);
  original_self = Ref<TensorImpl>(clone(call.outputs[0]).impl()).release();
}

void record(const OpCall& call) {
  if (call.outputs.empty()) return (void)take_original();
  const auto* rule = static_cast<const Rule*>(call.op.gradient());
  const uint32_t slots = saved_slots(call, rule, live_inputs(call));
  std::vector<int64_t> kept;
  const bool keeps = rule != nullptr && rule->attributes != nullptr;
  if (keeps) {
    kept.reserve(2 * (2 * static_cast<size_t>(kMaxRank) + 2));  // two geometries
    rule->attributes(call, kept);
  }
  Ref<OpNode> node =
      OpNode::make({.op = &call.op,
                    .rule = rule,
                    .edges = call.inputs.size(),
                    .outputs = call.outputs.size(),
                    .saved = static_cast<size_t>(std::popcount(slots)),
                    .attributes = keeps ? std::span<const int64_t>(kept) : call.attributes,
                    .scalars = call.scalars});
  if (is_anomaly_enabled()) [[unlikely]]
    node->make_extras().trace = describe_call(call);
  set_edges(*node, call);
  save_tensors(*node, call, slots);
  const size_t last = call.outputs.size() - 1;
  for (size_t o = 0; o <= last; ++o) {
    TensorImpl* output = call.outputs[o].impl();
    if (output == nullptr) continue;
    node->set_output(o, *output);
    if (!is_floating_point(output->dtype())) continue;
    Ref<Node> owner = o == last ? Ref<Node>(std::move(node)) : Ref<Node>(node.get());
    if (call.form == CallForm::kInPlace && output->base)
      rebase(*output, {std::move(owner), 0});
    else
      set_history(*output, std::move(owner), static_cast<uint32_t>(o));
  }
}

void edit_metadata(const Tensor& self, const Tensor& view, std::string_view op) {
  TensorImpl& impl = *self.impl();
  check(!recording_enabled() ||
            (!is_leaf_with_grad(impl) && (!impl.base || !is_leaf_with_grad(*impl.base))),
        ErrorCode::kAutograd, op,
        "a leaf Variable that requires grad is being used in an in-place operation; use the "
        "operation without _, or a NoGradGuard");
  if (is_leaf_with_grad(impl))
    return static_cast<AccumulateGrad&>(*meta_of(impl)->edge.node).become(*view.impl());
  const Edge edge = edge_of(*view.impl());
  if (edge.node) set_history(impl, edge.node, edge.output_nr);
}

Ref<Node> record_view_of_base(const TensorImpl& view, Edge base) {
  static const Op& as_strided = *find_op("as_strided");
  const auto* rule = static_cast<const Rule*>(as_strided.gradient());
  const Ref<OpNode> node = geometry_node(as_strided, *rule, 1, *view.base, view);
  node->set_edge(0, std::move(base));
  node->set_output(0, view);
  return Ref<Node>(node.get());
}

}  // namespace tenon::autograd
