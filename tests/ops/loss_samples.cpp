// Softmax and losses, in double.
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

// Calls f(row) with the offsets of every line of elements along dim.
void for_each_line(const Shape& sizes, int64_t dim,
                   const std::function<void(const std::vector<size_t>&)>& f) {
  const Array array(sizes, kFloat64);
  if (sizes.rank() == 0) return f({0});
  Shape outer = sizes;
  outer[dim] = sizes[dim] == 0 ? 0 : 1;
  for_each(outer, [&](const Shape& index, size_t) {
    std::vector<size_t> line;
    Shape at = index;
    for (at[dim] = 0; at[dim] < sizes[dim]; ++at[dim]) line.push_back(array.offset(at));
    f(line);
  });
}

int64_t dim_of(const Call& call, size_t argument, const Shape& sizes) {
  const int64_t dim = call.scalar(argument).to_int64();
  return dim < 0 ? dim + std::max<int64_t>(1, sizes.rank()) : dim;
}

struct Line {
  double greatest = -INFINITY, total = 0;
};
Line summary(const Array& x, const std::vector<size_t>& line) {
  Line result;
  for (const size_t i : line) result.greatest = std::max(result.greatest, x.values[i]);
  for (const size_t i : line) result.total += std::exp(x.values[i] - result.greatest);
  return result;
}

// Relative error of e^(x - m): one rounding of x - m, 4 ULP of exp; then a sum and a quotient.
double softmax_error(double distance, size_t count) {
  return std::fabs(distance) + 8 + 2 * std::sqrt(static_cast<double>(count));
}

std::vector<Array> expect_softmax(const Call& call, bool logarithm) {
  const Array& x = call.array(0);
  Array out(x.sizes, x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each_line(x.sizes, dim_of(call, 1, x.sizes), [&](const std::vector<size_t>& line) {
    const Line s = summary(x, line);
    for (const size_t i : line) {
      const double distance = x.values[i] - s.greatest,
                   error = softmax_error(distance, line.size());
      const double y = std::exp(distance) / s.total;
      out.values[i] = logarithm ? distance - std::log(s.total) : y;
      out.magnitudes[i] = logarithm ? error : y * error;
    }
  });
  return {out};
}

// y·(g − Σ g·y), or g − e^y·Σ g.
std::vector<Array> expect_softmax_grad(const Call& call, bool logarithm) {
  const Array &grad = call.array(0), &y = call.array(1);
  Array out(y.sizes, y.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each_line(y.sizes, dim_of(call, 2, y.sizes), [&](const std::vector<size_t>& line) {
    double inner = 0, size = 0;
    for (const size_t i : line) {
      const double term = logarithm ? grad.values[i] : grad.values[i] * y.values[i];
      inner += term, size += std::fabs(term);
    }
    for (const size_t i : line) {
      const double factor = logarithm ? std::exp(y.values[i]) : y.values[i];
      out.values[i] =
          logarithm ? grad.values[i] - factor * inner : factor * (grad.values[i] - inner);
      out.magnitudes[i] = (std::fabs(factor) + 1) * (std::fabs(grad.values[i]) + size) * 16;
    }
  });
  return {out};
}

struct Along {
  Shape sizes;
  int64_t dim;
};
const std::vector<Along> kAlong = {{{3, 5}, 1},   {{3, 5}, 0}, {{2, 3, 4}, 1}, {{2, 3, 4}, -1},
                                   {{7}, 0},      {{}, 0},     {{0, 3}, 1},    {{2, 0}, 1},
                                   {{2, 130}, 1}, {{4, 1}, -1}};

void add_softmax(std::vector<SampleRow>& rows) {
  for (const bool logarithm : {false, true}) {
    const std::string op = logarithm ? "log_softmax" : "softmax";
    SampleRow row;
    row.op = op;
    row.dtypes = kFloats;
    row.calls = [](DType dtype, Random& random) {
      std::vector<Call> calls;
      for (const Along& a : kAlong)
        calls.push_back(
            {{random.array(a.sizes, dtype, -6, 6), Scalar(a.dim)}, a.sizes.numel() < 60});
      calls.push_back(
          {{random.array({3, 4}, dtype, 500, 600), Scalar(1)}, false});  // must not overflow
      return calls;
    };
    row.expect = [logarithm](const Call& call) { return expect_softmax(call, logarithm); };
    row.tolerance = Tolerance::kSum;
    row.gradient = true;
    row.errors = {{"integers", {blank({2}, kInt64), Scalar(0)}, op + ".*floating"},
                  {"dim", {blank({2, 3}), Scalar(2)}, "Dimension out of range|dim.*2"}};
    SampleRow grad = row;
    grad.op = op + "_grad";
    grad.calls = [](DType dtype, Random& random) {
      std::vector<Call> calls;
      for (const Along& a : kAlong)
        calls.push_back({{random.array(a.sizes, dtype, -2, 2),
                          random.array(a.sizes, dtype, -2, 0.5), Scalar(a.dim)},
                         a.sizes.numel() < 60});
      return calls;
    };
    grad.expect = [logarithm](const Call& call) { return expect_softmax_grad(call, logarithm); };
    grad.errors = {{"sizes", {blank({2}), blank({3}), Scalar(0)}, op + "_grad.*\\(2\\).*\\(3\\)"},
                   {"dtypes", {blank({2}), blank({2}, kFloat64), Scalar(0)}, op + "_grad.*dtype"}};
    rows.push_back(std::move(row));
    rows.push_back(std::move(grad));
  }
}

// Losses of every target with their error bounds, reduced: 0 none, 1 mean, 2 sum.
Array reduced(Array losses, int64_t reduction) {
  if (reduction == 0) return losses;
  Array out({}, losses.dtype);
  out.magnitudes = {0};
  const auto count = static_cast<double>(losses.values.size());
  for (size_t i = 0; i < losses.values.size(); ++i) {
    out.values[0] += losses.values[i];
    out.magnitudes[0] +=
        losses.magnitudes[i] + storage_roundings(out.dtype) * 2 * std::fabs(losses.values[i]);
  }
  out.magnitudes[0] *= 2 * std::sqrt(count) + 1;
  if (reduction == 1) out.values[0] /= count, out.magnitudes[0] /= count;
  return out;
}

// −x[n, target[n], d…]
Array picked(const Array& x, const Array& target) {
  Array losses(target.sizes, x.dtype);
  losses.magnitudes.assign(losses.values.size(), 0);
  const int64_t dim = x.sizes.rank() == 1 ? 0 : 1;
  for_each(target.sizes, [&](const Shape& index, size_t i) {
    const Shape at = index.slice(0, dim) + Shape{static_cast<int64_t>(target.values[i])} +
                     index.slice(dim, index.rank());
    losses.values[i] = -x.values[x.offset(at)];
    if (!x.magnitudes.empty()) losses.magnitudes[i] = x.magnitudes[x.offset(at)];
  });
  return losses;
}

std::vector<Call> class_calls(DType dtype, Random& random, double low, double high) {
  std::vector<Call> calls;
  for (const Shape& sizes :
       {Shape{4, 5}, Shape{1, 3}, Shape{5}, Shape{2, 3, 2, 2}, Shape{64, 10}}) {
    const int64_t dim = sizes.rank() == 1 ? 0 : 1;
    const Shape targets = sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank());
    for (const int64_t reduction : {1, 2, 0})
      calls.push_back({{random.array(sizes, dtype, low, high),
                        random.array(targets, kInt64, 0, static_cast<double>(sizes[dim] - 1)),
                        Scalar(reduction)},
                       sizes.numel() < 60});
  }
  return calls;
}

void add_classification(std::vector<SampleRow>& rows) {
  SampleRow nll;
  nll.op = "nll_loss";
  nll.dtypes = kFloats;
  nll.calls = [](DType dtype, Random& random) { return class_calls(dtype, random, -5, 0); };
  nll.expect = [](const Call& call) {
    return std::vector<Array>{
        reduced(picked(call.array(0), call.array(1)), call.scalar(2).to_int64())};
  };
  nll.tolerance = Tolerance::kSum;
  nll.gradient = true;
  nll.errors = {{"sizes",
                 {blank({4, 5}), blank({3}, kInt64), Scalar(1)},
                 "target must have sizes \\(4\\).*\\(3\\)"},
                {"target dtype", {blank({4, 5}), blank({4}), Scalar(1)}, "int64.*float32"},
                {"scalar", {blank({}), blank({}, kInt64), Scalar(1)}, "class dimension"},
                {"class", {blank({2, 3}), Array({2}, kInt64, {0, 3}), Scalar(1)}, "index"},
                {"reduction", {blank({2, 3}), blank({2}, kInt64), Scalar(7)}, "reduction.*7"}};
  SampleRow cross = nll;
  cross.op = "cross_entropy";
  cross.calls = [](DType dtype, Random& random) { return class_calls(dtype, random, -6, 6); };
  cross.expect = [](const Call& call) {
    Call softmax{{call.array(0), Scalar(call.array(0).sizes.rank() == 1 ? 0 : 1)}};
    Array scores = expect_softmax(softmax, true)[0];
    const double rounding = storage_roundings(scores.dtype);  // log_softmax is stored in the dtype
    for (size_t i = 0; i < scores.values.size(); ++i)
      scores.magnitudes[i] += rounding * std::fabs(scores.values[i]);
    return std::vector<Array>{reduced(picked(scores, call.array(1)), call.scalar(2).to_int64())};
  };
  rows.push_back(std::move(nll));
  rows.push_back(std::move(cross));
}

void add_mse(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "mse_loss";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{3, 5}, Shape{}, Shape{7}, Shape{2, 130}})
      for (const int64_t reduction : {1, 2, 0})
        calls.push_back({{random.array(sizes, dtype, -2, 2), random.array(sizes, dtype, -2, 2),
                          Scalar(reduction)},
                         sizes.numel() < 60});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    Array losses(a.sizes, a.dtype);
    for (size_t i = 0; i < a.values.size(); ++i) {
      const double difference = a.values[i] - b.values[i];
      losses.values[i] = difference * difference;
      losses.magnitudes.push_back(4 * storage_roundings(a.dtype) * losses.values[i]);
    }
    return std::vector<Array>{reduced(losses, call.scalar(2).to_int64())};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"sizes", {blank({3, 1}), blank({3}), Scalar(1)}, "mse_loss.*\\(3, 1\\).*\\(3\\)"},
      {"integers", {blank({3}, kInt64), blank({3}, kInt64), Scalar(1)}, "mse_loss.*floating"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_loss_samples(std::vector<SampleRow>& rows) {
  add_softmax(rows);
  add_classification(rows);
  add_mse(rows);
}

}  // namespace tenon::ops_test
