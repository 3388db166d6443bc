// Functions between layers.
#include <algorithm>
#include <numbers>

#include "ops/pointwise_rows.h"

namespace tenon::ops_test {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double relu(double x) { return std::isnan(x) || x > 0 ? x : 0; }
// std::clamp would let NaN through as well, but says so less clearly.
double bounded(double x, double low, double high) {
  return std::isnan(x) ? x : std::min(std::max(x, low), high);
}

using Parameters = std::vector<double>;
using Parametric = double (*)(double x, const Parameters& parameters);

// f of x and of the numbers after it, `defaults` where a call leaves them out. The numbers given in
// `variants` are tried on one size.
SampleRow activation(const char* op, Parametric f, const Parameters& defaults,
                     const std::vector<Parameters>& variants, Domain domain = {}) {
  SampleRow row;
  row.op = op;
  row.dtypes = kFloats;
  row.calls = [variants, domain](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, domain);
    for (const Parameters& parameters : variants) {
      calls.push_back({{random.array({3, 5}, dtype, domain.low, domain.high)}});
      for (const double parameter : parameters) calls.back().arguments.emplace_back(parameter);
    }
    return calls;
  };
  row.expect = [f, defaults](const Call& call) {
    Parameters parameters = defaults;
    for (size_t i = 0; i < parameters.size(); ++i)
      parameters[i] = call.scalar(i + 1, parameters[i]).to_double();
    const Array& x = call.array(0);
    return std::vector<Array>{
        mapped(x, x.dtype, [&](double value) { return f(value, parameters); })};
  };
  row.tolerance = Tolerance::kUlp8;
  row.gradient = true;
  return row;
}

SampleRow plain(const char* op, double (*f)(double), Domain domain = {}) {
  SampleRow row = activation(op, nullptr, {}, {}, domain);
  row.expect = [f](const Call& call) {
    return std::vector<Array>{mapped(call.array(0), call.array(0).dtype, f)};
  };
  return row;
}

void add_rectifiers(std::vector<SampleRow>& rows) {
  rows.push_back(same("relu", kNumbers, &relu, true));
  rows.push_back(activation("leaky_relu",
                            [](double x, const Parameters& p) { return x > 0 ? x : x * p[0]; },
                            {0.01}, {{0.5}, {0.0}, {-1.25}}));
  rows.push_back(activation("threshold",
                            [](double x, const Parameters& p) { return x <= p[0] ? p[1] : x; },
                            {0, 0}, {{0.5, -2.0}, {-1.0, 7.5}}));
  SampleRow& threshold = rows.back();
  threshold.dtypes = kNumbers;
  threshold.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {});
    for (size_t i = 0; i < calls.size(); ++i) {
      const bool odd = i % 2 == 1 || dtype == kUInt8;  // which holds no -2
      calls[i].arguments.emplace_back(odd ? 1.0 : -2.0);
      calls[i].arguments.emplace_back(odd ? 3.0 : 20.0);
    }
    return calls;
  };
  threshold.errors = {{"bool", {blank({2}, kBool), Scalar(0.0), Scalar(0.0)}, "threshold.*bool"},
                      {"no value", {blank({2}), Scalar(0.0)}, "argument 2 must be a number"}};
  rows.push_back(plain("relu6", [](double x) { return bounded(x, 0, 6); }, {-4, 9}));
  rows.back().dtypes = kNumbers;
  rows.back().errors = {{"bool", {blank({2}, kBool)}, "hardtanh.*bool"}};
  rows.push_back(activation("hardtanh",
                            [](double x, const Parameters& p) { return bounded(x, p[0], p[1]); },
                            {-1, 1}, {{-2.0, 3.0}, {1.0, 1.0}}));
  rows.back().dtypes = kNumbers;
  rows.back().calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {});
    if (dtype == kUInt8)  // -1 is 255 there
      for (Call& call : calls)
        call.arguments.insert(call.arguments.end(), {Scalar(1.0), Scalar(2.0)});
    calls.push_back({{random.array({3, 5}, dtype, -4, 4), Scalar(1.0), Scalar(3.0)}});
    return calls;
  };
  rows.back().errors = {
      {"range", {blank({2}), Scalar(1.0), Scalar(-1.0)}, "hardtanh: min_val.*1.*-1"},
      {"bool", {blank({2}, kBool)}, "hardtanh.*bool"}};
}

void add_exponentials(std::vector<SampleRow>& rows) {
  rows.push_back(activation(
      "elu", [](double x, const Parameters& p) { return x > 0 ? x : p[0] * std::expm1(x); }, {1},
      {{0.5}, {-2.0}}));
  rows.push_back(activation(
      "celu", [](double x, const Parameters& p) { return x > 0 ? x : p[0] * std::expm1(x / p[0]); },
      {1}, {{0.5}, {2.0}}));
  rows.back().errors = {{"alpha", {blank({2}), Scalar(0.0)}, "celu: alpha must not be 0"},
                        {"integers", {blank({2}, kInt64)}, "floating point"}};
  rows.push_back(plain("selu", [](double x) {
    constexpr double kAlpha = 1.6732632423543772, kScale = 1.0507009873554805;
    return x > 0 ? kScale * x : kScale * kAlpha * std::expm1(x);
  }));
  rows.back().errors = {{"integers", {blank({2}, kInt64)}, "floating point"}};
  rows.push_back(activation("softplus",
                            [](double x, const Parameters& p) {
                              return x * p[0] > p[1] ? x : std::log1p(std::exp(x * p[0])) / p[0];
                            },
                            {1, 20}, {{2.0, 20.0}, {0.5, 1.0}, {3.0, 2.0}}));
  loosen(rows.back(), 16);  // e^z takes the rounding of z times z
  rows.push_back(plain("log_sigmoid", [](double x) {
    return (std::isnan(x) ? x : std::min(x, 0.0)) - std::log1p(std::exp(-std::fabs(x)));
  }));
  rows.push_back(plain("mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }));
  loosen(rows.back(), 8);  // as softplus
}

double gelu_by_tanh(double x) {
  const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  return x * sigmoid(2 * u);  // ½(1 + tanh u), without its cancellation
}

double gelu_by_erfc(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

void add_gates(std::vector<SampleRow>& rows) {
  rows.push_back(plain("silu", [](double x) { return x * sigmoid(x); }, {-6, 6}));
  rows.push_back(activation(
      "gelu",
      [](double x, const Parameters& p) { return p[0] == 0 ? gelu_by_erfc(x) : gelu_by_tanh(x); },
      {0}, {}));
  rows.back().calls = [](DType dtype, Random& random) {
    std::vector<Call> calls = unary_calls(dtype, random, {});
    const size_t count = calls.size();
    for (size_t i = 0; i < count; ++i) {
      calls.push_back(calls[i]);
      calls.back().arguments.emplace_back(Scalar(1));
    }
    return calls;
  };
  // In the lower tail the rounding of the argument grows with its square.
  loosen(rows.back(), 64);
  rows.back().errors = {{"approximate", {blank({2}), Scalar(2)}, "gelu: approximate must be .*2"}};
  rows.push_back(plain("hardsigmoid", [](double x) { return bounded(x + 3, 0, 6) / 6; }));
  rows.push_back(plain("hardswish", [](double x) { return x * bounded(x + 3, 0, 6) / 6; }));
  rows.push_back(real("softsign", [](double x) { return x / (1 + std::fabs(x)); }, {-4, 4}));
  rows.push_back(real("tanhshrink", [](double x) { return x - std::tanh(x); }, {-4, 4}));
  // What is left of x is small where x is.
  rows.back().expect = [](const Call& call) {
    const Array& x = call.array(0);
    Array result =
        mapped(x, float_dtype(x.dtype), [](double value) { return value - std::tanh(value); });
    for (const double value : x.values)
      result.magnitudes.push_back(std::isfinite(value) ? 4 * std::fabs(value) : 0);
    return std::vector<Array>{result};
  };
}

// One weight, or one for each channel.
void add_prelu(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "prelu";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const std::pair<Shape, Shape> kSizes[] = {{{3, 5}, {5}}, {{2, 3, 4}, {3}}, {{2, 3, 2, 2}, {3}},
                                              {{3, 5}, {1}}, {{4}, {1}},       {{}, {1}},
                                              {{3}, {}},     {{0, 3}, {3}}};
    for (const auto& [sizes, weights] : kSizes)
      calls.push_back({{random.array(sizes, dtype, -4, 4), random.array(weights, dtype, -1, 2)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& x = call.array(0);
    const Array& weight = call.array(1);
    Array out = x;
    for_each(x.sizes, [&](const Shape& index, size_t i) {
      const size_t channel = weight.values.size() == 1 ? 0 : static_cast<size_t>(index[1]);
      if (!(x.values[i] > 0)) out.values[i] = x.values[i] * weight.values[channel];
    });
    return std::vector<Array>{out};
  };
  row.gradient = true;
  row.errors = {{"weights", {blank({2, 3}), blank({2})}, "prelu: weight must have.*3 channels.*2"},
                {"weights of one channel", {blank({3}), blank({3})}, "prelu.*1 channels.*3"},
                {"rank of the weights", {blank({2, 3}), blank({3, 1})}, "prelu: weight.*one dim"},
                {"two dtypes", {blank({2}), blank({1}, kFloat64)}, "prelu.*float32.*float64"},
                {"a number", {blank({2}), Scalar(0.5)}, "argument 1 must be a tensor"}};
  rows.push_back(std::move(row));
}

// a·sigmoid(b), the halves along a dimension.
std::vector<Array> expect_glu(const Call& call) {
  const Array& x = call.array(0);
  int64_t dim = call.scalar(1, -1).to_int64();
  if (dim < 0) dim += x.sizes.rank();
  Array out(x.sizes, x.dtype);
  out.sizes[dim] /= 2;
  out.values.resize(static_cast<size_t>(out.sizes.numel()));
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    Shape gate = index;
    gate[dim] += out.sizes[dim];
    out.values[i] = x.values[x.offset(index)] * sigmoid(x.values[x.offset(gate)]);
  });
  for (const double value : out.values)  // halves round the sigmoid
    out.magnitudes.push_back(storage_roundings(x.dtype) * std::fabs(value));
  return {out};
}

void add_glu(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "glu";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes : {Shape{4}, Shape{3, 6}, Shape{0, 2}, Shape{2, 3, 4}})
      calls.push_back({{random.array(sizes, dtype, -4, 4)}});
    calls.push_back({{random.array({2, 3, 4}, dtype, -4, 4), Scalar(0)}});
    calls.push_back({{random.array({2, 4, 3}, dtype, -4, 4), Scalar(-2)}});
    return calls;
  };
  row.expect = expect_glu;
  row.tolerance = Tolerance::kUlp8;
  row.gradient = true;
  row.errors = {{"odd size", {blank({2, 3})}, "glu: dimension -1 must have an even size.*2, 3"},
                {"no dimensions", {blank({})}, "glu: a tensor with dimensions"},
                {"dim", {blank({2, 4}), Scalar(2)}, "out of range"},
                {"integers", {blank({4}, kInt64)}, "glu.*floating point"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_activation_samples(std::vector<SampleRow>& rows) {
  const size_t first = rows.size();
  add_rectifiers(rows);
  add_exponentials(rows);
  add_gates(rows);
  add_prelu(rows);
  add_glu(rows);
  add_standard_errors(rows, first);
}

}  // namespace tenon::ops_test
