#include <tenon/runtime/scalar.h>

#include <limits>

namespace tenon {

int64_t Scalar::to_int64() const noexcept {
  if (!is_double()) return integer_;
  if (double_ != double_) return 0;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (double_ >= kLimit) return std::numeric_limits<int64_t>::max();
  if (double_ < -kLimit) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(double_);
}

}  // namespace tenon
