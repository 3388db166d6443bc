// Softmax and its gradients, and what the rows of losses share, in double.
#include "ops/loss_samples.h"

#include <cmath>

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

}  // namespace

std::vector<Array> expect_softmax(const Call& call, bool logarithm) {
  Array x = call.array(0);
  if (call.has(2)) x.dtype = std::get<DType>(call.arguments[2]);
  for (double& value : x.values) value = rounded(value, x.dtype);
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

// Losses of every target with their error bounds, reduced: 0 none, 1 mean, 2 sum.
Array reduced_losses(Array losses, int64_t reduction) {
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

namespace {

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
  for (const std::string op : {"softmax", "log_softmax", "softmin"}) {
    const bool logarithm = op == "log_softmax", least = op == "softmin";
    SampleRow row;
    row.op = op;
    row.dtypes = kFloats;
    row.calls = [](DType dtype, Random& random) {
      std::vector<Call> calls;
      for (const Along& a : kAlong)
        calls.push_back(
            {{random.array(a.sizes, dtype, -6, 6), Scalar(a.dim)}, a.sizes.numel() < 60});
      calls.push_back(
          {{random.array({3, 4}, dtype, 500, 600), Scalar(1)}, false});        // must not overflow
      calls.push_back({{random.array({2, 3}, dtype, -3e4, 3e4), Scalar(1)}});  // 0 and 1
      calls.push_back({{random.array({3, 4}, dtype, -6, 6), Scalar(0), kFloat32}, false});
      calls.push_back({{random.array({3, 4}, kInt64, -6, 6), Scalar(1), kBFloat16}, false});
      return calls;
    };
    row.expect = [logarithm, least](const Call& call) {
      Call signs = call;
      for (double& value : std::get<Array>(signs.arguments[0]).values) value *= least ? -1 : 1;
      return expect_softmax(signs, logarithm);
    };
    row.tolerance = Tolerance::kSum;
    row.gradient = true;
    row.errors = {{"integers", {blank({2}, kInt64), Scalar(0)}, op + ".*floating"},
                  {"bool", {blank({2}, kBool), Scalar(0)}, op + ".*floating|bool"},
                  {"dim", {blank({2, 3}), Scalar(2)}, "Dimension out of range.*2"},
                  {"negative dim", {blank({2, 3}), Scalar(-3)}, "Dimension out of range.*-3"},
                  {"dim of a number", {blank({}), Scalar(1)}, "Dimension out of range.*1"},
                  {"integer dtype", {blank({2, 3}), Scalar(1), kInt64}, "floating|float"}};
    if (least) {
      rows.push_back(std::move(row));
      continue;
    }
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
    grad.errors = {
        {"sizes", {blank({2}), blank({3}), Scalar(0)}, op + "_grad.*\\(2\\).*\\(3\\)"},
        {"ranks", {blank({2}), blank({2, 1}), Scalar(0)}, op + "_grad.*\\(2\\).*\\(2, 1\\)"},
        {"dim", {blank({2}), blank({2}), Scalar(1)}, "Dimension out of range.*1"},
        {"integers", {blank({2}, kInt64), blank({2}, kInt64), Scalar(0)}, op + "_grad.*floating"},
        {"dtypes", {blank({2}), blank({2}, kFloat64), Scalar(0)}, op + "_grad.*dtype"}};
    rows.push_back(std::move(row));
    rows.push_back(std::move(grad));
  }
}

}  // namespace

void add_loss_samples(std::vector<SampleRow>& rows) {
  add_softmax(rows);
  add_class_loss_samples(rows);
  add_element_loss_samples(rows);
  add_pair_loss_samples(rows);
}

}  // namespace tenon::ops_test
