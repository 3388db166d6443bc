// An activation with a derivative of its own, and a layer that learns its slope.
// Source: Ramachandran, Zoph, Le, 2017, "Searching for activation functions".
#pragma once

#include <tenon/autograd/custom_function.h>
#include <tenon/tenon.h>

// y = x·σ(βx). Only x and β are kept for backward(), not the four tensors in between.
// Shapes: x (*, F), β (F), result (*, F).
struct Swish : tenon::autograd::Function<Swish> {
  using Tensor = tenon::Tensor;
  using Context = tenon::autograd::FunctionContext;

  static Tensor forward(Context& context, const Tensor& x, const Tensor& beta) {
    context.save_for_backward({x, beta});
    return x * sigmoid(beta * x);
  }

  // Written in ops that are recorded themselves, so that it can be differentiated again.
  static std::vector<Tensor> backward(Context& context, const std::vector<Tensor>& gradients) {
    const std::vector<Tensor> saved = context.saved();
    const Tensor &x = saved[0], &beta = saved[1], &g = gradients[0];
    const Tensor s = sigmoid(beta * x);
    const Tensor slope = s * (1 - s);  // σ'
    std::vector<Tensor> result(2);
    if (context.needs_input_grad(0)) result[0] = g * (s + beta * x * slope);
    if (context.needs_input_grad(1)) result[1] = g * x * x * slope;  // summed to (F) by the caller
    return result;
  }
};

// y = swish(x·Wᵀ + b, β) with one β for each feature.
// Shapes: input (*, in), output (*, out). Initial values: W and b as nn::Linear's, β = 1.
struct SwishLinear : tenon::nn::Cloneable<SwishLinear> {
  SwishLinear(int64_t in_features, int64_t out_features)
      : affine(in_features, out_features), beta(tenon::nn::parameter(tenon::ones({out_features}))) {
    register_module("affine", &SwishLinear::affine);
    register_parameter("beta", &SwishLinear::beta);
  }

  tenon::Tensor forward(const tenon::Tensor& input) override {
    return Swish::apply(affine(input), beta);
  }

  tenon::nn::Linear affine;
  tenon::Tensor beta;
};
