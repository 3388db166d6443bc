// standardize and rms_norm. A node keeps: mask of the reduced dimensions, whether there is a
// weight, the bits of eps.
#include <tenon/runtime/ops/normalization.h>

#include <bit>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

void keep(const OpCall& call, std::vector<int64_t>& attributes) {
  attributes = {call.attributes[0], call.inputs[1]->defined() ? 1 : 0,
                std::bit_cast<int64_t>(call.scalars[0].to_double())};
}

double eps_of(const GradContext& c) { return std::bit_cast<double>(c.attributes()[2]); }

Tensor weight_of(const GradContext& c) { return c.attributes()[1] != 0 ? c.input(1) : Tensor(); }

struct Reduced {
  Shape dims;
  double count = 1;
};

Reduced reduced_of(const GradContext& c) {
  Reduced result;
  const Shape sizes = c.input(0).sizes();  // the input itself may want no gradient
  for (int64_t d = 0; d < sizes.rank(); ++d) {
    if ((c.attributes()[0] >> d & 1) == 0) continue;
    result.dims.push_back(d);
    result.count *= static_cast<double>(sizes[d]);
  }
  return result;
}

// The chain rule in public ops, for passes that are recorded: with x̂ = (x - mean)/√(var + eps) and
// h = grad·weight, (h - mean of h - x̂·mean of (h·x̂))/√(var + eps).
Tensor formula(GradContext& c, const Tensor& grad, const Tensor& mean, const Tensor& var) {
  const Reduced reduced = reduced_of(c);
  const Tensor x = c.input(0).to(var.dtype()), g = grad.to(var.dtype()), weight = weight_of(c);
  const Tensor rstd = rsqrt(add(var, eps_of(c)));
  const Tensor unit = (mean.defined() ? x - mean : x) * rstd;
  if (c.needs(1)) c.give(1, g * unit);
  if (!c.needs(0)) return {};
  const Tensor h = weight.defined() ? g * weight : g;
  Tensor slope = h - unit * tenon::mean(h * unit, reduced.dims, true);
  if (mean.defined()) slope = slope - tenon::mean(h, reduced.dims, true);
  return slope * rstd;
}

// Gradient of the result by input (returned), weight and bias (given).
Tensor through_result(GradContext& c, const Tensor& grad, const Tensor& mean, const Tensor& var) {
  const Tensor weight = weight_of(c);
  if (recording_enabled()) {
    c.give(2, grad);
    return formula(c, grad, mean, var);
  }
  uint32_t wanted = c.needs(0) ? 1 : 0;
  if (c.needs(1)) wanted |= 2;
  if (weight.defined() && c.needs(2)) wanted |= 4;
  const StandardizeGrads grads =
      standardize_grad(grad, c.input(0), mean, var, weight, reduced_of(c).dims, eps_of(c), wanted);
  if (c.needs(1)) c.give(1, grads.weight);
  if (c.needs(2)) c.give(2, weight.defined() ? grads.bias : grad);
  return grads.input;
}

Tensor plus(const Tensor& a, const Tensor& b) { return a.defined() ? a + b : b; }

void standardize_rule(GradContext& c) {  // input, weight, bias → mean, var, result
  const Tensor mean = c.output(0), var = c.output(1);
  Tensor slope;
  if (c.has_grad(2)) slope = through_result(c, c.grad(2), mean, var);
  if (!c.needs(0)) return;
  const Reduced reduced = reduced_of(c);
  if (c.has_grad(0)) slope = plus(slope, (c.grad(0) / reduced.count).expand(c.sizes(0)));
  if (c.has_grad(1)) {
    const Tensor centred = c.input(0).to(var.dtype()) - mean;
    slope = plus(slope, centred * (c.grad(1) * (2 / reduced.count)));
  }
  c.give(0, slope);
}

void rms_norm_rule(GradContext& c) {  // input, weight → mean square, result
  const Tensor square = c.output(0);
  Tensor slope;
  if (c.has_grad(1)) slope = through_result(c, c.grad(1), {}, square);
  if (c.needs(0) && c.has_grad(0)) {
    const Tensor x = c.input(0).to(square.dtype());
    slope = plus(slope, x * (c.grad(0) * (2 / reduced_of(c).count)));
  }
  c.give(0, slope);
}

constexpr Rule kRules[] = {
    {"standardize", save_input(0) | save_input(1) | save_output(0) | save_output(1),
     &standardize_rule, &keep},
    {"rms_norm", save_input(0) | save_input(1) | save_output(0), &rms_norm_rule, &keep},
};

}  // namespace

std::span<const Rule> normalization_rules() { return kRules; }

}  // namespace tenon::autograd
