#include <tenon/autograd/checkpoint.h>

#include <tenon/autograd/backward.h>
#include <tenon/autograd/engine.h>
#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/log.h>
#include <tenon/runtime/ops/random.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

// Puts the default generator back where it was, for the second call, and then forward again.
class GeneratorScope {
 public:
  explicit GeneratorScope(const Generator& then) : now_(default_generator()) {
    default_generator() = then;
  }
  ~GeneratorScope() { default_generator() = now_; }
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator now_;
};

struct CheckpointNode final : GrowingNode {
  [[nodiscard]] std::string name() const override { return "CheckpointBackward"; }

  void apply(Backprop& pass) override {
    check(!Engine::is_collecting() && !recording_enabled(), ErrorCode::kAutograd, "checkpoint",
          "it works with backward() only, without create_graph; call the function itself");
    check(!released, ErrorCode::kAutograd, name(),
          "Trying to backward through the graph a second time. Specify retain_graph=true");
    std::vector<Tensor> again;
    for (size_t i = 0; i < inputs.size(); ++i) {
      check(inputs[i].version() == versions[i], ErrorCode::kAutograd, name(),
            "one of the variables needed for gradient computation has been modified by an inplace "
            "operation: ",
            inputs[i], " is at version ", inputs[i].version(), "; expected version ", versions[i],
            " instead");
      again.push_back(detach(inputs[i]));
      if (edges()[i].node) again.back().requires_grad_();
    }
    run_again(pass, again);
    for (size_t i = 0; i < again.size(); ++i)
      if (const Tensor gradient = again[i].grad(); gradient.defined()) pass.outgoing[i] = gradient;
  }

  void release_saved() noexcept override {
    inputs.clear();
    versions.clear();
    released = true;
  }

  CheckpointFunction function;
  std::vector<Tensor> inputs;
  std::vector<uint32_t> versions;
  Generator generator;
  bool released = false;

 private:
  void run_again(Backprop& pass, const std::vector<Tensor>& again) {
    std::vector<Tensor> outputs;
    {
      const GeneratorScope scope(generator);
      const RecordingScope on(true);
      outputs = function(again);
    }
    std::vector<Tensor> roots, gradients;
    for (size_t i = 0; i < outputs.size() && i < pass.incoming.size(); ++i) {
      if (!pass.incoming[i].defined() || !outputs[i].requires_grad()) continue;
      roots.push_back(outputs[i]);
      gradients.push_back(pass.incoming[i]);
    }
    if (!roots.empty()) backward(roots, gradients);
  }
};

}  // namespace

std::vector<Tensor> checkpoint(const CheckpointFunction& function,
                               const std::vector<Tensor>& inputs) {
  const Ref<CheckpointNode> node(new CheckpointNode);
  node->generator = default_generator();
  std::vector<Tensor> outputs;
  {
    const RecordingScope off(false);
    outputs = function(inputs);
  }
  if (!recording_enabled()) return outputs;
  bool recorded = false;
  for (const Tensor& input : inputs) {
    const bool in_graph = input.requires_grad();
    node->add_edge(in_graph ? edge_of(*input.impl()) : Edge());
    node->inputs.push_back(Tensor(alias_of(*input.impl())));
    node->versions.push_back(input.version());
    recorded = recorded || in_graph;
  }
  if (!recorded) {
    log_once(
        LogLevel::kWarning,
        "checkpoint: no input requires a gradient, so what the function uses gets none either");
    return outputs;
  }
  node->function = function;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].requires_grad()) outputs[i] = detach(outputs[i]);  // an input came back
    node->add_output(TensorMeta(*outputs[i].impl()));
    if (outputs[i].is_floating_point())
      set_history(*outputs[i].impl(), node.get(), static_cast<uint32_t>(i));
  }
  return outputs;
}

Tensor checkpoint(const std::function<Tensor(const Tensor&)>& function, const Tensor& input) {
  return checkpoint(
      [function](const std::vector<Tensor>& inputs) { return std::vector{function(inputs[0])}; },
      std::vector{input})[0];
}

}  // namespace tenon::autograd
