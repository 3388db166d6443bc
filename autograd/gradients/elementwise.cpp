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

// a/b: g/b and -g·(a/b)/b. Rounded quotients are flat.
void div_rule(GradContext& c) {
  if (c.attributes()[0] != 0) {
    for (size_t i = 0; i < 2; ++i)
      if (c.needs(i)) c.give(i, zeros_like(c.grad()));
    return;
  }
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

// a − b·round(a/b)
template <Rounding kRounding>
void remainder_rule(GradContext& c) {
  c.give(0, c.grad());
  if (c.needs(1)) c.give(1, -c.grad() * div(c.operand(0), c.operand(1), kRounding));
}

// Bounds that are numbers: 1 strictly between them, 0 on them and for NaN.
void clamp_to_numbers(GradContext& c, bool has_min, bool has_max) {
  const Tensor x = c.input(0);
  const Tensor above = has_min ? gt(x, c.operand(1)) : Tensor();
  const Tensor below = has_max ? lt(x, c.operand(has_min ? 2 : 1)) : Tensor();
  c.give(0, where(!has_max ? above : !has_min ? below : logical_and(above, below), c.grad(), 0.0));
}

// Bounds of which one is a tensor: whoever is the result has the gradient; x and the bound that it
// equals have half each, unless the bounds are equal too, then x has it. NaN has it. Where min >
// max the result is max.
void clamp_between(GradContext& c) {
  const Tensor x = c.input(0), g = c.grad();
  const SavedOperand low = c.operand(1), high = c.operand(2);
  const Tensor apart = lt(low, high);
  if (c.needs(0)) {
    const Tensor shared = logical_and(apart, logical_or(eq(x, low), eq(x, high)));
    const Tensor outside = logical_or(lt(x, low), gt(x, high));
    c.give(0, where(outside, 0.0, where(shared, g * 0.5, g)));
  }
  if (c.needs(1)) {
    const Tensor wins = logical_and(lt(x, low), le(low, high));
    c.give(1, where(wins, g, where(logical_and(apart, eq(x, low)), g * 0.5, 0.0)));
  }
  if (c.needs(2)) {
    const Tensor wins = logical_or(gt(x, high), gt(low, high));
    c.give(2, where(wins, g, where(logical_and(apart, eq(x, high)), g * 0.5, 0.0)));
  }
}

// As PyTorch 2.15. Attributes: has min, has max.
void clamp_rule(GradContext& c) {
  const bool has_min = c.attributes()[0] != 0, has_max = c.attributes()[1] != 0;
  const bool both = has_min && has_max;
  if (!c.operand(1).is_tensor() && !(both && c.operand(2).is_tensor()))
    clamp_to_numbers(c, has_min, has_max);
  else if (both)
    clamp_between(c);
  else if (has_min)
    choose_rule<&lt>(c);
  else
    choose_rule<&gt>(c);
}

// y/(x² + y²) and −x/(x² + y²), x = other.
void atan2_rule(GradContext& c) {
  const SavedOperand y = c.operand(0), x = c.operand(1);
  const auto squared = [](const SavedOperand& a) {
    return a.is_tensor() ? SavedOperand(square(a.tensor())) : SavedOperand(a.number() * a.number());
  };
  const Tensor scaled = c.grad() / add(squared(y), squared(x));
  if (c.needs(0)) c.give(0, scaled * x);
  if (c.needs(1)) c.give(1, -scaled * y);
}

void hypot_rule(GradContext& c) {
  for (uint32_t i = 0; i < 2; ++i)
    if (c.needs(i)) c.give(i, c.grad() * div(c.operand(i), c.output()));
}

// Whether the sign was turned; 0 has none.
void copysign_rule(GradContext& c) {
  if (c.needs(0)) {
    const Tensor own = sign(c.input(0));
    c.give(0, c.grad() * own * copysign(ones_like(own), c.operand(1)));
  }
  if (c.needs(1)) c.give(1, zeros_like(c.grad()));
}

// x·ln y: ln y, but 0 where x = 0 and y <= 0; and x/y.
void xlogy_rule(GradContext& c) {
  const SavedOperand x = c.operand(0), y = c.operand(1);
  if (c.needs(0)) {
    const Tensor is_zero = eq(x, 0);
    const Tensor flat = y.is_tensor() ? logical_and(is_zero, le(y, 0))
                                      : logical_and(is_zero, Scalar(y.number() <= 0));
    c.give(0, where(flat, 0.0, xlogy(c.grad(), where(flat, 1.0, y))));
  }
  if (c.needs(1)) c.give(1, c.grad() * div(x, y));
}

void logaddexp_rule(GradContext& c) {
  const SavedOperand a = c.operand(0), b = c.operand(1);
  if (c.needs(0)) c.give(0, c.grad() * sigmoid(sub(a, b)));
  if (c.needs(1)) c.give(1, c.grad() * sigmoid(sub(b, a)));
}

void lerp_rule(GradContext& c) {
  const SavedOperand weight = c.operand(2);
  if (c.needs(0)) c.give(0, c.grad() - c.grad() * weight);
  if (c.needs(1)) c.give(1, c.grad() * weight);
  if (c.needs(2)) c.give(2, c.grad() * (c.input(1) - c.input(0)));
}

// 1/(x(1 − x)), inside of eps and 1 − eps where there is an eps.
void logit_rule(GradContext& c) {
  const Tensor x = c.input(0);
  const Tensor slope = c.grad() / (x * (1.0 - x));
  if (c.attributes()[0] == 0) {
    c.give(0, where(logical_and(ge(x, 0), le(x, 1)), slope, std::nan("")));
    return;
  }
  const double eps = c.scalar(0).to_double();
  c.give(0, where(logical_and(ge(x, eps), le(x, 1.0 - eps)), slope, 0.0));
}

// g/√(constant + square·x²)
template <int kConstant, int kSquare>
void inverse_rule(GradContext& c) {
  c.give(0, c.grad() * rsqrt(square(c.input(0)) * double{kSquare} + double{kConstant}));
}

void zero_rule(GradContext& c) { c.give(0, zeros_like(c.grad())); }

constexpr double kErfSlope = 2 * std::numbers::inv_sqrtpi;  // of erf at 0

constexpr Rule kRules[] = {
    {"add", kSaveNothing, &add_rule},
    {"sub", kSaveNothing, &sub_rule},
    {"mul", save_input(0, kFor1) | save_input(1, kFor0), &mul_rule},
    {"div", save_input(0, kFor1) | save_input(1), &div_rule},
    {"remainder", save_input(0, kFor1) | save_input(1, kFor1), &remainder_rule<Rounding::kFloor>},
    {"fmod", save_input(0, kFor1) | save_input(1, kFor1), &remainder_rule<Rounding::kTrunc>},
    {"atan2", save_input(0) | save_input(1), &atan2_rule},
    {"hypot", save_input(0, kFor0) | save_input(1, kFor1) | save_output(), &hypot_rule},
    {"copysign", save_input(0, kFor0) | save_input(1, kFor0), &copysign_rule},
    {"xlogy", save_input(0) | save_input(1), &xlogy_rule},
    {"logaddexp", save_input(0) | save_input(1), &logaddexp_rule},
    {"lerp", save_input(0, kFor2) | save_input(1, kFor2) | save_input(2, kFor0 | kFor1),
     &lerp_rule},
    {"pow", save_input(0) | save_input(1) | save_output(0, kFor1), &pow_rule},
    {"maximum", save_input(0) | save_input(1), &choose_rule<&lt>},
    {"minimum", save_input(0) | save_input(1), &choose_rule<&gt>},
    {"addcmul", save_input(1, kFor2) | save_input(2, kFor1), &addcmul_rule},
    {"addcdiv", save_input(1, kFor2) | save_input(2, kFor1 | kFor2), &addcdiv_rule},
    {"where", save_input(0), &where_rule},
    {"clamp", save_input(0) | save_input(1) | save_input(2), &clamp_rule},
    {"sign", kSaveNothing, &zero_rule},
    {"floor", kSaveNothing, &zero_rule},
    {"ceil", kSaveNothing, &zero_rule},
    {"round", kSaveNothing, &zero_rule},
    {"trunc", kSaveNothing, &zero_rule},
    // Reached in place only: what is written over has no gradient.
    {"eq", kSaveNothing, &zero_rule},
    {"ne", kSaveNothing, &zero_rule},
    {"lt", kSaveNothing, &zero_rule},
    {"le", kSaveNothing, &zero_rule},
    {"gt", kSaveNothing, &zero_rule},
    {"ge", kSaveNothing, &zero_rule},
    {"logical_and", kSaveNothing, &zero_rule},
    {"logical_or", kSaveNothing, &zero_rule},
    {"logical_xor", kSaveNothing, &zero_rule},
    {"logical_not", kSaveNothing, &zero_rule},
    {"frac", kSaveNothing, [](GradContext& c) { c.give(0, c.grad()); }},
    {"nan_to_num", save_input(0),
     [](GradContext& c) { c.give(0, where(isfinite(c.input(0)), c.grad(), 0.0)); }},
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
    {"logit", save_input(0), &logit_rule},
    {"exp2", save_output(),
     [](GradContext& c) { c.give(0, c.grad() * c.output() * std::numbers::ln2); }},
    {"log2", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() / (c.input(0) * std::numbers::ln2)); }},
    {"log10", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() / (c.input(0) * std::numbers::ln10)); }},
    {"tan", save_output(),
     [](GradContext& c) { c.give(0, c.grad() * (square(c.output()) + 1.0)); }},
    {"asin", save_input(0), &inverse_rule<1, -1>},
    {"acos", save_input(0),
     [](GradContext& c) { c.give(0, -c.grad() * rsqrt(1.0 - square(c.input(0)))); }},
    {"atan", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() / (square(c.input(0)) + 1.0)); }},
    {"sinh", save_input(0), [](GradContext& c) { c.give(0, c.grad() * cosh(c.input(0))); }},
    {"cosh", save_input(0), [](GradContext& c) { c.give(0, c.grad() * sinh(c.input(0))); }},
    {"asinh", save_input(0), &inverse_rule<1, 1>},
    {"acosh", save_input(0), &inverse_rule<-1, 1>},
    {"atanh", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() / (1.0 - square(c.input(0)))); }},
    {"erfc", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() * exp(-square(c.input(0))) * -kErfSlope); }},
    {"erf", save_input(0),
     [](GradContext& c) { c.give(0, c.grad() * exp(-square(c.input(0))) * kErfSlope); }},
};

}  // namespace

std::span<const Rule> elementwise_rules() { return kRules; }

}  // namespace tenon::autograd
