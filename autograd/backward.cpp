#include <tenon/autograd/backward.h>

#include <tenon/autograd/backward_internal.h>
#include <tenon/autograd/engine.h>
#include <tenon/autograd/meta_internal.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/record_hooks.h>

namespace tenon::autograd {
namespace {

constexpr ErrorCode kCode = ErrorCode::kAutograd;

// The gradient that enters at output i, in the form of that output.
Tensor seed_of(const Tensor& output, const Tensor& gradient, size_t i, std::string_view op) {
  if (!gradient.defined()) {
    check(output.numel() == 1, kCode, op,
          "grad can be implicitly created only for scalar outputs, got ", output,
          "; pass a gradient of its sizes, or reduce it with sum() or mean()");
    Tensor one(make_dense_like(*output.impl(), output.impl()->call_word()));
    primitive::fill(one, 1);
    return one;
  }
  const bool both_scalar = output.numel() == 1 && gradient.numel() == 1;
  check(both_scalar || gradient.sizes() == output.sizes(), kCode, op,
        "Mismatch in shape: grad_output[", i, "] has a shape of ", gradient.sizes(), " and output[",
        i, "] has a shape of ", output.sizes());
  check(gradient.is_floating_point(), kCode, op, "grad_output[", i,
        "] must be floating point, got ", gradient);
  check(gradient.device() == output.device(), ErrorCode::kDevice, op, "grad_output[", i,
        "] must be on ", output.device(), " like its output, got ", gradient.device(),
        "; move it with .to(device)");
  const Tensor shaped =
      gradient.sizes() == output.sizes() ? gradient : gradient.reshape(output.sizes());
  return shaped.dtype() == output.dtype() ? shaped : shaped.to(output.dtype());
}

struct Root {
  Edge edge;
  Tensor gradient;
};

Root make_root(const Tensor& output, const Tensor& gradient, size_t i, std::string_view op) {
  Edge edge = edge_of(*output.impl());
  check(output.requires_grad() && edge.node, kCode, op, "element ", i,
        " of tensors does not require grad and does not have a grad_fn; call requires_grad_() on "
        "what it is computed from, outside any NoGradGuard");
  return {std::move(edge), seed_of(output, gradient, i, op)};
}

struct Roots {
  std::vector<Edge> edges;
  std::vector<Tensor> gradients;
};

Roots make_roots(const std::vector<Tensor>& outputs, const std::vector<Tensor>& gradients,
                 bool create_graph, std::string_view op) {
  check(gradients.empty() || gradients.size() == outputs.size(), kCode, op,
        "one gradient for each tensor was expected, got ", gradients.size(), " for ",
        outputs.size());
  const RecordingScope recording(create_graph);
  Roots roots;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Root root = make_root(outputs[i], gradients.empty() ? Tensor() : gradients[i], i, op);
    roots.gradients.push_back(std::move(root.gradient));
    roots.edges.push_back(std::move(root.edge));
  }
  return roots;
}

std::vector<Edge> make_targets(const std::vector<Tensor>& inputs, std::string_view op) {
  std::vector<Edge> targets;
  for (const Tensor& input : inputs) {
    check(input.requires_grad(), kCode, op,
          "One of the differentiated Tensors does not require grad, got ", input);
    targets.push_back(edge_of(*input.impl()));
  }
  return targets;
}

}  // namespace

void backward(const std::vector<Tensor>& tensors, const std::vector<Tensor>& gradients,
              const BackwardOptions& options) {
  for (const Tensor& tensor : tensors) (void)tensor.dim();  // throws when undefined
  const Roots roots = make_roots(tensors, gradients, options.create_graph, "backward");
  Engine engine({.keep_graph = options.retain_graph || options.create_graph,
                 .create_graph = options.create_graph});
  if (options.inputs.empty()) return engine.accumulate(roots.edges, roots.gradients);
  const std::vector<Edge> targets = make_targets(options.inputs, "backward");
  for (const Tensor& input : options.inputs) input.retain_grad();
  engine.accumulate(roots.edges, roots.gradients, targets);
}

void backward_from(const Tensor& tensor, const Tensor& gradient, Engine::Options options) {
  (void)tensor.dim();  // throws when undefined
  const RecordingScope recording(options.create_graph);
  const Root root = make_root(tensor, gradient, 0, "backward");
  Engine(options).accumulate({&root.edge, 1}, {&root.gradient, 1});
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, GradOptions options) {
  for (const Tensor& tensor : outputs) (void)tensor.dim();
  const Roots roots = make_roots(outputs, grad_outputs, options.create_graph, "grad");
  const std::vector<Edge> targets = make_targets(inputs, "grad");
  std::vector<Tensor> results = Engine({.keep_graph = options.retain_graph || options.create_graph,
                                        .create_graph = options.create_graph})
                                    .collect(roots.edges, roots.gradients, targets);
  for (const Tensor& result : results)
    check(result.defined() || options.allow_unused, kCode, "grad",
          "One of the differentiated Tensors appears to not have been used in the graph. Set "
          "allow_unused=true if this is the desired behavior");
  return results;
}

}  // namespace tenon::autograd
