// Element types. The numbers equal TN_DTYPE_* of the plugin ABI.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <tenon/runtime/error.h>
#include <tenon/runtime/export.h>

namespace tenon {

enum class DType : uint8_t {
  kBool = 1,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
};

inline constexpr DType kBool = DType::kBool;
inline constexpr DType kUInt8 = DType::kUInt8;
inline constexpr DType kInt8 = DType::kInt8;
inline constexpr DType kInt16 = DType::kInt16;
inline constexpr DType kInt32 = DType::kInt32;
inline constexpr DType kInt64 = DType::kInt64;
inline constexpr DType kFloat16 = DType::kFloat16;
inline constexpr DType kBFloat16 = DType::kBFloat16;
inline constexpr DType kFloat32 = DType::kFloat32;
inline constexpr DType kFloat64 = DType::kFloat64;

inline constexpr DType kAllDTypes[] = {kBool,  kUInt8,   kInt8,     kInt16,   kInt32,
                                       kInt64, kFloat16, kBFloat16, kFloat32, kFloat64};

// IEEE binary16 and the upper half of binary32, for storage; arithmetic goes through float.
struct Half {
  uint16_t bits = 0;
  Half() = default;
  TENON_API explicit Half(float value);
  TENON_API explicit Half(double value);
  TENON_API operator float() const;
};
struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  TENON_API explicit BFloat16(float value);
  TENON_API explicit BFloat16(double value);
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

inline constexpr int8_t kSizesOfDTypes[] = {0, 1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
[[nodiscard]] constexpr int64_t size_bytes(DType dtype) noexcept {
  return kSizesOfDTypes[static_cast<uint8_t>(dtype)];
}
[[nodiscard]] constexpr bool is_floating_point(DType dtype) noexcept {
  return dtype >= DType::kFloat16;
}
[[nodiscard]] constexpr bool is_integral(DType dtype) noexcept {
  return dtype >= DType::kUInt8 && dtype <= DType::kInt64;
}
// "float32", "int64", "bool", …
[[nodiscard]] TENON_API std::string_view name(DType dtype) noexcept;
// PyTorch's tensor type word used in error texts: "Float", "Long", …
[[nodiscard]] TENON_API std::string_view type_word(DType dtype) noexcept;
// Inverse of name(). Errors: InvalidArgument, with the list of names.
[[nodiscard]] TENON_API DType parse_dtype(std::string_view text);
inline void append_text(std::string& text, DType dtype) { text += name(dtype); }

// The smallest dtype that both convert to, by PyTorch's promotion table.
[[nodiscard]] TENON_API DType promote(DType a, DType b) noexcept;
// Whether results of `from` may be stored as `to` (float → integer may not).
[[nodiscard]] constexpr bool can_cast(DType from, DType to) noexcept {
  const auto rank = [](DType d) { return is_floating_point(d) ? 2 : d == DType::kBool ? 0 : 1; };
  return rank(from) <= rank(to);
}
// dtype of float results made from integers and of new tensors (float32 unless set).
[[nodiscard]] TENON_API DType default_dtype() noexcept;
TENON_API void set_default_dtype(DType dtype);

template <class T>
inline constexpr bool always_false = false;

// DType of a C++ type.
template <class T>
[[nodiscard]] constexpr DType dtype_of() noexcept {
  if constexpr (std::is_same_v<T, bool>) return DType::kBool;
  else if constexpr (std::is_same_v<T, uint8_t>) return DType::kUInt8;
  else if constexpr (std::is_same_v<T, int8_t>) return DType::kInt8;
  else if constexpr (std::is_same_v<T, int16_t>) return DType::kInt16;
  else if constexpr (std::is_same_v<T, int32_t>) return DType::kInt32;
  else if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, long long>) return DType::kInt64;
  else if constexpr (std::is_same_v<T, Half>) return DType::kFloat16;
  else if constexpr (std::is_same_v<T, BFloat16>) return DType::kBFloat16;
  else if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
  else if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
  else static_assert(always_false<T>, "no tenon dtype for this type");
}

// Calls f with a value of the C++ type of `dtype`: visit(dtype, [&]<class T>(T) { … }).
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kBool: return f(bool{});
    case DType::kUInt8: return f(uint8_t{});
    case DType::kInt8: return f(int8_t{});
    case DType::kInt16: return f(int16_t{});
    case DType::kInt32: return f(int32_t{});
    case DType::kInt64: return f(int64_t{});
    case DType::kFloat16: return f(Half{});
    case DType::kBFloat16: return f(BFloat16{});
    case DType::kFloat32: return f(float{});
    case DType::kFloat64: break;
  }
  return f(double{});
}

}  // namespace tenon
