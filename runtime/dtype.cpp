#include <tenon/runtime/dtype.h>

#include <atomic>
#include <cmath>

namespace tenon {
namespace {

struct Names {
  DType dtype;
  std::string_view name, word;
};
constexpr Names kNames[] = {
    {DType::kBool, "bool", "Bool"},         {DType::kUInt8, "uint8", "Byte"},
    {DType::kInt8, "int8", "Char"},         {DType::kInt16, "int16", "Short"},
    {DType::kInt32, "int32", "Int"},        {DType::kInt64, "int64", "Long"},
    {DType::kFloat16, "float16", "Half"},   {DType::kBFloat16, "bfloat16", "BFloat16"},
    {DType::kFloat32, "float32", "Float"},  {DType::kFloat64, "float64", "Double"},
};

std::atomic<DType> default_float{DType::kFloat32};

// Rounds a finite or infinite double to a binary format with `mantissa` explicit bits, exponent
// bias `bias` and 16 bits in all: once, half to even, with gradual underflow.
uint16_t round_to_16(double value, int mantissa, int bias) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const int exponent_bits = 15 - mantissa;
  const auto infinity = static_cast<uint16_t>(((1 << exponent_bits) - 1) << mantissa);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | infinity | (1 << (mantissa - 1)));
  const double magnitude = std::fabs(value);
  if (magnitude == 0) return sign;
  if (std::isinf(magnitude)) return static_cast<uint16_t>(sign | infinity);
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude in [2^(exponent-1), 2^exponent)
  const int lowest = 1 - bias;       // exponent of the least normal number
  const int unit = (exponent - 1 < lowest ? lowest : exponent - 1) - mantissa;
  const double scaled = std::nearbyint(std::ldexp(magnitude, -unit));
  const double rounded = std::ldexp(scaled, unit);
  if (rounded >= std::ldexp(1.0, bias + 1)) return static_cast<uint16_t>(sign | infinity);
  // In units of 2^unit the encoding of positive numbers is linear within and across binades.
  const int binade = unit + mantissa - lowest;  // 0 for subnormal and least normal
  const auto bits = static_cast<int64_t>(scaled) + (static_cast<int64_t>(binade) << mantissa);
  return static_cast<uint16_t>(sign | static_cast<uint16_t>(bits));
}

}  // namespace

Half::Half(double value) : bits(round_to_16(value, 10, 15)) {}
Half::Half(float value) : Half(static_cast<double>(value)) {}
BFloat16::BFloat16(double value) : bits(round_to_16(value, 7, 127)) {}
BFloat16::BFloat16(float value) {
  const auto raw = std::bit_cast<uint32_t>(value);
  if ((raw & 0x7fffffffu) > 0x7f800000u) bits = static_cast<uint16_t>(raw >> 16 | 0x40u);
  else bits = static_cast<uint16_t>((raw + 0x7fffu + (raw >> 16 & 1u)) >> 16);
}

Half::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = bits >> 10 & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

std::string_view name(DType dtype) noexcept {
  for (const Names& row : kNames)
    if (row.dtype == dtype) return row.name;
  return "unknown";
}

std::string_view type_word(DType dtype) noexcept {
  for (const Names& row : kNames)
    if (row.dtype == dtype) return row.word;
  return "Unknown";
}

DType parse_dtype(std::string_view text) {
  std::string known;
  for (const Names& row : kNames) {
    if (row.name == text) return row.dtype;
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  fail(ErrorCode::kInvalidArgument, "dtype", "expected one of ", known, ", got '", text, "'");
}

DType promote(DType a, DType b) noexcept {
  if (a == b) return a;
  if (a > b) std::swap(a, b);  // the order of the enumerators is the order of widening …
  if (a == DType::kUInt8 && b == DType::kInt8) return DType::kInt16;  // … but for these two pairs
  if (a == DType::kFloat16 && b == DType::kBFloat16) return DType::kFloat32;
  return b;
}

DType default_dtype() noexcept { return default_float.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
  check(is_floating_point(dtype), ErrorCode::kDType, "set_default_dtype",
        "a floating point dtype was expected, got ", dtype);
  default_float.store(dtype, std::memory_order_relaxed);
}

}  // namespace tenon
