// What the tests of autograd share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <tenon/autograd/backward.h>
#include <tenon/autograd/grad_mode.h>
#include <tenon/autograd/node.h>
#include <tenon/runtime/ops/ops.h>

#include "support/errors.h"

namespace tenon {

inline std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }

// Leaves of float64 that require a gradient.
inline Tensor leaf_of(const std::vector<double>& numbers, const Shape& sizes) {
  return tensor(std::span<const double>(numbers), sizes, kFloat64).requires_grad_();
}

// Different, smooth numbers away from 0 and from each other.
inline Tensor leaf(const Shape& sizes, double first = 0.3, double step = 0.17) {
  std::vector<double> numbers(static_cast<size_t>(sizes.numel()));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = first + step * static_cast<double>((i * 7) % numbers.size());
  return leaf_of(numbers, sizes);
}

}  // namespace tenon
