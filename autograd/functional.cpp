#include <tenon/autograd/functional.h>

#include <tenon/autograd/backward.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

using Tensors = std::vector<Tensor>;

// Leaves of their own; under create_graph results that lead to the inputs.
Tensors prepare(const Tensors& inputs, bool create_graph) {
  Tensors prepared;
  for (const Tensor& input : inputs) {
    const bool connect = create_graph && input.requires_grad();
    prepared.push_back(connect ? input.view(input.sizes()) : input.detach());
    prepared.back().requires_grad_();
  }
  return prepared;
}

Tensors finished(Tensors results, bool create_graph) {
  if (!create_graph)
    for (Tensor& result : results) result = result.detach();
  return results;
}

void check_like(const Tensors& v, const Tensors& expected, std::string_view op, const char* what) {
  check(v.size() == expected.size(), ErrorCode::kAutograd, op, "v must have one tensor for each ",
        what, ", ", expected.size(), ", got ", v.size());
  for (size_t i = 0; i < v.size(); ++i)
    check(v[i].sizes() == expected[i].sizes(), ErrorCode::kAutograd, op, "v[", i,
          "] must have the sizes of its ", what, ", ", expected[i].sizes(), ", got ", v[i].sizes());
}

// grad() of the outputs that have a history; zeros where nothing leads.
Tensors pull(const Tensors& outputs, const Tensors& inputs, const Tensors& v, bool create_graph,
             const FunctionalOptions& options, std::string_view op) {
  Tensors roots, seeds, result(inputs.size());
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (!outputs[o].requires_grad()) continue;
    roots.push_back(outputs[o]);
    seeds.push_back(v.empty() ? Tensor() : v[o]);
  }
  if (!roots.empty())
    result = grad(roots, inputs, seeds,
                  {.retain_graph = true, .create_graph = create_graph, .allow_unused = true});
  for (size_t i = 0; i < result.size(); ++i) {
    check(result[i].defined() || !options.strict, ErrorCode::kAutograd, op,
          "the output of the function does not depend on input ", i, ", which strict mode forbids");
    if (!result[i].defined()) result[i] = zeros_like(inputs[i]);
  }
  return result;
}

const Tensor& one_element(const Tensors& outputs, std::string_view op) {
  check(outputs.size() == 1 && outputs[0].numel() == 1, ErrorCode::kAutograd, op,
        "the function must return one tensor of one element, got ", outputs.size(), " tensors",
        outputs.empty() ? std::string() : ", the first " + outputs[0].describe());
  return outputs[0];
}

// The gradient of a function of one element, as a function; leaves what it returned in `outputs`.
TensorFunction gradient_of(const TensorFunction& function, Tensors& outputs,
                           const FunctionalOptions& options, std::string_view op) {
  return [&function, &outputs, &options, op](const Tensors& inputs) {
    outputs = function(inputs);
    return pull({one_element(outputs, op)}, inputs, {}, true, options, op);
  };
}

// J·v: vᵀ·J is linear in v, and its derivative by v, times the tangent, is the product.
Tensors push(const Tensors& outputs, const Tensors& inputs, const Tensors& tangent,
             bool create_graph, const FunctionalOptions& options, std::string_view op) {
  Tensors seeds;
  for (const Tensor& output : outputs) seeds.push_back(zeros_like(output).requires_grad_());
  const Tensors pulled = pull(outputs, inputs, seeds, true, options, op);
  Tensors roots, weights;
  for (size_t i = 0; i < pulled.size(); ++i) {
    if (!pulled[i].requires_grad()) continue;
    roots.push_back(pulled[i]);
    weights.push_back(tangent[i]);
  }
  return pull(roots, seeds, weights, create_graph, options, op);
}

TensorFunction wrapped(const std::function<Tensor(const Tensor&)>& function) {
  return [&function](const Tensors& inputs) { return Tensors{function(inputs[0])}; };
}

std::vector<Tensors> rows_of(const TensorFunction& function, const Tensors& inputs,
                             const FunctionalOptions& options, std::string_view op) {
  const RecordingScope on(true);
  const Tensors own = prepare(inputs, options.create_graph);
  const Tensors outputs = function(own);
  std::vector<Tensors> result;
  for (size_t o = 0; o < outputs.size(); ++o) {
    const Tensor flat = outputs[o].reshape({-1});
    std::vector<Tensors> rows(own.size());  // by input
    for (int64_t e = 0; e < flat.numel(); ++e) {
      const Tensors row = pull({flat[e]}, own, {}, options.create_graph, options, op);
      for (size_t i = 0; i < row.size(); ++i) rows[i].push_back(row[i]);
    }
    Tensors blocks;
    for (size_t i = 0; i < own.size(); ++i) {
      const Shape sizes = outputs[o].sizes() + own[i].sizes();
      blocks.push_back(rows[i].empty() ? zeros(sizes, own[i].options())
                                       : stack(rows[i], 0).reshape(sizes));
    }
    result.push_back(finished(std::move(blocks), options.create_graph));
  }
  return result;
}

}  // namespace

std::vector<Tensors> jacobian(const TensorFunction& function, const Tensors& inputs,
                              const FunctionalOptions& options) {
  return rows_of(function, inputs, options, "jacobian");
}

Tensor jacobian(const std::function<Tensor(const Tensor&)>& function, const Tensor& input,
                const FunctionalOptions& options) {
  return jacobian(wrapped(function), {input}, options)[0][0];
}

std::vector<Tensors> hessian(const TensorFunction& function, const Tensors& inputs,
                             const FunctionalOptions& options) {
  Tensors outputs;
  return rows_of(gradient_of(function, outputs, options, "hessian"), inputs, options, "hessian");
}

Tensor hessian(const std::function<Tensor(const Tensor&)>& function, const Tensor& input,
               const FunctionalOptions& options) {
  return hessian(wrapped(function), {input}, options)[0][0];
}

OutputsAndProduct vjp(const TensorFunction& function, const Tensors& inputs, const Tensors& v,
                      const FunctionalOptions& options) {
  const RecordingScope on(true);
  const Tensors own = prepare(inputs, options.create_graph);
  const Tensors outputs = function(own);
  if (v.empty())
    (void)one_element(outputs, "vjp");
  else
    check_like(v, outputs, "vjp", "output");
  Tensors product = pull(outputs, own, v, options.create_graph, options, "vjp");
  return {finished(outputs, options.create_graph),
          finished(std::move(product), options.create_graph)};
}

OutputsAndProduct jvp(const TensorFunction& function, const Tensors& inputs, const Tensors& v,
                      const FunctionalOptions& options) {
  check_like(v, inputs, "jvp", "input");
  const RecordingScope on(true);
  const Tensors own = prepare(inputs, options.create_graph);
  const Tensors outputs = function(own);
  Tensors product = push(outputs, own, v, options.create_graph, options, "jvp");
  return {finished(outputs, options.create_graph),
          finished(std::move(product), options.create_graph)};
}

OutputsAndProduct vhp(const TensorFunction& function, const Tensors& inputs, const Tensors& v,
                      const FunctionalOptions& options) {
  check_like(v, inputs, "vhp", "input");
  const RecordingScope on(true);
  const Tensors own = prepare(inputs, options.create_graph);
  Tensors outputs;
  const Tensors slopes = gradient_of(function, outputs, options, "vhp")(own);
  Tensors product = pull(slopes, own, v, options.create_graph, options, "vhp");
  return {finished(outputs, options.create_graph),
          finished(std::move(product), options.create_graph)};
}

OutputsAndProduct hvp(const TensorFunction& function, const Tensors& inputs, const Tensors& v,
                      const FunctionalOptions& options) {
  check_like(v, inputs, "hvp", "input");
  const RecordingScope on(true);
  const Tensors own = prepare(inputs, options.create_graph);
  Tensors outputs;
  const Tensors slopes = gradient_of(function, outputs, options, "hvp")(own);
  Tensors product = push(slopes, own, v, options.create_graph, options, "hvp");
  return {finished(outputs, options.create_graph),
          finished(std::move(product), options.create_graph)};
}

}  // namespace tenon::autograd
