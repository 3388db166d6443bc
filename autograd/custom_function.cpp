#include <tenon/autograd/custom_function.h>

#include <cxxabi.h>
#include <algorithm>
#include <cstdlib>

#include <tenon/autograd/meta_internal.h>
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
    if (!saved.tensor.defined()) {
      tensors.emplace_back();
      continue;
    }
    check(saved.tensor.version() == saved.version, ErrorCode::kAutograd, node_->name(),
          "one of the variables needed for gradient computation has been modified by an inplace "
          "operation: ",
          saved.tensor, " is at version ", saved.tensor.version(), "; expected version ",
          saved.version, " instead");
    const Edge edge = saved.output_nr < 0
                          ? saved.edge
                          : Edge{Ref<Node>(node_), static_cast<uint32_t>(saved.output_nr)};
    if (!recording_enabled() || !edge.node) {
      tensors.push_back(saved.tensor);
      continue;
    }
    const Ref<TensorImpl> alias = alias_of(*saved.tensor.impl());
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
      saved.tensor = Tensor(alias_of(*tensor.impl()));
      saved.version = tensor.version();
      saved.output_nr = contains(context.constant_, tensor) ? -1 : position_of(outputs, tensor);
      const int64_t input = position_of(inputs_, tensor);
      if (saved.output_nr < 0 && input >= 0) saved.edge = edges()[static_cast<size_t>(input)];
    }
    result.push_back(std::move(saved));
  }
  context.to_save_.clear();
  return result;
}

void FunctionNode::finish(std::vector<Tensor>& outputs) {
  for (Tensor& output : outputs) {
    // An input that comes back unchanged must not lose its own place in the graph.
    if (output.defined() && contains(inputs_, output) && !contains(context.dirty_, output))
      output = detach(output);
  }
  if (recorded_) {
    for (const Tensor& dirty : context.dirty_) {
      check(!dirty.impl()->base, ErrorCode::kUnsupported, name_,
            "mark_dirty of a view is not supported; edit its base, or a clone");
      check(!dirty.is_leaf() || !dirty.requires_grad(), ErrorCode::kAutograd, name_,
            "a leaf Variable that requires grad has been used in an in-place operation");
    }
    context.saved_ = make_saved(outputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      add_output(outputs[i].defined() ? TensorMeta(*outputs[i].impl()) : TensorMeta());
      if (!outputs[i].defined() || !outputs[i].is_floating_point() ||
          contains(context.constant_, outputs[i]))
        continue;
      set_history(*outputs[i].impl(), this, static_cast<uint32_t>(i));
    }
  }
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
