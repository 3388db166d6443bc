// Losses of class scores.
#include <cmath>

#include "ops/loss_samples.h"

namespace tenon::ops_test {
namespace {

int64_t class_dim(const Array& scores) { return scores.sizes.rank() == 1 ? 0 : 1; }
int64_t classes_of(const Array& scores) { return scores.sizes[class_dim(scores)]; }

// The index of class `at` for target number `index`.
Shape place(const Shape& index, int64_t dim, int64_t at) {
  return index.slice(0, dim) + Shape{at} + index.slice(dim, index.rank());
}

double weight_at(const Call& call, size_t argument, int64_t label) {
  return call.has(argument) ? call.array(argument).values[static_cast<size_t>(label)] : 1;
}

// Losses and what the mean divides by (−1: their number).
struct Losses {
  Array values;
  double divisor = -1;
};

Array finish(Losses losses, int64_t reduction) {
  if (reduction != 1 || losses.divisor < 0) return reduced_losses(losses.values, reduction);
  Array out = reduced_losses(losses.values, 2);
  out.values[0] /= losses.divisor;
  out.magnitudes[0] = (out.magnitudes[0] + std::fabs(out.values[0])) / losses.divisor;
  out.magnitudes[0] += 8 * std::fabs(out.values[0]);
  return out;
}

// −w·x[n, target[n], d…], 0 where ignored. x may carry magnitudes.
Losses picked(const Array& x, const Call& call) {
  const Array& target = call.array(1);
  const int64_t ignore = call.scalar(3).to_int64();
  Losses losses{Array(target.sizes, x.dtype), 0};
  losses.values.magnitudes.assign(losses.values.values.size(), 0);
  for_each(target.sizes, [&](const Shape& index, size_t i) {
    const auto label = static_cast<int64_t>(target.values[i]);
    if (label == ignore) return;
    const double weight = weight_at(call, 2, label);
    const size_t at = x.offset(place(index, class_dim(x), label));
    losses.divisor += weight;
    losses.values.values[i] = -weight * x.values[at];
    losses.values.magnitudes[i] = x.magnitudes.empty() ? 0 : weight * x.magnitudes[at];
    losses.values.magnitudes[i] +=
        2 * storage_roundings(x.dtype) * std::fabs(losses.values.values[i]);
  });
  return losses;
}

// −Σ w·q·x over the classes, where q(index, class) is the target's share of a class.
Losses spread(const Array& x, const Call& call, const Shape& targets,
              const std::function<double(const Shape& place, size_t target, int64_t label)>& q) {
  Losses losses{Array(targets, x.dtype), -1};
  losses.values.magnitudes.assign(losses.values.values.size(), 0);
  for_each(targets, [&](const Shape& index, size_t i) {
    for (int64_t label = 0; label < classes_of(x); ++label) {
      const Shape at = place(index, class_dim(x), label);
      const double factor = weight_at(call, 2, label) * q(at, i, label);
      const double term = -factor * x.values[x.offset(at)];
      losses.values.values[i] += term;
      losses.values.magnitudes[i] += std::fabs(factor) * x.magnitudes[x.offset(at)];
      losses.values.magnitudes[i] +=
          4 * storage_roundings(x.dtype) * (std::fabs(term) + std::fabs(x.values[x.offset(at)]));
    }
  });
  return losses;
}

Array log_probabilities(const Array& logits) {
  Array scores = expect_softmax({{logits, Scalar(class_dim(logits))}}, true)[0];
  const double rounding = storage_roundings(scores.dtype);  // log_softmax is stored in the dtype
  for (size_t i = 0; i < scores.values.size(); ++i)
    scores.magnitudes[i] += rounding * std::fabs(scores.values[i]);
  return scores;
}

Shape target_sizes(const Shape& sizes) {
  const int64_t dim = sizes.rank() == 1 ? 0 : 1;
  return sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank());
}

std::vector<Array> expect_nll(const Call& call) {
  return {finish(picked(call.array(0), call), call.scalar(4).to_int64())};
}

std::vector<Array> expect_cross_entropy(const Call& call) {
  const Array x = log_probabilities(call.array(0));
  const Array& target = call.array(1);
  const double smoothing = call.scalar(5).to_double();
  const auto classes = static_cast<double>(classes_of(x));
  const int64_t reduction = call.scalar(4).to_int64();
  if (target.dtype != kInt64)
    return {finish(spread(x, call, target_sizes(x.sizes),
                          [&](const Shape& at, size_t, int64_t) {
                            return target.values[target.offset(at)] * (1 - smoothing) +
                                   smoothing / classes;
                          }),
                   reduction)};
  if (smoothing == 0) return {finish(picked(x, call), reduction)};
  const double ignore = call.scalar(3).to_double();
  Losses losses = spread(x, call, target.sizes, [&](const Shape&, size_t i, int64_t label) {
    if (target.values[i] == ignore) return 0.0;
    const double own = static_cast<double>(label) == target.values[i] ? 1 - smoothing : 0;
    return own + smoothing / classes;
  });
  losses.divisor = picked(x, call).divisor;
  return {finish(losses, reduction)};
}

const std::vector<Shape> kScores = {{4, 5}, {1, 3}, {5}, {2, 3, 2, 2}, {64, 10}};

Array random_targets(const Shape& scores, Random& random) {
  const auto last = static_cast<double>(scores[scores.rank() == 1 ? 0 : 1] - 1);
  return random.array(target_sizes(scores), kInt64, 0, last);
}

// self, target, weight, ignore_index, reduction
std::vector<Call> class_calls(DType dtype, Random& random, double low, double high) {
  std::vector<Call> calls;
  for (const Shape& sizes : kScores) {
    const bool checked = sizes.numel() < 60;
    const int64_t classes = sizes[sizes.rank() == 1 ? 0 : 1];
    for (const int64_t reduction : {1, 2, 0}) {
      const auto add = [&](const Argument& weight, const Array& target, int64_t ignore) {
        calls.push_back({{random.array(sizes, dtype, low, high), target, weight, Scalar(ignore),
                          Scalar(reduction)},
                         checked && (ignore != 1 || target.values.size() > 1)});  // not all ignored
      };
      const Array weight = random.array({classes}, dtype, 0.5, 2);
      Array some = random_targets(sizes, random);
      if (some.values.size() > 1) some.values[0] = -100;
      add({}, random_targets(sizes, random), -100);
      add(weight, some, -100);
      add({}, random_targets(sizes, random), 1);  // a class may be ignored
    }
  }
  Array ignored({3}, kInt64);
  for (double& value : ignored.values) value = -100;
  for (const int64_t reduction : {1, 2, 0})  // all ignored: the mean is NaN
    calls.push_back(
        {{random.array({3, 4}, dtype, low, high), ignored, {}, Scalar(-100), Scalar(reduction)},
         reduction != 1});
  calls.push_back({{Array({0, 4}, dtype), Array({0}, kInt64), {}, Scalar(-100), Scalar(1)}, false});
  return calls;
}

std::vector<Call> cross_entropy_calls(DType dtype, Random& random) {
  std::vector<Call> calls = class_calls(dtype, random, -6, 6);
  for (Call& call : calls) call.arguments.emplace_back(Scalar(0.0));
  const std::vector<Call> plain = calls;
  for (size_t i = 0; i < plain.size(); i += 2) {
    calls.push_back(plain[i]);
    calls.back().arguments[5] = Scalar(0.25);
  }
  for (const Shape& sizes : {Shape{4, 5}, Shape{3}, Shape{2, 3, 2}}) {  // probabilities
    const int64_t classes = sizes[sizes.rank() == 1 ? 0 : 1];
    for (const int64_t reduction : {1, 2, 0})
      for (const double smoothing : {0.0, 0.125})
        calls.push_back({{random.array(sizes, dtype, -6, 6), random.array(sizes, dtype, 0, 1),
                          smoothing == 0 ? Argument() : random.array({classes}, dtype, 0.5, 2),
                          Scalar(-100), Scalar(reduction), Scalar(smoothing)}});
  }
  calls.push_back({{random.array({2, 3}, dtype, -1e4, 1e4),
                    random_targets({2, 3}, random),
                    {},
                    Scalar(-100),
                    Scalar(1),
                    Scalar(0.0)}});  // must not overflow
  return calls;
}

void add_likelihoods(std::vector<SampleRow>& rows) {
  SampleRow nll;
  nll.op = "nll_loss";
  nll.dtypes = kFloats;
  nll.calls = [](DType dtype, Random& random) { return class_calls(dtype, random, -5, 0); };
  nll.expect = expect_nll;
  nll.tolerance = Tolerance::kSum;
  nll.gradient = true;
  const auto error = [&](const char* what, const Array& scores, const Array& target,
                         const Argument& weight, int64_t reduction, const char* message) {
    nll.errors.push_back(
        {what, {scores, target, weight, Scalar(-100), Scalar(reduction)}, message});
  };
  const Array two({2}, kInt64);
  error("sizes", blank({4, 5}), blank({3}, kInt64), {}, 1,
        "target must have sizes \\(4\\).*\\(3\\)");
  error("target dtype", blank({4, 5}), blank({4}), {}, 1, "int64.*float32");
  error("integer scores", blank({2, 3}, kInt64), two, {}, 1, "floating point.*int64");
  error("scalar", blank({}), blank({}, kInt64), {}, 1, "class dimension");
  error("class", blank({2, 3}), Array({2}, kInt64, {0, 3}), {}, 1, "index");
  error("negative class", blank({2, 3}), Array({2}, kInt64, {0, -1}), {}, 1, "index");
  error("reduction", blank({2, 3}), two, {}, 7, "reduction.*7");
  error("weight", blank({2, 3}), two, blank({2}), 1, "weight.*3 classes.*\\(2\\)");
  error("weight dtype", blank({2, 3}), two, blank({3}, kFloat64), 1, "weight.*float64.*float32");
  SampleRow cross = nll;
  cross.op = "cross_entropy";
  cross.calls = cross_entropy_calls;
  cross.expect = expect_cross_entropy;
  for (ErrorRow& row : cross.errors) row.arguments.emplace_back(Scalar(0.0));
  cross.errors.push_back({"smoothing",
                          {blank({2, 3}), two, {}, Scalar(-100), Scalar(1), Scalar(1.5)},
                          "label_smoothing.*1.5"});
  cross.errors.push_back({"negative smoothing",
                          {blank({2, 3}), two, {}, Scalar(-100), Scalar(1), Scalar(-0.5)},
                          "label_smoothing.*-0.5"});
  cross.errors.push_back({"ignored probabilities",
                          {blank({2, 3}), blank({2, 3}), {}, Scalar(1), Scalar(1), Scalar(0.0)},
                          "ignore_index is for targets that are classes"});
  rows.push_back(std::move(nll));
  rows.push_back(std::move(cross));
}

// ---- multi_margin_loss: self, target, p, margin, weight, reduction ----

std::vector<Array> expect_multi_margin(const Call& call) {
  const Array &x = call.array(0), &target = call.array(1);
  const double p = call.scalar(2).to_double(), margin = call.scalar(3).to_double();
  Array losses(target.sizes, x.dtype);
  losses.magnitudes.assign(losses.values.size(), 0);
  const auto classes = static_cast<size_t>(classes_of(x));
  for (size_t n = 0; n < losses.values.size(); ++n) {
    const auto own = static_cast<size_t>(target.values[n]);
    const double weight = weight_at(call, 4, static_cast<int64_t>(own));
    const double reference = x.values[n * classes + own];
    for (size_t i = 0; i < classes; ++i) {
      const double other = x.values[n * classes + i];
      const double over = std::fmax(0, margin - reference + other);
      const double size = std::fabs(margin) + std::fabs(reference) + std::fabs(other);
      if (i != own) losses.values[n] += weight * std::pow(over, p) / static_cast<double>(classes);
      losses.magnitudes[n] += 4 * storage_roundings(x.dtype) * weight * std::pow(size, p);
    }
    losses.magnitudes[n] /= static_cast<double>(classes);
  }
  return {reduced_losses(losses, call.scalar(5).to_int64())};
}

void add_multi_margin(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "multi_margin_loss";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{4, 5}, Shape{3}, Shape{1, 2}, Shape{40, 6}})
      for (const int64_t reduction : {1, 2, 0})
        for (const int64_t p : {1, 2})
          calls.push_back({{random.array(sizes, dtype, -2, 2), random_targets(sizes, random),
                            Scalar(p), Scalar(p == 1 ? 1.0 : 0.5),
                            p == 1 ? Argument() : random.array({sizes.back()}, dtype, 0.5, 2),
                            Scalar(reduction)},
                           sizes.numel() < 60});
    return calls;
  };
  row.expect = expect_multi_margin;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const auto error = [&](const char* what, const Array& scores, const Array& target, int64_t p,
                         const Argument& weight, int64_t reduction, const char* message) {
    row.errors.push_back(
        {what, {scores, target, Scalar(p), Scalar(1.0), weight, Scalar(reduction)}, message});
  };
  const Array x = blank({2, 3}), y({2}, kInt64);
  error("rank", blank({2, 3, 4}), Array({2, 4}, kInt64), 1, {}, 1, "multi_margin_loss.*\\(N,C\\)");
  error("sizes", x, Array({3}, kInt64), 1, {}, 1, "target must have sizes \\(2\\).*\\(3\\)");
  error("target dtype", x, blank({2}), 1, {}, 1, "int64.*float32");
  error("p", x, y, 3, {}, 1, "p must be 1 or 2, got 3");
  error("weight", x, y, 1, blank({2}), 1, "weight.*3 classes");
  error("class", x, Array({2}, kInt64, {0, 3}), 1, {}, 1, "index");
  error("reduction", x, y, 1, {}, 3, "reduction.*3");
  rows.push_back(std::move(row));
}

// ---- multilabel_soft_margin_loss: self, target, weight, reduction ----

void add_multilabel(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "multilabel_soft_margin_loss";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{4, 5}, Shape{3}, Shape{2, 2, 3}})
      for (const int64_t reduction : {1, 2, 0})
        for (const bool weighted : {false, true})
          calls.push_back({{random.array(sizes, dtype, -5, 5), random.array(sizes, dtype, 0, 1),
                            weighted ? random.array({sizes.back()}, dtype, 0.5, 2) : Argument(),
                            Scalar(reduction)}});
    calls.push_back({{random.array({4, 5}, dtype, -5, 5), random.array({4, 5}, kInt64, 0, 1),
                      Argument(), Scalar(1)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &x = call.array(0), &y = call.array(1);
    const auto classes = static_cast<size_t>(x.sizes.back());
    Array losses(x.sizes.slice(0, x.sizes.rank() - 1), x.dtype);
    losses.magnitudes.assign(losses.values.size(), 0);
    for (size_t i = 0; i < x.values.size(); ++i) {
      const double softplus = std::log1p(std::exp(-x.values[i]));
      const double weight = weight_at(call, 2, static_cast<int64_t>(i % classes));
      const double loss = weight * ((1 - y.values[i]) * x.values[i] + softplus);
      losses.values[i / classes] += loss / static_cast<double>(classes);
      losses.magnitudes[i / classes] +=
          4 * storage_roundings(x.dtype) * weight * (std::fabs(x.values[i]) + softplus);
    }
    for (double& magnitude : losses.magnitudes) magnitude /= static_cast<double>(classes) / 8;
    return std::vector<Array>{reduced_losses(losses, call.scalar(3).to_int64())};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array x = blank({2, 3});
  row.errors = {
      {"sizes", {x, blank({3}), {}, Scalar(1)}, "multilabel.*\\(2, 3\\).*\\(3\\)"},
      {"truth", {x, blank({2, 3}, kBool), {}, Scalar(1)}, "multilabel.*floating.*bool"},
      {"scores", {blank({2, 3}, kInt64), x, {}, Scalar(1)}, "multilabel.*floating.*int64"},
      {"numbers", {blank({}), blank({}), {}, Scalar(1)}, "multilabel.*class dimension"},
      {"weight", {x, x, blank({2}), Scalar(1)}, "\\(2, 3\\).*\\(2\\)"},
      {"reduction", {x, x, {}, Scalar(4)}, "multilabel.*reduction.*4"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_class_loss_samples(std::vector<SampleRow>& rows) {
  add_likelihoods(rows);
  add_multi_margin(rows);
  add_multilabel(rows);
}

}  // namespace tenon::ops_test
