#include "golden/formula.h"

#include <tenon/runtime/ops/creation.h>

namespace tenon::golden {

uint32_t seed_of(std::string_view text) {
  uint32_t crc = ~0u;
  for (const char c : text) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

Tensor tensor_of(const std::vector<double>& values, const Shape& sizes, DType dtype) {
  const Device host("cpu");
  return tensor(std::span<const double>(values), sizes, host).to(dtype).to(default_device());
}

Tensor tensor_of(uint32_t seed, const Shape& sizes, DType dtype, double lo, double hi) {
  std::vector<double> values;
  for (int64_t n = 0; n < sizes.numel(); ++n) {
    const auto i = static_cast<uint32_t>(n);
    values.push_back(is_floating_point(dtype)
                         ? real(seed, i, lo, hi)
                         : static_cast<double>(integer(seed, i, static_cast<int64_t>(lo),
                                                       static_cast<int64_t>(hi))));
  }
  return tensor_of(values, sizes, dtype);
}

}  // namespace tenon::golden
