// Losses of single elements.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/loss_samples.h"

namespace tenon::ops_test {
namespace {

struct Loss {
  double value, size;  // size: of the terms that make it, for its error
};

// Arguments of a loss besides its tensors, and where the reduction stands among them.
struct Form {
  std::vector<Argument> before, after;  // between the tensors and the reduction, behind it
};

struct ElementLoss {
  const char* op;
  size_t tensors;
  std::vector<Form> forms;
  std::vector<std::pair<double, double>> ranges;  // of each tensor's values
  std::function<Loss(const Call& call, const std::vector<double>& x)> loss;
  double roundings = 8;
  bool rounds_steps = false;  // composed: each step is stored in the dtype
};

std::vector<Argument> arguments_of(const std::vector<Array>& tensors, const Form& form,
                                   int64_t reduction) {
  std::vector<Argument> arguments(tensors.begin(), tensors.end());
  arguments.insert(arguments.end(), form.before.begin(), form.before.end());
  arguments.emplace_back(Scalar(reduction));
  arguments.insert(arguments.end(), form.after.begin(), form.after.end());
  return arguments;
}

std::vector<Array> expect_elements(const ElementLoss& kind, const Call& call) {
  const Array& input = call.array(0);
  Array losses(input.sizes, input.dtype);
  for_each(input.sizes, [&](const Shape& index, size_t i) {
    std::vector<double> x;
    for (size_t t = 0; t < kind.tensors; ++t) x.push_back(call.array(t).at(index));
    const Loss loss = kind.loss(call, x);
    losses.values[i] = loss.value;
    const double steps = kind.rounds_steps ? 4 * storage_roundings(input.dtype) : 1;
    losses.magnitudes.push_back(kind.roundings * steps * loss.size);
  });
  const size_t at = kind.tensors + kind.forms[0].before.size();
  const int64_t reduction = call.scalar(at).to_int64();
  if (reduction != 3) return {reduced_losses(losses, reduction)};
  Array out = reduced_losses(losses, 2);
  const double batch = input.sizes.rank() == 0 ? 1 : static_cast<double>(input.sizes[0]);
  out.values[0] /= batch;
  out.magnitudes[0] =
      (out.magnitudes[0] + storage_roundings(out.dtype) * 2 * std::fabs(out.values[0] * batch)) /
      batch;
  return {out};
}

SampleRow element_row(const ElementLoss& kind) {
  SampleRow row;
  row.op = kind.op;
  row.dtypes = kFloats;
  row.calls = [kind](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{3, 5}, Shape{}, Shape{7}, Shape{2, 130}, Shape{0, 3}}) {
      for (const Form& form : kind.forms) {
        for (const int64_t reduction : {1, 2, 0}) {
          std::vector<Array> tensors;
          for (size_t t = 0; t < kind.tensors; ++t)
            tensors.push_back(
                random.array(sizes, dtype, kind.ranges[t].first, kind.ranges[t].second));
          calls.push_back({arguments_of(tensors, form, reduction), sizes.numel() < 60});
        }
      }
    }
    return calls;
  };
  row.expect = [kind](const Call& call) { return expect_elements(kind, call); };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const std::string op = kind.op;
  const auto error = [&](const char* what, const Array& first, const Array& second,
                         int64_t reduction, const std::string& message) {
    std::vector<Array> tensors = {first, second};
    tensors.resize(kind.tensors, first);
    row.errors.push_back({what, arguments_of(tensors, kind.forms[0], reduction), message});
  };
  error("sizes", blank({3, 1}), blank({3}), 1, op + ".*\\(3, 1\\).*\\(3\\)");
  error("number against vector", blank({}), blank({1}), 1, op + ".*\\(\\).*\\(1\\)");
  error("integers", blank({3}, kInt64), blank({3}, kInt64), 1, op + ".*floating.*int64");
  error("integer target", blank({3}), blank({3}, kInt64), 1, op + ".*floating.*int64");
  error("reduction", blank({3}), blank({3}), 7, op + ".*reduction.*7");
  return row;
}

double option(const Call& call, size_t at) { return call.scalar(at).to_double(); }

// Values of y that are 1 or −1. They only choose, so that any dtype will do.
void make_signs(SampleRow& row) {
  row.calls = [calls = row.calls](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    for (Call& call : all) {
      Array& target = std::get<Array>(call.arguments[1]);
      target.dtype = kInt64;
      for (double& value : target.values) value = value < 0 ? -1 : 1;
    }
    return all;
  };
  std::erase_if(row.errors, [](const ErrorRow& error) { return error.what == "integer target"; });
}

void add_call(SampleRow& row, const std::function<Call(DType, Random&)>& call) {
  row.calls = [calls = row.calls, call](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    all.push_back(call(dtype, random));
    return all;
  };
}

// ---- differences ----

void add_differences(std::vector<SampleRow>& rows) {
  const std::vector<std::pair<double, double>> ranges = {{-2, 2}, {-2, 2}};
  rows.push_back(element_row({"mse_loss",
                              2,
                              {{}},
                              ranges,
                              [](const Call&, const std::vector<double>& x) {
                                const double d = x[0] - x[1];
                                return Loss{d * d, d * d};
                              },
                              4,
                              true}));
  rows.push_back(element_row({"l1_loss",
                              2,
                              {{}},
                              ranges,
                              [](const Call&, const std::vector<double>& x) {
                                const double d = std::fabs(x[0] - x[1]);
                                return Loss{d, d};
                              },
                              2,
                              true}));
  rows.push_back(element_row(
      {"smooth_l1_loss",
       2,
       {{{}, {Scalar(1.0)}}, {{}, {Scalar(0.5)}}, {{}, {Scalar(0.0)}}},
       ranges,
       [](const Call& call, const std::vector<double>& x) {
         const double d = std::fabs(x[0] - x[1]), beta = option(call, 3);
         return d < beta ? Loss{d * d / beta / 2, d * d / beta} : Loss{d - beta / 2, d + beta};
       }}));
  rows.back().errors.push_back(
      {"beta", {blank({3}), blank({3}), Scalar(1), Scalar(-1.0)}, "smooth_l1_loss.*beta.*-1"});
  rows.push_back(element_row(
      {"huber_loss",
       2,
       {{{}, {Scalar(1.0)}}, {{}, {Scalar(0.5)}}, {{}, {Scalar(3.0)}}},
       ranges,
       [](const Call& call, const std::vector<double>& x) {
         const double d = std::fabs(x[0] - x[1]), delta = option(call, 3);
         return d <= delta ? Loss{d * d / 2, d * d} : Loss{delta * (d - delta / 2), delta * d};
       }}));
  rows.back().errors.push_back(
      {"delta", {blank({3}), blank({3}), Scalar(1), Scalar(0.0)}, "huber_loss.*delta.*0"});
}

// ---- probabilities ----

double weight_of(const Call& call, size_t at, const Shape& index) {
  return call.has(at) ? call.array(at).at(index) : 1;
}

// self, target, weight, reduction (and pos_weight): optional tensors that broadcast.
using BinaryLoss = Loss (*)(double x, double y, double positive);
SampleRow binary_row(const char* op, bool logits, BinaryLoss loss) {
  SampleRow row;
  row.op = op;
  row.dtypes = kFloats;
  row.calls = [logits](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{3, 5}, Shape{}, Shape{7}, Shape{2, 130}, Shape{0, 3}}) {
      for (const int64_t reduction : {1, 2, 0}) {
        for (const bool more : {false, true}) {
          const Shape last = sizes.slice(std::max<int64_t>(0, sizes.rank() - 1), sizes.rank());
          const Array x = random.array(sizes, dtype, logits ? -5 : 0.05, logits ? 5 : 0.95);
          Call call{{x, random.array(sizes, dtype, 0, 1),
                     more ? random.array(last, dtype, 0.5, 2) : Argument(), Scalar(reduction)},
                    sizes.numel() > 0 && sizes.numel() < 60};
          if (logits && (more || reduction == 0))
            call.arguments.emplace_back(random.array(last, dtype, 0.5, 3));
          calls.push_back(std::move(call));
        }
      }
    }
    const double far = logits ? 300 : 1;  // where a logarithm would be infinite
    calls.push_back({{Array({4}, dtype, {far, far, logits ? -far : 0, logits ? -far : 0}),
                      Array({4}, dtype, {0, 1, 0, 1}),
                      {},
                      Scalar(0)},
                     false});
    return calls;
  };
  row.expect = [loss](const Call& call) {
    const Array &x = call.array(0), &y = call.array(1);
    Array losses(x.sizes, x.dtype);
    for_each(x.sizes, [&](const Shape& index, size_t i) {
      const double weight = weight_of(call, 2, index);
      const Loss own = loss(x.values[i], y.values[i], weight_of(call, 4, index));
      losses.values[i] = weight * own.value;
      const double steps = call.has(2) ? 2 * storage_roundings(x.dtype) : 1;
      losses.magnitudes.push_back((8 + steps) * weight * own.size);
    });
    return std::vector<Array>{reduced_losses(losses, call.scalar(3).to_int64())};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const std::string name = op;
  const auto error = [&](const char* what, const Array& first, const Array& second,
                         const Argument& weight, int64_t reduction, const std::string& message) {
    row.errors.push_back({what, {first, second, weight, Scalar(reduction)}, message});
  };
  error("sizes", blank({3, 1}), blank({3}), {}, 1, name + ".*\\(3, 1\\).*\\(3\\)");
  error("integers", blank({3}, kInt64), blank({3}, kInt64), {}, 1, name + ".*floating.*int64");
  error("integer target", blank({3}), blank({3}, kInt64), {}, 1, name + ".*floating.*int64");
  error("weight", blank({2, 3}), blank({2, 3}), blank({2}), 1, "\\(2, 3\\).*\\(2\\)");
  error("reduction", blank({3}), blank({3}), {}, 7, name + ".*reduction.*7");
  return row;
}

void add_binary(std::vector<SampleRow>& rows) {
  rows.push_back(binary_row("binary_cross_entropy", false, [](double x, double y, double) {
    const double yes = std::fmax(-100, std::log(x)), no = std::fmax(-100, std::log1p(-x));
    return Loss{-(y * yes + (1 - y) * no), y * std::fabs(yes) + (1 - y) * std::fabs(no)};
  }));
  rows.push_back(
      binary_row("binary_cross_entropy_with_logits", true, [](double x, double y, double positive) {
        const double curve = std::fmax(-x, 0) + std::log1p(std::exp(-std::fabs(x)));
        const double factor = 1 + (positive - 1) * y;
        return Loss{(1 - y) * x + factor * curve, (2 - y) * std::fabs(x) + (2 + positive) * curve};
      }));
  rows.back().errors.push_back({"pos_weight",
                                {blank({2, 3}), blank({2, 3}), {}, Scalar(1), blank({2})},
                                "\\(2, 3\\).*\\(2\\)"});
  rows.back().errors.push_back({"larger pos_weight",
                                {blank({3}), blank({3}), {}, Scalar(1), blank({2, 3})},
                                "pos_weight must broadcast to \\(3\\), got \\(2, 3\\)"});
}

void add_divergence(std::vector<SampleRow>& rows) {
  const auto loss = [](const Call& call, const std::vector<double>& x) {
    const double y = x[1];
    if (option(call, 3) != 0) {
      const double factor = std::exp(y);
      return Loss{factor * (y - x[0]),
                  factor * (1 + std::fabs(y)) * (std::fabs(y) + std::fabs(x[0]))};
    }
    const double entropy = y == 0 ? 0 : y * std::log(y);
    return Loss{entropy - y * x[0], std::fabs(entropy) + std::fabs(y * x[0])};
  };
  rows.push_back(element_row(
      {"kl_div", 2, {{{}, {Scalar(false)}}, {{}, {Scalar(true)}}}, {{-4, 0}, {0.05, 1}}, loss}));
  SampleRow& row = rows.back();
  add_call(row, [](DType dtype, Random& random) {  // the mean of batches
    return Call{{random.array({3, 4}, dtype, -4, 0), random.array({3, 4}, dtype, 0.1, 1), Scalar(3),
                 Scalar(false)}};
  });
  add_call(row, [](DType dtype, Random&) {  // 0·log 0
    return Call{
        {Array({3}, dtype, {-1, -2, 0}), Array({3}, dtype, {0, 1, 0}), Scalar(0), Scalar(false)},
        false};
  });
}

// ---- others ----

void add_likelihoods(std::vector<SampleRow>& rows) {
  const std::vector<std::pair<double, double>> ranges = {{-2, 2}, {-2, 2}, {0.5, 3}};
  const std::vector<Form> forms = {{{Scalar(false), Scalar(1e-6)}, {}},
                                   {{Scalar(true), Scalar(1e-6)}, {}},
                                   {{Scalar(false), Scalar(1.5)}, {}}};
  ElementLoss gaussian{"gaussian_nll_loss",
                       3,
                       forms,
                       ranges,
                       [](const Call& call, const std::vector<double>& x) {
                         const double d = x[0] - x[1], v = std::fmax(x[2], option(call, 4));
                         const double constant =
                             call.scalar(3).to_bool() ? 0.5 * std::log(2 * std::numbers::pi) : 0;
                         return Loss{0.5 * (std::log(v) + d * d / v) + constant,
                                     std::fabs(std::log(v)) + d * d / v + constant + 0.1};
                       },
                       4,
                       true};
  SampleRow row = element_row(gaussian);
  // Where var is raised its gradient is not that of the value: finite differences see a constant.
  row.calls = [calls = row.calls](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    for (Call& call : all) call.differentiable &= call.scalar(4).to_double() < 0.5;
    all.push_back({{random.array({3, 4}, dtype, -2, 2), random.array({3, 4}, dtype, -2, 2),
                    random.array({3, 1}, dtype, 0.5, 3), Scalar(false), Scalar(1e-6), Scalar(1)}});
    return all;
  };
  const Array same = blank({2, 3});
  const auto with = [&](const Array& var, double eps) {
    return std::vector<Argument>{same, same, var, Scalar(false), Scalar(eps), Scalar(1)};
  };
  row.errors.push_back(
      {"var", with(blank({3}), 1e-6), "var must have the sizes.*\\(2, 3\\).*\\(3\\)"});
  row.errors.push_back({"eps", with(same, 0), "gaussian_nll_loss: eps.*0"});
  row.errors.push_back(
      {"integer var", with(blank({2, 3}, kInt64), 1e-6), "var is needed, got int64"});
  rows.push_back(std::move(row));

  const std::vector<Form> poisson = {{{Scalar(true), Scalar(false), Scalar(1e-8)}, {}},
                                     {{Scalar(false), Scalar(false), Scalar(0.5)}, {}},
                                     {{Scalar(true), Scalar(true), Scalar(1e-8)}, {}}};
  rows.push_back(element_row(
      {"poisson_nll_loss",
       2,
       poisson,
       {{0.1, 2}, {0.2, 4}},
       [](const Call& call, const std::vector<double>& x) {
         const double y = x[1], e = std::exp(x[0]), eps = option(call, 4);
         double logarithm = std::log(x[0] + eps), stirling = 0;
         if (call.scalar(3).to_bool() && y > 1)
           stirling = y * std::log(y) - y + 0.5 * std::log(2 * std::numbers::pi * y);
         const double rest = 2 * std::fabs(y) * (1 + std::fabs(std::log(y)));
         if (call.scalar(2).to_bool())
           return Loss{e - y * x[0] + stirling, 2 * e + y * x[0] + rest};
         return Loss{x[0] - y * logarithm + stirling, x[0] + y * (std::fabs(logarithm) + 1) + rest};
       },
       4,
       true}));
}

void add_margins(std::vector<SampleRow>& rows) {
  rows.push_back(element_row({"soft_margin_loss",
                              2,
                              {{}},
                              {{-4, 4}, {-2, 2}},
                              [](const Call&, const std::vector<double>& x) {
                                const double z = -x[0] * x[1];
                                const double loss =
                                    std::fmax(z, 0) + std::log1p(std::exp(-std::fabs(z)));
                                return Loss{loss, loss + std::fabs(z)};
                              }}));
  add_call(rows.back(), [](DType dtype, Random&) {  // must not overflow
    return Call{{Array({2}, dtype, {-500, 500}), Array({2}, dtype, {1, 1}), Scalar(0)}, false};
  });
  rows.push_back(element_row({"hinge_embedding_loss",
                              2,
                              {{{Scalar(1.0)}, {}}, {{Scalar(0.25)}, {}}},
                              {{-2, 2}, {-1, 1}},
                              [](const Call& call, const std::vector<double>& x) {
                                const double margin = option(call, 2);
                                const double loss = x[1] == 1 ? x[0] : std::fmax(0, margin - x[0]);
                                return Loss{loss, std::fabs(x[0]) + margin};
                              },
                              2,
                              true}));
  make_signs(rows.back());
  rows.back().errors.push_back(
      {"margin", {blank({3}), blank({3}, kInt64), {}, Scalar(1)}, "a number"});
}

}  // namespace

void add_element_loss_samples(std::vector<SampleRow>& rows) {
  add_differences(rows);
  add_binary(rows);
  add_divergence(rows);
  add_likelihoods(rows);
  add_margins(rows);
}

}  // namespace tenon::ops_test
