// What the tests of nn share.
#pragma once

#include <tenon/tenon.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "support/folder.h"

namespace tenon::test {

inline std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }

// f32 results against f64 expectations.
inline void expect_close(const std::vector<double>& got, const std::vector<double>& expected,
                         double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "at " << i;
}

// The text of the Error that `action` throws, which must have the code.
inline std::string error_of(ErrorCode code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

inline std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors) result.push_back(name);
  return result;
}

// Host values of a float tensor to compute with in loops.
struct Array {
  Shape sizes;
  std::vector<double> data;
  explicit Array(const Tensor& tensor) : sizes(tensor.sizes()), data(values(tensor)) {}
  // 0 outside.
  [[nodiscard]] double at(const std::vector<int64_t>& index) const {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      const int64_t size = sizes[static_cast<int64_t>(d)];
      if (index[d] < 0 || index[d] >= size) return 0;
      offset = offset * size + index[d];
    }
    return data[static_cast<size_t>(offset)];
  }
};

// ---- the same numbers in torch, for golden values ----

// sin(0.37·k + phase) for element k.
inline Tensor pattern(const Shape& sizes, double phase = 0) {
  std::vector<double> data(static_cast<size_t>(sizes.numel()));
  for (size_t k = 0; k < data.size(); ++k)
    data[k] = std::sin(0.37 * static_cast<double>(k) + phase);
  return tensor(data).to(kFloat32).view(sizes);
}

// sin(0.37·k + 1) / 2, where k counts through all parameters.
inline void fill_pattern(const nn::Module& module) {
  const NoGradGuard no_grad;
  double start = 0;
  for (Tensor& value : module.parameters()) {
    value.copy_(pattern(value.sizes(), 0.37 * start + 1) * 0.5);
    start += static_cast<double>(value.numel());
  }
}

// Σ |gradient| of every parameter, after Σ output·pattern(·, 0.5) of all outputs went backward.
inline std::vector<double> gradient_sums(const nn::Module& module,
                                         const std::vector<Tensor>& outputs) {
  for (const Tensor& value : module.parameters()) value.set_grad({});
  Tensor total;
  for (const Tensor& output : outputs) {
    const Tensor part = (output * pattern(output.sizes(), 0.5)).sum();
    total = total.defined() ? total + part : part;
  }
  total.backward();
  std::vector<double> sums;
  for (const Tensor& value : module.parameters())
    if (value.grad().defined()) sums.push_back(value.grad().abs().sum().item<double>());
  return sums;
}

}  // namespace tenon::test
