// Functions of single elements. g is the gradient that comes in, y the result.
#include <tenon/runtime/ops/elementwise.h>

#include <cmath>
#include <numbers>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/creation.h>

namespace tenon::autograd {
namespace {

void add_rule(GradContext& c) {
  c.give(0, c.grad());
  if (c.needs(1)) c.give(1, c.scalar(0).to_double() == 1 ? c.grad() : c.grad() * c.scalar(0));
}

void sub_rule(GradContext& c) {
  c.give(0, c.grad());
  if (c.needs(1)) c.give(1, c.grad() * -c.scalar(0).to_double());
}

void mul_rule(GradContext& c) {
  if (c.needs(0)) c.give(0, c.grad() * c.operand(1));
  if (c.needs(1)) c.give(1, c.grad() * c.operand(0));
}

// a/b: g/b and -g·(a/b)/b.
void div_rule(GradContext& c) {
  const SavedOperand b = c.operand(1);
  if (c.needs(0)) c.give(0, c.grad() / b);
  if (c.needs(1)) c.give(1, -c.grad() * div(div(c.operand(0), b), b));
}

// a^b by a: g·b·a^(b-1), and 0 where b = 0, whatever a is.
Tensor pow_by_base(const Tensor& g, const Tensor& a, const SavedOperand& b) {
  if (!b.is_tensor())
    return b.number() == 0 ? zeros_like(g) : g * (pow(a, b.number() - 1) * b.number());
  return g * (pow(a, where(eq(b, 0), 0.0, sub(b, 1))) * b);
}

// a^b by b: g·y·ln a, and 0 where a = 0 and b >= 0.
Tensor pow_by_exponent(const Tensor& g, const SavedOperand& a, const Tensor& b, const Tensor& y) {
  if (a.is_tensor()) {
    const Tensor flat = logical_and(eq(a, 0), ge(b, 0));
    return g * (y * log(where(flat, 1.0, a)));
  }
  const Tensor slope = g * (y * std::log(a.number()));
  return a.number() == 0 ? where(ge(b, 0), 0.0, slope) : slope;
}

void pow_rule(GradContext& c) {
  if (c.needs(0)) c.give(0, pow_by_base(c.grad(), c.input(0), c.operand(1)));
  if (c.needs(1)) c.give(1, pow_by_exponent(c.grad(), c.operand(0), c.input(1), c.output()));
}

// The lesser (or greater) operand gets nothing, equal ones get half; NaN passes to both.
template <Tensor (*kLoses)(const Operand&, const Operand&)>
void choose_rule(GradContext& c) {
  const Tensor& g = c.grad();
  const SavedOperand a = c.operand(0), b = c.operand(1);
  const Tensor shared = where(eq(a, b), g * 0.5, g);
  if (c.needs(0)) c.give(0, where(kLoses(a, b), 0.0, shared));
  if (c.needs(1)) c.give(1, where(kLoses(b, a), 0.0, shared));
}

// self + value·a·b
void addcmul_rule(GradContext& c) {
  c.give(0, c.grad());
  if (c.needs(1)) c.give(1, c.grad() * c.input(2) * c.scalar(0));
  if (c.needs(2)) c.give(2, c.grad() * c.input(1) * c.scalar(0));
}

// self + value·a/b
void addcdiv_rule(GradContext& c) {
  c.give(0, c.grad());
  if (!c.needs(1) && !c.needs(2)) return;
  const Tensor b = c.input(2);
  if (c.needs(1)) c.give(1, c.grad() * c.scalar(0) / b);
  if (c.needs(2)) c.give(2, -c.grad() * c.scalar(0) * c.input(1) / (b * b));
}

void where_rule(GradContext& c) {
  const Tensor condition = c.input(0);
  if (c.needs(1)) c.give(1, where(condition, c.grad(), 0.0));
  if (c.needs(2)) c.give(2, where(condition, 0.0, c.grad()));
}

// 1 inside the bounds and on them, else 0. Attributes: has min, has max.
void clamp_rule(GradContext& c) {
  const Tensor x = c.input(0);
  const bool has_min = c.attributes()[0] != 0, has_max = c.attributes()[1] != 0;
  Tensor inside;
  if (has_min) inside = ge(x, c.scalar(0));
  if (has_max) {
    const Tensor below = le(x, c.scalar(has_min ? 1 : 0));
    inside = has_min ? logical_and(inside, below) : below;
  }
  c.give(0, where(inside, c.grad(), 0.0));
}

void zero_rule(GradContext& c) { c.give(0, zeros_like(c.grad())); }

constexpr double kErfSlope = 2 * std::numbers::inv_sqrtpi;  // of erf at 0

constexpr Rule kRules[] = {
    {"add", kSaveNothing, &add_rule},
    {"sub", kSaveNothing, &sub_rule},
    {"mul", save_input(0, kFor1) | save_input(1, kFor0), &mul_rule},
    {"div", save_input(0, kFor1) | save_input(1), &div_rule},
    {"pow", save_input(0) | save_input(1) | save_output(0, kFor1), &pow_rule},
    {"maximum", save_input(0) | save_input(1), &choose_rule<&lt>},
    {"minimum", save_input(0) | save_input(1), &choose_rule<&gt>},
    {"addcmul", save_input(1, kFor2) | save_input(2, kFor1), &addcmul_rule},
    {"addcdiv", save_input(1, kFor2) | save_input(2, kFor1 | kFor2), &addcdiv_rule},
    {"where", save_input(0), &where_rule},
    {"clamp", save_input(0), &clamp_rule},
    {"sign", kSaveNothing, &zero_rule},
    {"floor", kSaveNothing, &zero_rule},
    {"ceil", kSaveNothing, &zero_rule},
    {"round", kSaveNothing, &zero_rule},
    {"trunc", kSaveNothing, &zero_rule},
    {"neg", kSaveNothing, [](GradContext& c) { c.give(0, -c.grad()); }},
    {"abs", save_input(0), [](GradContext& c) { c.give(0, c.grad() * sign(c.input(0))); }},
    {"square", save_input(0), [](GradContext& c) { c.give(0, c.grad() * c.input(0) * 2.0); }},
    {"exp", save_output(), [](GradContext& c) { c.give(0, c.grad() * c.output()); }},
    {"expm1", save_output(), [](GradContext& c) { c.give(0, c.grad() * (c.output() + 1.0)); }},
    {"log", save_input(0), [](GradContext& c) { c.give(0, c.grad() / c.input(0)); }},
    {"log1p", save_input(0), [](GradContext& c) { c.give(0, c.grad() / (c.input(0) + 1.0)); }},
    {"sqrt", save_output(), [](GradContext& c) { c.give(0, c.grad() / (c.output() * 2.0)); }},
    {"rsqrt", save_output(),
     [](GradContext& c) { c.give(0, c.grad() * pow(c.output(), 3.0) * -0.5); }},
    {"reciprocal", save_output(),
     [](GradContext& c) { c.give(0, -c.grad() * square(c.output())); }},
    {"sin", save_input(0), [](GradContext& c) { c.give(0, c.grad() * cos(c.input(0))); }},
    {"cos", save_input(0), [](GradContext& c) { c.give(0, -c.grad() * sin(c.input(0))); }},
    {"tanh", save_output(),
     [](GradContext& c) { c.give(0, c.grad() * (1.0 - square(c.output()))); }},
    {"sigmoid", save_output(),
     [](GradContext& c) { c.give(0, c.grad() * (c.output() * (1.0 - c.output()))); }},
    // 0 at 0; NaN lets the gradient pass.
    {"relu", save_output(),
     [](GradContext& c) { c.give(0, where(le(c.output(), 0), 0.0, c.grad())); }},
    {"erf", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() * exp(-square(c.input(0))) * kErfSlope); }},
};

}  // namespace

std::span<const Rule> elementwise_rules() { return kRules; }

}  // namespace tenon::autograd
