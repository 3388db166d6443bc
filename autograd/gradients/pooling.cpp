// Max pooling moves values, its gradient moves them back; both know where by the indices. Average
// pooling and its gradient are linear and differentiate into each other.
#include <tenon/runtime/ops/pooling.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/view.h>

namespace tenon::autograd {
namespace {

void max_pool_rule(GradContext& c) {
  if (c.has_grad(0)) c.give(0, max_pool2d_grad(c.grad(), c.output(1), c.sizes(0)));
}

// grad[indices], for those that write their values there.
void picking_rule(GradContext& c) {  // grad or values, indices
  const Tensor indices = c.input(1);
  const Tensor picked = gather(c.grad().flatten(2), 2, indices.flatten(2));
  c.give(0, picked.view(indices.sizes()));
}

// Attributes of avg_pool2d: kernel, stride, padding (h, w each), count_include_pad, and perhaps
// ceil_mode and the divisor or 0.
struct Average {
  Pool2dOptions options;
  bool include_pad;
  std::optional<int64_t> divisor;
};

Average average_of(const GradContext& c) {
  const auto a = c.attributes();
  const bool more = a.size() > 7;
  return {{{a[0], a[1]}, {a[2], a[3]}, {a[4], a[5]}, {1, 1}, more && a[7] != 0},
          a[6] != 0,
          more && a[8] != 0 ? std::optional(a[8]) : std::nullopt};
}

void avg_pool_rule(GradContext& c) {
  const Average a = average_of(c);
  c.give(0, avg_pool2d_grad(c.grad(), c.sizes(0), a.options, a.include_pad, a.divisor));
}

void avg_pool_grad_rule(GradContext& c) {
  const Average a = average_of(c);
  c.give(0, avg_pool2d(c.grad(), a.options, a.include_pad, a.divisor));
}

constexpr Rule kRules[] = {
    {"max_pool2d_with_indices", save_output(1), &max_pool_rule},
    {"max_pool2d_grad", save_input(1), &picking_rule},
    {"max_unpool2d", save_input(1), &picking_rule},
    {"avg_pool2d", kSaveNothing, &avg_pool_rule},
    {"avg_pool2d_grad", kSaveNothing, &avg_pool_grad_rule},
};

}  // namespace

std::span<const Rule> pooling_rules() { return kRules; }

}  // namespace tenon::autograd
