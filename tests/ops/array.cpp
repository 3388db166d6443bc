#include "ops/array.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::ops_test {
namespace {

// Least and greatest values of an integer dtype, as far as doubles hold them.
std::pair<double, double> range_of(DType dtype) {
  switch (dtype) {
    case kBool:
      return {0, 1};
    case kUInt8:
      return {0, 255};
    case kInt8:
      return {-128, 127};
    case kInt16:
      return {-32768, 32767};
    case kInt32:
      return {-2147483648.0, 2147483647.0};
    default:
      return {-0x1p53, 0x1p53};
  }
}

struct UlpRow {
  Tolerance tolerance;
  double f64, f32, half;
};
// The one table of tolerances. A half may be off by one where the f32 behind it is off at all.
constexpr UlpRow kUlps[] = {
    {Tolerance::kExact, 0, 0, 0},
    {Tolerance::kUlp4, 4, 4, 1},
    {Tolerance::kUlp8, 8, 8, 1},
    {Tolerance::kSum, 1, 1, 1},
};

double allowed(double want, double magnitude, DType dtype, Tolerance tolerance) {
  if (!is_floating_point(dtype)) return 0;
  for (const UlpRow& row : kUlps) {
    if (row.tolerance != tolerance) continue;
    const double ulps = dtype == kFloat64 ? row.f64 : dtype == kFloat32 ? row.f32 : row.half;
    return ulps * ulp(want, dtype) + magnitude * accumulator_epsilon(dtype);
  }
  return 0;
}

}  // namespace

size_t Array::offset(const Shape& index) const {
  int64_t at = 0;
  for (int64_t d = 0; d < sizes.rank(); ++d) at = at * sizes[d] + index[d];
  return static_cast<size_t>(at);
}

double Array::at(const Shape& index) const {
  Shape own = sizes;
  const int64_t lead = index.rank() - sizes.rank();
  for (int64_t d = 0; d < own.rank(); ++d) own[d] = sizes[d] == 1 ? 0 : index[d + lead];
  return values[offset(own)];
}

void for_each(const Shape& sizes, const std::function<void(const Shape&, size_t)>& f) {
  const auto count = static_cast<size_t>(sizes.numel());
  Shape index = sizes;
  for (int64_t d = 0; d < index.rank(); ++d) index[d] = 0;
  for (size_t i = 0; i < count; ++i) {
    f(index, i);
    for (int64_t d = sizes.rank() - 1; d >= 0; --d) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

Shape broadcast(const Shape& a, const Shape& b) {
  if (a.rank() < b.rank()) return broadcast(b, a);
  Shape sizes = a;
  for (int64_t d = 0; d < b.rank(); ++d) {
    int64_t& size = sizes[d + a.rank() - b.rank()];
    if (size == 1) size = b[d];
  }
  return sizes;
}

double rounded(double value, DType dtype) {
  switch (dtype) {
    case kFloat64:
      return value;
    case kFloat32:
      return static_cast<float>(value);
    case kFloat16:
      return static_cast<float>(Half(static_cast<float>(value)));
    case kBFloat16:
      return static_cast<float>(BFloat16(static_cast<float>(value)));
    default:
      return wrapped(static_cast<int64_t>(value), dtype);
  }
}

double wrapped(int64_t value, DType dtype) {
  switch (dtype) {
    case kBool:
      return value != 0 ? 1 : 0;
    case kUInt8:
      return static_cast<uint8_t>(value);
    case kInt8:
      return static_cast<int8_t>(value);
    case kInt16:
      return static_cast<int16_t>(value);
    case kInt32:
      return static_cast<int32_t>(value);
    default:
      return static_cast<double>(value);
  }
}

double ulp(double value, DType dtype) {
  int digits = 53, least = -1074;
  if (dtype == kFloat32) digits = 24, least = -149;
  if (dtype == kFloat16) digits = 11, least = -24;
  if (dtype == kBFloat16) digits = 8, least = -133;
  if (value == 0 || !std::isfinite(value)) return std::ldexp(1.0, least);
  return std::ldexp(1.0, std::max(std::ilogb(value) - digits + 1, least));
}

double accumulator_epsilon(DType dtype) { return dtype == kFloat64 ? 0x1p-52 : 0x1p-23; }

double storage_roundings(DType dtype) {
  return dtype == kFloat16 ? 0x1p13 : dtype == kBFloat16 ? 0x1p16 : 1;
}

std::string difference(const Array& got, const Array& want, Tolerance tolerance) {
  if (got.sizes != want.sizes) return join_text("sizes ", got.sizes, ", not ", want.sizes);
  if (got.dtype != want.dtype) return join_text("dtype ", got.dtype, ", not ", want.dtype);
  if (want.any_values) return {};
  std::string worst;
  double excess = 0;
  for_each(want.sizes, [&](const Shape& index, size_t i) {
    const double is = got.values[i];
    const double should =
        is_floating_point(want.dtype) ? rounded(want.values[i], want.dtype) : want.values[i];
    if (is == should || (std::isnan(is) && std::isnan(should))) return;
    const double magnitude = want.magnitudes.empty() ? 0 : want.magnitudes[i];
    const double bound = allowed(should, magnitude, want.dtype, tolerance);
    double error = std::fabs(is - should);
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (error <= bound || (!worst.empty() && error - bound <= excess)) return;
    excess = error - bound;
    worst = join_text("element ", index, " is ", is, ", not ", should, " (off by ", error,
                      ", allowed ", bound, ")");
  });
  return worst;
}

uint64_t hash_of(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

Random::Random(const std::string& id) : engine_(hash_of(id)) {}

int64_t Random::integer(int64_t low, int64_t high) {
  const auto count = static_cast<uint64_t>(high - low) + 1;
  return low + static_cast<int64_t>(engine_() % count);
}

Array Random::array(const Shape& sizes, DType dtype, double low, double high) {
  Array result(sizes, dtype);
  const auto [least, greatest] = range_of(dtype);
  for (double& value : result.values) {
    if (is_floating_point(dtype)) {
      const double unit = static_cast<double>(engine_() >> 11) * 0x1p-53;
      value = rounded(low + unit * (high - low), dtype);
    } else {
      value = static_cast<double>(integer(static_cast<int64_t>(std::ceil(std::max(low, least))),
                                          static_cast<int64_t>(std::min(high, greatest))));
    }
  }
  return result;
}

}  // namespace tenon::ops_test
