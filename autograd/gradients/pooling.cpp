// Max pooling moves values, its gradient moves them back; both know where by the indices.
#include <tenon/runtime/ops/pooling.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

void max_pool_rule(GradContext& c) {
  if (c.has_grad(0)) c.give(0, max_pool2d_grad(c.grad(), c.output(1), c.sizes(0)));
}

void max_pool_grad_rule(GradContext& c) {  // grad, indices
  const Tensor indices = c.input(1);
  const Tensor picked = gather(c.grad().flatten(2), 2, indices.flatten(2));
  c.give(0, picked.view(indices.sizes()));
}

constexpr Rule kRules[] = {
    {"max_pool2d_with_indices", save_output(1), &max_pool_rule},
    {"max_pool2d_grad", save_input(1), &max_pool_grad_rule},
};

}  // namespace

std::span<const Rule> pooling_rules() { return kRules; }

}  // namespace tenon::autograd
