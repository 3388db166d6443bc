// Order and running totals along a dimension. Attribute 0: dim.
#include <tenon/runtime/ops/sorting.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

void sort_rule(GradContext& c) {
  if (!c.has_grad(0)) return;
  const Tensor zero = zeros(c.sizes(0), c.grad().options());
  c.give(0, scatter_add(zero, c.attributes()[0], c.output(1), c.grad()));
}

// Equal elements share the gradient evenly.
void median_rule(GradContext& c) {
  const Tensor x = c.input(0), value = c.output();
  const Tensor chosen =
      logical_or(eq(x, value), logical_and(isnan(x), isnan(value))).to(c.grad().dtype());
  c.give(0, c.grad() / sum(chosen) * chosen);
}

void cumsum_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0];
  c.give(0, flip(cumsum(flip(c.grad(), {dim}), dim), {dim}));
}

// s[i] = b[i] + a[i] * s[i + 1] along dim, with n - 1 factors a. The distance that a step spans
// doubles: b[i] += a[i] * b[i + distance], with a[i] the product of the factors in between.
Tensor backward_recurrence(Tensor b, Tensor a, int64_t dim) {
  const int64_t n = b.size(dim);
  for (int64_t distance = 1; distance < n; distance *= 2) {
    const int64_t count = n - distance;
    const Tensor parts[] = {b.narrow(dim, 0, count) + a * b.narrow(dim, distance, count),
                            b.narrow(dim, count, distance)};
    b = cat(parts, dim);
    const int64_t next = count - distance;
    if (next > 0) a = a.narrow(dim, 0, next) * a.narrow(dim, distance, next);
  }
  return b;
}

// d out[k] / d x[i] is the product of the elements up to k without i: those before i, times a total
// over k that needs no division, so zeros are like other numbers.
void cumprod_rule(GradContext& c) {
  const Tensor x = c.input(0);
  const int64_t dim = c.attributes()[0];
  if (x.dim() == 0 || x.size(dim) <= 1) return c.give(0, c.grad());
  const int64_t n = x.size(dim);
  const Tensor before[] = {ones_like(x.detach().narrow(dim, 0, 1)),
                           cumprod(x.narrow(dim, 0, n - 1), dim)};
  c.give(0, cat(before, dim) * backward_recurrence(c.grad(), x.narrow(dim, 1, n - 1), dim));
}

constexpr Rule kRules[] = {
    {"sort", save_output(1), &sort_rule},
    {"median", save_input(0) | save_output(), &median_rule},
    {"nanmedian", save_input(0) | save_output(), &median_rule},
    {"cumsum", kSaveNothing, &cumsum_rule},
    {"cumprod", save_input(0), &cumprod_rule},
};

}  // namespace

std::span<const Rule> sorting_rules() { return kRules; }

}  // namespace tenon::autograd
