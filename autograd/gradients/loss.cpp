// Softmax and its gradient (attribute 0: dim), losses of single elements.
#include <tenon/runtime/ops/loss.h>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

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

// −g, over what the mean divides by, at each target that counts. Attributes: the dimension of the
// classes, ignore_index, the reduction.
void nll_loss_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0];
  const Tensor target = c.input(1), counted = ne(target, c.attributes()[1]);
  Tensor slope = -c.grad();
  if (static_cast<Reduction>(c.attributes()[2]) == Reduction::kMean)
    slope = (slope / c.output(1).detach()).to(slope.dtype());
  const Tensor classes = where(counted, target, 0), source = where(counted, slope, 0.0);
  c.give(0, scatter_add(zeros(c.sizes(0), c.options(0)), dim, classes.unsqueeze(dim),
                        source.unsqueeze(dim)));
}

// ---- losses of single elements, of x and y ----

// Of a loss of x - y, where `slope` is its derivative by x.
void give_difference(GradContext& c, const Tensor& slope) {
  const Tensor g = c.grad() * slope;
  c.give(0, g);
  if (c.needs(1)) c.give(1, -g);
}

void smooth_l1_rule(GradContext& c) {
  const double beta = c.scalar(0).to_double();
  const Tensor d = c.input(0) - c.input(1);
  give_difference(c, beta == 0 ? sign(d) : clamp(d / beta, -1, 1));
}

void huber_rule(GradContext& c) {
  const double delta = c.scalar(0).to_double();
  give_difference(c, clamp(c.input(0) - c.input(1), -delta, delta));
}

// Bounds like 1e-12 are no f16.
Tensor widened(const Tensor& x) { return size_bytes(x.dtype()) == 2 ? x.to(kFloat32) : x; }

// -(y·log x + (1 - y)·log(1 - x)): (x - y)/(x·(1 - x)) by x, log(1 - x) - log x by y.
void binary_cross_entropy_rule(GradContext& c) {
  static constexpr double kLeast = 1e-12, kLeastLogarithm = -100;  // as torch bounds them
  const Tensor x = widened(c.input(0));
  if (c.needs(0)) {
    const Tensor width = clamp((1.0 - x) * x, kLeast, {});
    c.give(0, c.grad() * (x - c.input(1)) / width);
  }
  if (!c.needs(1)) return;
  const auto bounded = [](const Tensor& logarithm) {
    return clamp(logarithm, kLeastLogarithm, {});
  };
  c.give(1, c.grad() * (bounded(log1p(-x)) - bounded(log(x))));
}

// (1 - y)·x + (1 + (w - 1)·y)·s with s = log(1 + e^-x); attribute 0: w is input 2.
void bce_with_logits_rule(GradContext& c) {
  const Tensor &g = c.grad(), x = c.input(0), y = c.input(1);
  const auto curve = [&] {  // s is this loss for y = 1
    return binary_cross_entropy_with_logits(x, ones_like(x), {}, Reduction::kNone);
  };
  if (c.attributes()[0] == 0) {
    if (c.needs(0)) c.give(0, g * (sigmoid(x) - y));
    if (c.needs(1)) c.give(1, -g * x);
    return;
  }
  const Tensor more = c.input(2) - 1.0;
  if (c.needs(0)) c.give(0, g * ((1.0 - y) - (1.0 + more * y) * sigmoid(-x)));
  if (c.needs(1)) c.give(1, g * (more * curve() - x));
  if (c.needs(2)) c.give(2, g * y * curve());
}

// log(1 + e^(-y·x))
void soft_margin_rule(GradContext& c) {
  const Tensor x = c.input(0), y = c.input(1);
  const Tensor slope = -c.grad() * sigmoid(-y * x);
  if (c.needs(0)) c.give(0, slope * y);
  if (c.needs(1)) c.give(1, slope * x);
}

// y·(log y - x), or e^y·(y - x); attribute 0: the target holds logarithms.
void kl_div_rule(GradContext& c) {
  const Tensor& g = c.grad();
  const Tensor y = c.input(1);
  const bool logarithms = c.attributes()[0] != 0;
  if (c.needs(0)) c.give(0, -g * (logarithms ? exp(y) : y));
  if (!c.needs(1)) return;
  const Tensor x = c.input(0);
  c.give(1, logarithms ? g * exp(y) * (y - x + 1.0) : g * (log(y) - x + 1.0));
}

constexpr uint64_t kBoth = save_input(0) | save_input(1);

constexpr Rule kRules[] = {
    {"softmax", save_output(), &softmax_rule},
    {"log_softmax", save_output(), &log_softmax_rule},
    {"softmax_grad", save_input(0, kFor1) | save_input(1), &softmax_grad_rule},
    {"log_softmax_grad", save_input(0, kFor1) | save_input(1), &log_softmax_grad_rule},
    {"nll_loss", save_input(1) | save_output(1), &nll_loss_rule},
    {"smooth_l1_loss", kBoth, &smooth_l1_rule},
    {"huber_loss", kBoth, &huber_rule},
    {"binary_cross_entropy", kBoth, &binary_cross_entropy_rule},
    {"binary_cross_entropy_with_logits", kBoth | save_input(2), &bce_with_logits_rule},
    {"soft_margin_loss", kBoth, &soft_margin_rule},
    {"kl_div", kBoth, &kl_div_rule},
};

}  // namespace

std::span<const Rule> loss_rules() { return kRules; }

}  // namespace tenon::autograd
