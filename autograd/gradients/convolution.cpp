// conv2d and its two gradients are all linear in both operands, so they differentiate into each
// other. Attributes: stride, padding, dilation (h, w each), groups.
#include <tenon/runtime/ops/convolution.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

Conv2dOptions options_of(const GradContext& c) {
  const auto a = c.attributes();
  return {{a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]}, a[6]};
}

void conv2d_rule(GradContext& c) {  // input, weight, bias
  const Conv2dOptions options = options_of(c);
  if (c.needs(0)) c.give(0, conv2d_input_grad(c.sizes(0), c.grad(), c.input(1), options));
  if (c.needs(1)) c.give(1, conv2d_weight_grad(c.sizes(1), c.grad(), c.input(0), options));
  if (c.needs(2)) c.give(2, sum(c.grad(), {0, 2, 3}));
}

void input_grad_rule(GradContext& c) {  // grad, weight
  const Conv2dOptions options = options_of(c);
  if (c.needs(0)) c.give(0, conv2d(c.grad(), c.input(1), {}, options));
  if (c.needs(1)) c.give(1, conv2d_weight_grad(c.sizes(1), c.input(0), c.grad(), options));
}

void weight_grad_rule(GradContext& c) {  // grad, input
  const Conv2dOptions options = options_of(c);
  if (c.needs(0)) c.give(0, conv2d(c.input(1), c.grad(), {}, options));
  if (c.needs(1)) c.give(1, conv2d_input_grad(c.sizes(1), c.input(0), c.grad(), options));
}

constexpr uint64_t kSaveOther = save_input(0, kFor1) | save_input(1, kFor0);

constexpr Rule kRules[] = {
    {"conv2d", kSaveOther, &conv2d_rule},
    {"conv2d_input_grad", kSaveOther, &input_grad_rule},
    {"conv2d_weight_grad", kSaveOther, &weight_grad_rule},
};

}  // namespace

std::span<const Rule> convolution_rules() { return kRules; }

}  // namespace tenon::autograd
