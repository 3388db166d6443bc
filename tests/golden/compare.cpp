#include <cmath>

#include <tenon/runtime/device_context.h>

#include "golden/harness.h"

namespace tenon::golden {

namespace {

// PyTorch computes f16 and bf16 ops in f32 and rounds once; a program rounds at each instruction,
// so these may differ in the last bits.
double tolerance_of(DType dtype) {
  switch (dtype) {
    case kFloat16:
      return 4e-3;
    case kBFloat16:
      return 3.2e-2;
    case kFloat64:
      return 1e-9;
    default:
      return 1e-5;
  }
}

bool same(double got, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= tolerance * std::max(1.0, std::abs(expected));
}

}  // namespace

bool computes(DType dtype) {
  DeviceContext& context = DeviceContext::get(default_device());
  context.require_compute();
  return context.computes(dtype);
}

std::string difference(const Tensor& got, const Tensor& expected) {
  if (!got.defined()) return "nothing came out";
  if (got.dtype() != expected.dtype() || got.sizes() != expected.sizes())
    return join_text("PyTorch gives ", expected.dtype(), expected.sizes(), ", got ", got.dtype(),
                     got.sizes());
  if (!expected.is_floating_point()) {
    const std::vector<int64_t> a = got.to_vector<int64_t>(), b = expected.to_vector<int64_t>();
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i] != b[i]) return join_text("element ", i, ": PyTorch gives ", b[i], ", got ", a[i]);
    return {};
  }
  const double tolerance = tolerance_of(expected.dtype());
  const std::vector<double> a = got.to_vector<double>(), b = expected.to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i], tolerance))
      return join_text("element ", i, ": PyTorch gives ", b[i], ", got ", a[i]);
  return {};
}

}  // namespace tenon::golden
