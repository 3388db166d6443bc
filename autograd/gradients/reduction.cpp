// Sums and extremes over dimensions. Attributes: mask of the reduced dimensions, keepdim.
#include <tenon/runtime/ops/reduction.h>

#include <cmath>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

Shape reduced_dims(const GradContext& c) {
  Shape dims;
  const int64_t rank = c.sizes(0).rank();
  for (int64_t d = 0; d < rank; ++d)
    if ((c.attributes()[0] >> d & 1) != 0) dims.push_back(d);
  return dims;
}

// `reduced` (a result or its gradient) with the reduced dimensions back, as 1.
Tensor keep_dims(const GradContext& c, const Tensor& reduced) {
  if (reduced.dim() == 0) return reduced;  // it broadcasts as it is
  Shape sizes = c.sizes(0);
  for (const int64_t d : reduced_dims(c)) sizes[d] = 1;
  return reduced.sizes() == sizes ? reduced : reduced.view(sizes);
}

void sum_rule(GradContext& c) { c.give(0, keep_dims(c, c.grad()).expand(c.sizes(0))); }

double count_of(const GradContext& c) {
  double count = 1;
  for (const int64_t d : reduced_dims(c)) count *= static_cast<double>(c.sizes(0)[d]);
  return count;
}

void mean_rule(GradContext& c) {
  c.give(0, (keep_dims(c, c.grad()) / count_of(c)).expand(c.sizes(0)));
}

// Of var: 2/(n - correction)·(x - mean), times g.
Tensor variance_slope(const GradContext& c, const Tensor& g) {
  const Tensor x = c.input(0);
  const double freedom = std::fmax(0.0, count_of(c) - c.scalar(0).to_double());
  return keep_dims(c, g) * (x - mean(x, reduced_dims(c), true)) * (2 / freedom);
}

void var_rule(GradContext& c) { c.give(0, variance_slope(c, c.grad())); }

// 1 where x is 0, so that it can be divided by.
Tensor not_zero(const Tensor& x) { return where(eq(x, 0), 1.0, x); }

// Of √v: 1/(2√v), and 0 where v is 0.
void std_rule(GradContext& c) {
  const Tensor y = c.output();
  c.give(0, variance_slope(c, where(eq(y, 0), 0.0, c.grad() / (not_zero(y) * 2))));
}

void logsumexp_rule(GradContext& c) {
  c.give(0, keep_dims(c, c.grad()) * exp(c.input(0) - keep_dims(c, c.output())));
}

// Of (Σ |x|^p)^(1/p) = y: x·|x|^(p-2) / y^(p-1), and 0 where y is 0.
void norm_rule(GradContext& c) {
  const double p = c.scalar(0).to_double();
  const Tensor x = c.input(0), g = keep_dims(c, c.grad());
  if (p == 0) return c.give(0, zeros_like(x));
  if (p == 1) return c.give(0, g * sign(x));
  const Tensor y = keep_dims(c, c.output());
  if (p == 2) return c.give(0, g * (x / not_zero(y)));
  if (std::isinf(p)) {
    const Tensor chosen = eq(abs(x), y).to(x.dtype());
    const Shape dims = reduced_dims(c);
    const Tensor count = dims.empty() ? chosen : sum(chosen, dims, true);
    return c.give(0, g / count * chosen * sign(x));
  }
  // |x|^(p-1) with the sign of x; 0^(p-1) counts as 0 for p < 1 too.
  const Tensor powers = where(eq(x, 0), 0.0, sign(x) * pow(abs(not_zero(x)), p - 1));
  c.give(0, where(eq(y, 0), 0.0, g * powers * pow(not_zero(y), 1 - p)));
}

// Equal extremes share the gradient evenly.
void extreme_rule(GradContext& c) {
  const Tensor chosen = eq(c.input(0), keep_dims(c, c.output())).to(c.grad().dtype());
  const Shape dims = reduced_dims(c);
  const Tensor count = dims.empty() ? chosen : sum(chosen, dims, true);
  c.give(0, keep_dims(c, c.grad()) / count * chosen);
}

// The product of the others along a dimension of n: products from the left times products from the
// right, so that zeros need no division. Built from slices, since there is no cumulative product.
Tensor product_of_others(const Tensor& x) {  // (rows, n)
  const int64_t n = x.size(1);
  const Tensor one = ones_like(x.detach().narrow(1, 0, 1));
  std::vector<Tensor> left{one}, right{one};
  for (int64_t i = 1; i < n; ++i) left.push_back(left.back() * x.narrow(1, i - 1, 1));
  for (int64_t i = n - 1; i > 0; --i) right.push_back(right.back() * x.narrow(1, i, 1));
  std::vector<Tensor> others;
  for (int64_t i = 0; i < n; ++i)
    others.push_back(left[static_cast<size_t>(i)] * right[static_cast<size_t>(n - 1 - i)]);
  return cat(others, 1);
}

void prod_rule(GradContext& c) {
  const Tensor x = c.input(0);
  if (x.numel() == 0) return c.give(0, zeros_like(x));
  const Shape dims = reduced_dims(c);
  if (dims.empty()) return c.give(0, c.grad());
  // Reduced dimensions last and merged: (rows, n).
  Shape order, moved;
  for (int64_t d = 0; d < x.dim(); ++d)
    if ((c.attributes()[0] >> d & 1) == 0) order.push_back(d);
  for (const int64_t d : dims) order.push_back(d);
  for (const int64_t d : order) moved.push_back(x.size(d));
  const int64_t rows = moved.slice(0, x.dim() - dims.rank()).numel();
  const Tensor others = product_of_others(x.permute(order).reshape({rows, -1}));
  Shape back = order;
  for (int64_t i = 0; i < order.rank(); ++i) back[order[i]] = i;
  c.give(0, keep_dims(c, c.grad()) * others.view(moved).permute(back));
}

constexpr Rule kRules[] = {
    {"sum", kSaveNothing, &sum_rule},
    {"mean", kSaveNothing, &mean_rule},
    {"var", save_input(0), &var_rule},
    {"std", save_input(0) | save_output(), &std_rule},
    {"logsumexp", save_input(0) | save_output(), &logsumexp_rule},
    {"linalg_vector_norm", save_input(0) | save_output(), &norm_rule},
    {"prod", save_input(0), &prod_rule},
    {"amax", save_input(0) | save_output(), &extreme_rule},
    {"amin", save_input(0) | save_output(), &extreme_rule},
};

}  // namespace

std::span<const Rule> reduction_rules() { return kRules; }

}  // namespace tenon::autograd
