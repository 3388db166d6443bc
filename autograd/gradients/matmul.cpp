// Products. The records see matrices only: what matmul() and linear() fold are views around them.
#include <tenon/runtime/ops/matmul.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

// y = a·b: g·bᵀ and aᵀ·g.
void matmul_rule(GradContext& c) {
  if (c.needs(0)) c.give(0, matmul(c.grad(), c.input(1).transpose(-2, -1)));
  if (c.needs(1)) c.give(1, matmul(c.input(0).transpose(-2, -1), c.grad()));
}

// y = x·wᵀ + b: g·w, gᵀ·x and g, which give() sums over the rows.
void linear_rule(GradContext& c) {
  if (c.needs(0)) c.give(0, matmul(c.grad(), c.input(1)));
  if (c.needs(1)) c.give(1, matmul(c.grad().t(), c.input(0)));
  if (c.needs(2)) c.give(2, c.grad());
}

constexpr Rule kRules[] = {
    {"matmul", save_input(0, kFor1) | save_input(1, kFor0), &matmul_rule},
    {"linear", save_input(0, kFor1) | save_input(1, kFor0), &linear_rule},
};

}  // namespace

std::span<const Rule> matmul_rules() { return kRules; }

}  // namespace tenon::autograd
