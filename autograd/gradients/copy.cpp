// Copies and conversions. give() turns a gradient back into the dtype and device of its input.
#include <tenon/runtime/ops/copy.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/reduction.h>

namespace tenon::autograd {
namespace {

// The old value of self is gone.
void overwrite_rule(GradContext& c) {
  if (c.needs(0)) c.give(0, zeros_like(c.grad()));
  c.give(1, c.grad());
}

constexpr Rule kRules[] = {
    {"copy_", kSaveNothing, &overwrite_rule},
    {"fill_", kSaveNothing, &overwrite_rule},
    {"clone", kSaveNothing, [](GradContext& c) { c.give(0, c.grad()); }},
    {"to", kSaveNothing, [](GradContext& c) { c.give(0, c.grad()); }},
};

}  // namespace

std::span<const Rule> copy_rules() { return kRules; }

}  // namespace tenon::autograd
