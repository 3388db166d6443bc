#include <tenon/autograd/custom_function.h>

#include <cxxabi.h>
#include <algorithm>
#include <cstdlib>

#include <tenon/autograd/anomaly.h>
#include <tenon/autograd/meta_internal.h>
#include <tenon/autograd/recorder_internal.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

bool contains(const std::vector<Tensor>& tensors, const Tensor& tensor) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [&](const Tensor& other) { return other.is_same(tensor); });
}

int64_t position_of(const std::vector<Tensor>& tensors, const Tensor& tensor) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Tensor& other) { return other.is_same(tensor); });
  return found == tensors.end() ? -1 : found - tensors.begin();
}

bool shares_memory(const std::vector<Tensor>& tensors, const Tensor& tensor) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const Tensor& other) {
    return other.defined() && other.impl()->storage.get() == tensor.impl()->storage.get();
  });
}

// Edits of the result, and uses of it after edits of the input, are refused from here on.
void mark_sharing(TensorImpl& output) {
  if (output.in_graph() || output.base) ensure_meta(output).shares_input = true;
}

}  // namespace

std::string demangled_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  const std::string name = status == 0 ? text.get() : type.name();
  const size_t scope = name.rfind("::");
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

// ---- the context ----

void FunctionContext::save_for_backward(std::vector<Tensor> tensors) {
  to_save_ = std::move(tensors);
}

std::vector<Tensor> FunctionContext::saved() const {
  check(!released_, ErrorCode::kAutograd, node_->name(),
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed). Specify retain_graph=true if you need to backward "
        "through the graph a second time");
  std::vector<Tensor> tensors;
  for (const Saved& saved : saved_) {
    const Tensor tensor = saved.tensor.get(node_->name());
    const Edge edge = saved.output_nr < 0
                          ? saved.edge
                          : Edge{Ref<Node>(node_), static_cast<uint32_t>(saved.output_nr)};
    if (!recording_enabled() || !edge.node || !tensor.defined()) {
      tensors.push_back(tensor);
      continue;
    }
    const Ref<TensorImpl> alias = tensor.impl()->alias();
    ensure_meta(*alias).edge = edge;
    alias->requires_grad = true;
    tensors.emplace_back(alias);
  }
  return tensors;
}

bool FunctionContext::needs_input_grad(size_t i) const {
  return i < node_->edges().size() && node_->edges()[i].node &&
         (i >= 64 || (needed_ >> i & 1) != 0);
}

// ---- the node ----

void FunctionNode::add_input(const Tensor& input, size_t position) {
  inputs_.push_back(input);
  positions_.push_back(position);
  const bool recorded = recording_enabled() && input.defined() && input.requires_grad();
  add_edge(recorded ? edge_of(*input.impl()) : Edge());
  recorded_ = recorded_ || recorded;
  context.node_ = this;
}

std::vector<FunctionContext::Saved> FunctionNode::make_saved(const std::vector<Tensor>& outputs) {
  std::vector<FunctionContext::Saved> result;
  for (const Tensor& tensor : context.to_save_) {
    FunctionContext::Saved saved;
    if (tensor.defined()) {
      saved.tensor = SavedVariable(tensor);
      saved.output_nr = contains(context.constant_, tensor) ? -1 : position_of(outputs, tensor);
      const int64_t input = position_of(inputs_, tensor);
      if (saved.output_nr < 0 && input >= 0) saved.edge = edges()[static_cast<size_t>(input)];
    }
    result.push_back(std::move(saved));
  }
  context.to_save_.clear();
  return result;
}

void FunctionNode::check_dirty(const std::vector<Tensor>& outputs) const {
  for (const Tensor& dirty : context.dirty_) {
    check(contains(inputs_, dirty), ErrorCode::kAutograd, name_,
          "mark_dirty only accepts input tensors, got ", dirty);
    check(contains(outputs, dirty), ErrorCode::kAutograd, name_,
          "some elements marked as dirty during the forward method were not returned as output: ",
          dirty, ". The inputs that are modified inplace must all be outputs of the Function");
    const bool leaf = dirty.is_leaf() && dirty.impl()->requires_grad;
    const Ref<TensorImpl>& base = dirty.impl()->base;
    check(!leaf && !(base && base->requires_grad && autograd::is_leaf(*base)), ErrorCode::kAutograd,
          name_, "a leaf Variable that requires grad has been used in an in-place operation");
  }
}

void FunctionNode::finish(std::vector<Tensor>& outputs) {
  for (Tensor& output : outputs) {
    // An input that comes back unchanged must not lose its own place in the graph.
    if (output.defined() && contains(inputs_, output) && !contains(context.dirty_, output))
      output = detach(output);
  }
  if (recorded_) {
    if (is_anomaly_enabled()) make_extras().trace = describe_call(name_, inputs_);
    check_dirty(outputs);
    context.saved_ = make_saved(outputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      add_output(outputs[i].defined() ? TensorMeta(*outputs[i].impl()) : TensorMeta());
      if (!outputs[i].defined() || !outputs[i].is_floating_point() ||
          contains(context.constant_, outputs[i]))
        continue;
      const auto output_nr = static_cast<uint32_t>(i);
      if (outputs[i].impl()->base && contains(context.dirty_, outputs[i]))
        rebase(*outputs[i].impl(), {Ref<Node>(this), output_nr});
      else
        set_history(*outputs[i].impl(), Ref<Node>(this), output_nr);
    }
  }
  for (const Tensor& output : outputs)
    if (output.defined() && !contains(context.dirty_, output) && shares_memory(inputs_, output))
      mark_sharing(*output.impl());
  inputs_.clear();
  context.dirty_.clear();
  context.constant_.clear();
}

void FunctionNode::apply(Backprop& pass) {
  std::vector<Tensor> gradients(pass.incoming.begin(), pass.incoming.end());
  for (size_t i = 0; context.materialize_ && i < gradients.size(); ++i)
    if (const TensorMeta& meta = outputs()[i]; !gradients[i].defined() && meta.context != nullptr)
      gradients[i] = zeros(meta.sizes, TensorOptions(meta.dtype, meta.context->device()));
  context.needed_ = pass.needed;
  const std::vector<Tensor> results = backward_(context, gradients);
  check(results.size() == argument_count_, ErrorCode::kAutograd, name_,
        "returned an incorrect number of gradients (expected ", argument_count_, ", got ",
        results.size(), ")");
  for (size_t i = 0; i < results.size(); ++i)
    check(!results[i].defined() ||
              std::find(positions_.begin(), positions_.end(), i) != positions_.end(),
          ErrorCode::kAutograd, name_, "returned a gradient different from None at position ", i,
          ", but the corresponding forward input was not a Variable; return Tensor() there");
  for (size_t i = 0; i < positions_.size(); ++i) {
    const Tensor& gradient = results[positions_[i]];
    if (gradient.defined() && edges()[i].node && pass.needs(i))
      pass.outgoing[i] = fit_gradient(gradient, input_meta(i), *this, i);
  }
}

void FunctionNode::release_saved() noexcept {
  context.saved_.clear();
  context.released_ = true;
}

}  // namespace tenon::autograd
