// Functions between layers. g is the gradient that comes in, x the input, y the result.
#include <tenon/runtime/ops/activation.h>

#include <numbers>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>

namespace tenon::autograd {
namespace {

constexpr double kSqrt2OverPi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;

// y ≤ 0 ? 0 : g of y and g, in one launch; without a derivative of its own.
constinit const Op kReluGrad{Op::Spec{.name = "relu_grad",
                                      .schema = "",
                                      .doc = "y <= 0 ? 0 : g.",
                                      .flags = kNoGradient,
                                      .emit = [](ProgramBuilder& p) {
                                        const uint32_t y = p.arg(0), zero = p.constant(0);
                                        return p.op(TN_PROGRAM_WHERE, p.op(TN_PROGRAM_LE, y, zero),
                                                    zero, p.arg(1));
                                      }}};

// 0 at 0; NaN lets the gradient pass.
void relu_rule(GradContext& c) {
  if (recording_enabled())
    c.give(0, where(le(c.output(), 0), 0.0, c.grad()));
  else
    c.give(0, pointwise(kReluGrad, {c.output(), c.grad()}));
}

// σ(x)(1 + x(1 − σ(x)))
void silu_rule(GradContext& c) {
  const Tensor x = c.input(0), s = sigmoid(x);
  c.give(0, c.grad() * (s * (x * (1.0 - s) + 1.0)));
}

// Φ(x) + x·φ(x); with tanh: ½(1 + t) + ½x(1 − t²)·du/dx, where t = tanh u.
void gelu_rule(GradContext& c) {
  const Tensor x = c.input(0);
  if (static_cast<Gelu>(c.attributes()[0]) == Gelu::kNone) {
    const Tensor cumulative = erfc(x * (-1 / std::numbers::sqrt2)) * 0.5;
    const Tensor density = exp(square(x) * -0.5) * (kSqrt2OverPi / 2);
    c.give(0, c.grad() * (cumulative + x * density));
    return;
  }
  const Tensor square_of_x = square(x);
  const Tensor t = tanh(x * (square_of_x * 0.044715 + 1.0) * kSqrt2OverPi);
  const Tensor slope = (square_of_x * (3 * 0.044715) + 1.0) * kSqrt2OverPi;
  c.give(0, c.grad() * ((t + 1.0) * 0.5 + x * (1.0 - square(t)) * slope * 0.5));
}

void leaky_relu_rule(GradContext& c) {
  c.give(0, where(gt(c.input(0), 0), c.grad(), c.grad() * c.scalar(0)));
}

void prelu_rule(GradContext& c) {
  const Tensor above = gt(c.input(0), 0);
  if (c.needs(0)) c.give(0, where(above, c.grad(), c.grad() * c.input(1)));
  if (c.needs(1)) c.give(1, where(above, 0.0, c.grad() * c.input(0)));
}

// Scalars: scale above 0, scale below it, scale of the input below it. The power is taken of
// numbers
// <= 0 only, so that the branch that is not chosen stays finite.
void elu_rule(GradContext& c) {
  const Tensor x = c.input(0);
  const double below = c.scalar(1).to_double(), inner = c.scalar(2).to_double();
  const Tensor power = exp(clamp(x, {}, 0.0) * inner) * (below * inner);
  c.give(0, c.grad() * where(gt(x, 0), c.scalar(0), power));
}

// Scalars: beta, threshold.
void softplus_rule(GradContext& c) {
  const Tensor z = c.input(0) * c.scalar(0);
  c.give(0, where(gt(z, c.scalar(1)), c.grad(), c.grad() * sigmoid(z)));
}

// 1 strictly between the bounds, and for NaN.
void hardtanh_rule(GradContext& c) {
  const Tensor x = c.input(0);
  c.give(0, where(logical_or(le(x, c.scalar(0)), ge(x, c.scalar(1))), 0.0, c.grad()));
}

void hardsigmoid_rule(GradContext& c) {
  const Tensor x = c.input(0);
  c.give(0, where(logical_and(gt(x, -3), lt(x, 3)), c.grad() * (1.0 / 6), 0.0));
}

void hardswish_rule(GradContext& c) {
  const Tensor x = c.input(0);
  const Tensor between = c.grad() * (x * (1.0 / 3) + 0.5);
  c.give(0, where(lt(x, -3), 0.0, where(le(x, 3), between, c.grad())));
}

// t + x·σ(x)(1 − t²), where t = tanh(ln(1 + e^x)).
void mish_rule(GradContext& c) {
  const Tensor x = c.input(0), t = tanh(softplus(x));
  c.give(0, c.grad() * (t + x * sigmoid(x) * (1.0 - square(t))));
}

constexpr Rule kRules[] = {
    {"relu", save_output(), &relu_rule},
    {"silu", save_input(0), &silu_rule},
    {"gelu", save_input(0), &gelu_rule},
    {"leaky_relu", save_input(0), &leaky_relu_rule},
    {"prelu", save_input(0) | save_input(1, kFor0), &prelu_rule},
    {"elu", save_input(0), &elu_rule},
    {"softplus", save_input(0), &softplus_rule},
    {"hardtanh", save_input(0), &hardtanh_rule},
    {"hardsigmoid", save_input(0), &hardsigmoid_rule},
    {"hardswish", save_input(0), &hardswish_rule},
    {"log_sigmoid", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() * sigmoid(-c.input(0))); }},
    {"mish", save_input(0), &mish_rule},
    {"softsign", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() / square(abs(c.input(0)) + 1.0)); }},
    {"tanhshrink", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() * square(tanh(c.input(0)))); }},
    {"threshold", save_input(0),
     [](GradContext& c) { c.give(0, where(le(c.input(0), c.scalar(0)), 0.0, c.grad())); }},
};

}  // namespace

std::span<const Rule> activation_rules() { return kRules; }

}  // namespace tenon::autograd
