// Reading and writing by index. Attribute 0: dim.
#include <tenon/runtime/ops/indexing.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

void gather_rule(GradContext& c) {
  const Tensor zero = zeros(c.sizes(0), c.grad().options());
  c.give(0, scatter_add(zero, c.attributes()[0], c.input(1), c.grad()));
}

// What of source lies outside of index was not read.
void scatter_add_rule(GradContext& c) {
  c.give(0, c.grad());
  if (!c.needs(2)) return;
  const Tensor index = c.input(1);
  const Tensor read = gather(c.grad(), c.attributes()[0], index);
  if (read.sizes() == c.sizes(2)) return c.give(2, read);
  const Tensor gradient = zeros(c.sizes(2), read.options());
  Tensor part = gradient;
  for (int64_t d = 0; d < index.dim(); ++d) part = part.narrow(d, 0, index.size(d));
  part.copy_(read);
  c.give(2, gradient);
}

constexpr Rule kRules[] = {
    {"gather", save_input(1, kFor0), &gather_rule},
    {"scatter_add", save_input(1, kFor2), &scatter_add_rule},
};

}  // namespace

std::span<const Rule> indexing_rules() { return kRules; }

}  // namespace tenon::autograd
