// Activations against their formulas, element by element.
#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_close;
using test::names;
using test::values;

const std::vector<double> kPoints = {-25, -4, -1.5, -0.5, 0, 0.25, 1, 3, 7, 30};

// f in double against the module, which must print as `text`.
void expect_function(Module&& module, const std::string& text, double (*f)(double)) {
  const Tensor x = tensor(kPoints).to(kFloat32);
  std::vector<double> expected;
  for (const double point : kPoints) expected.push_back(f(point));
  expect_close(values(module(x)), expected, 1e-5);
  EXPECT_EQ(module.describe(), text);
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Activation, WithoutSettings) {
  expect_function(ReLU6(), "ReLU6", [](double x) { return std::min(std::max(x, 0.0), 6.0); });
  expect_function(Sigmoid(), "Sigmoid", sigmoid_of);
  expect_function(LogSigmoid(), "LogSigmoid", [](double x) { return -std::log1p(std::exp(-x)); });
  expect_function(SiLU(), "SiLU", [](double x) { return x * sigmoid_of(x); });
  expect_function(Mish(), "Mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); });
  expect_function(SELU(), "SELU", [](double x) {
    return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * std::expm1(x));
  });
  expect_function(Hardsigmoid(), "Hardsigmoid",
                  [](double x) { return std::min(std::max(x + 3, 0.0), 6.0) / 6; });
  expect_function(Hardswish(), "Hardswish",
                  [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; });
  expect_function(Softsign(), "Softsign", [](double x) { return x / (1 + std::abs(x)); });
  expect_function(Tanhshrink(), "Tanhshrink", [](double x) { return x - std::tanh(x); });
}

TEST(Activation, WithSettings) {
  expect_function(GELU(), "GELU(approximate=none)",
                  [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); });
  expect_function(GELU(Gelu::kTanh), "GELU(approximate=tanh)", [](double x) {
    return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  });
  expect_function(LeakyReLU(0.2), "LeakyReLU(negative_slope=0.2)",
                  [](double x) { return x > 0 ? x : 0.2 * x; });
  expect_function(ELU(2), "ELU(alpha=2)", [](double x) { return x > 0 ? x : 2 * std::expm1(x); });
  expect_function(CELU(2), "CELU(alpha=2)",
                  [](double x) { return x > 0 ? x : 2 * std::expm1(x / 2); });
  expect_function(Softplus(2, 10), "Softplus(beta=2, threshold=10)",
                  [](double x) { return 2 * x > 10 ? x : std::log1p(std::exp(2 * x)) / 2; });
  expect_function(Hardtanh(-2, 3), "Hardtanh(min_val=-2, max_val=3)",
                  [](double x) { return std::min(std::max(x, -2.0), 3.0); });
  expect_function(Threshold(0.5, -1), "Threshold(threshold=0.5, value=-1)",
                  [](double x) { return x > 0.5 ? x : -1; });
  error_of(ErrorCode::kInvalidArgument, [] { Hardtanh(1, 1); });
}

TEST(Activation, AlongADimension) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {0.0, -1.0, 5.0}});
  const auto y = values(Softmax(1)(x));
  const double sum = std::exp(-2.0) + std::exp(-1.0) + 1;
  expect_close({y[0], y[1], y[2]}, {std::exp(-2.0) / sum, std::exp(-1.0) / sum, 1 / sum});
  expect_close(values(LogSoftmax(1)(x).exp()), y);
  expect_close(values(Softmin(1)(-x)), y);
  expect_close(values(Softmax(0)(x).sum({0})), {1, 1, 1});
  const Tensor pairs = tensor({{1.0, 2.0, 0.0, 3.0}});
  expect_close(values(GLU()(pairs)), {0.5, 2 * sigmoid_of(3)});
  EXPECT_EQ(LogSoftmax(-1).describe(), "LogSoftmax(dim=-1)");
  error_of(ErrorCode::kIndex, [&] { (void)Softmax(2)(x); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)GLU()(x); });
}

TEST(PReLU, LearnsItsSlope) {
  PReLU layer({.num_parameters = 2});
  const Tensor x = tensor({{-1.0, -2.0}, {3.0, -4.0}});
  const Tensor y = layer(x);
  expect_close(values(y), {-0.25, -0.5, 3, -1});
  y.sum().backward();
  expect_close(values(layer.weight.grad()), {-1, -6});
  EXPECT_EQ(names(layer.named_parameters()), std::vector<std::string>{"weight"});
  EXPECT_EQ(layer.describe(), "PReLU(num_parameters=2)");
  error_of(ErrorCode::kInvalidArgument, [] { PReLU({.num_parameters = 0}); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)layer(ones({2, 3})); });
}

}  // namespace
}  // namespace tenon::nn
