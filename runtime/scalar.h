// A number of the host: bool, integer or double. As an operand it is a "wrapped number": it does
// not promote a tensor's dtype within its category and adds no edge to the graph.
#pragma once

#include <concepts>
#include <cstdint>

#include <tenon/runtime/dtype.h>

namespace tenon {

class Scalar {
 public:
  constexpr Scalar() noexcept : Scalar(int64_t{0}) {}
  constexpr Scalar(bool value) noexcept : dtype_(DType::kBool), integer_(value) {}
  template <std::integral T>
  constexpr Scalar(T value) noexcept
      : dtype_(DType::kInt64), integer_(static_cast<int64_t>(value)) {}
  template <std::floating_point T>
  constexpr Scalar(T value) noexcept
      : dtype_(DType::kFloat64), double_(static_cast<double>(value)) {}

  // kBool, kInt64 or kFloat64.
  [[nodiscard]] constexpr DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] constexpr bool is_double() const noexcept { return dtype_ == DType::kFloat64; }
  [[nodiscard]] constexpr double to_double() const noexcept {
    return is_double() ? double_ : static_cast<double>(integer_);
  }
  // Truncates as the ABI's CAST does (NaN is 0, out of range is clamped).
  [[nodiscard]] TENON_API int64_t to_int64() const noexcept;
  [[nodiscard]] constexpr bool to_bool() const noexcept {
    return is_double() ? double_ != 0.0 : integer_ != 0;
  }
  template <class T>
  [[nodiscard]] T to() const noexcept {
    if constexpr (std::is_same_v<T, bool>) return to_bool();
    else if constexpr (std::is_integral_v<T>) return static_cast<T>(to_int64());
    else return static_cast<T>(to_double());
  }
  // The 8-byte launch slot for a value of `dtype`: a double for floats, an int64 for the rest.
  [[nodiscard]] uint64_t slot(DType dtype) const noexcept {
    return is_floating_point(dtype) ? std::bit_cast<uint64_t>(to_double())
                                    : std::bit_cast<uint64_t>(to_int64());
  }

 private:
  DType dtype_;
  union {
    int64_t integer_;
    double double_;
  };
};

inline void append_text(std::string& text, const Scalar& value) {
  if (value.is_double()) append_text(text, value.to_double());
  else if (value.dtype() == DType::kBool) append_text(text, value.to_bool());
  else append_text(text, value.to_int64());
}

}  // namespace tenon
