// Softmax and its gradient. Attribute 0: dim.
#include <tenon/runtime/ops/loss.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

Tensor total(const GradContext& c, const Tensor& x) { return sum(x, {c.attributes()[0]}, true); }

void softmax_rule(GradContext& c) {
  c.give(0, softmax_grad(c.grad(), c.output(), c.attributes()[0]));
}

void log_softmax_rule(GradContext& c) {
  c.give(0, log_softmax_grad(c.grad(), c.output(), c.attributes()[0]));
}

// y·(g - Σ g·y), of g and y; h comes in.
void softmax_grad_rule(GradContext& c) {
  const Tensor& h = c.grad();
  const Tensor y = c.input(1);
  if (c.needs(0)) c.give(0, softmax_grad(h, y, c.attributes()[0]));
  if (!c.needs(1)) return;
  const Tensor g = c.input(0);
  c.give(1, h * (g - total(c, g * y)) - g * total(c, h * y));
}

// g - e^y·Σ g, of g and y; h comes in.
void log_softmax_grad_rule(GradContext& c) {
  const Tensor& h = c.grad();
  const Tensor powers = exp(c.input(1));
  if (c.needs(0)) c.give(0, h - total(c, h * powers));
  if (c.needs(1)) c.give(1, -h * powers * total(c, c.input(0)));
}

constexpr Rule kRules[] = {
    {"softmax", save_output(), &softmax_rule},
    {"log_softmax", save_output(), &log_softmax_rule},
    {"softmax_grad", save_input(0, kFor1) | save_input(1), &softmax_grad_rule},
    {"log_softmax_grad", save_input(0, kFor1) | save_input(1), &log_softmax_grad_rule},
};

}  // namespace

std::span<const Rule> loss_rules() { return kRules; }

}  // namespace tenon::autograd
