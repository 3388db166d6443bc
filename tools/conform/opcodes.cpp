#include "opcodes.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace tenon::conform {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr Opcode kOpcodes[] = {
    {"ADD", TN_PROGRAM_ADD, 2, "FI", 0},        {"SUB", TN_PROGRAM_SUB, 2, "FI", 0},
    {"MUL", TN_PROGRAM_MUL, 2, "FI", 0},        {"DIV", TN_PROGRAM_DIV, 2, "FI", 0},
    {"REM", TN_PROGRAM_REM, 2, "FI", 0},        {"POW", TN_PROGRAM_POW, 2, "FI", 8},
    {"MIN", TN_PROGRAM_MIN, 2, "FIB", 0},       {"MAX", TN_PROGRAM_MAX, 2, "FIB", 0},
    {"ATAN2", TN_PROGRAM_ATAN2, 2, "F", 4},     {"FMA", TN_PROGRAM_FMA, 3, "F", 0},
    {"AND", TN_PROGRAM_AND, 2, "IB", 0},        {"OR", TN_PROGRAM_OR, 2, "IB", 0},
    {"XOR", TN_PROGRAM_XOR, 2, "IB", 0},        {"NOT", TN_PROGRAM_NOT, 1, "IB", 0},
    {"SHL", TN_PROGRAM_SHL, 2, "I", 0},         {"SHR", TN_PROGRAM_SHR, 2, "I", 0},
    {"EQ", TN_PROGRAM_EQ, 2, "FIB", 0},         {"NE", TN_PROGRAM_NE, 2, "FIB", 0},
    {"LT", TN_PROGRAM_LT, 2, "FIB", 0},         {"LE", TN_PROGRAM_LE, 2, "FIB", 0},
    {"GT", TN_PROGRAM_GT, 2, "FIB", 0},         {"GE", TN_PROGRAM_GE, 2, "FIB", 0},
    {"ISNAN", TN_PROGRAM_ISNAN, 1, "F", 0},     {"COPY", TN_PROGRAM_COPY, 1, "FIB", 0},
    {"NEG", TN_PROGRAM_NEG, 1, "FI", 0},        {"ABS", TN_PROGRAM_ABS, 1, "FI", 0},
    {"SIGN", TN_PROGRAM_SIGN, 1, "FI", 0},      {"FLOOR", TN_PROGRAM_FLOOR, 1, "FI", 0},
    {"CEIL", TN_PROGRAM_CEIL, 1, "FI", 0},      {"TRUNC", TN_PROGRAM_TRUNC, 1, "FI", 0},
    {"ROUND", TN_PROGRAM_ROUND, 1, "FI", 0},    {"SQRT", TN_PROGRAM_SQRT, 1, "F", 0},
    {"RSQRT", TN_PROGRAM_RSQRT, 1, "F", 4},     {"RECIP", TN_PROGRAM_RECIP, 1, "F", 4},
    {"EXP", TN_PROGRAM_EXP, 1, "F", 4},         {"EXPM1", TN_PROGRAM_EXPM1, 1, "F", 4},
    {"LOG", TN_PROGRAM_LOG, 1, "F", 4},         {"LOG1P", TN_PROGRAM_LOG1P, 1, "F", 4},
    {"SIN", TN_PROGRAM_SIN, 1, "F", 4},         {"COS", TN_PROGRAM_COS, 1, "F", 4},
    {"TAN", TN_PROGRAM_TAN, 1, "F", 8},         {"ASIN", TN_PROGRAM_ASIN, 1, "F", 4},
    {"ACOS", TN_PROGRAM_ACOS, 1, "F", 4},       {"ATAN", TN_PROGRAM_ATAN, 1, "F", 4},
    {"SINH", TN_PROGRAM_SINH, 1, "F", 8},       {"COSH", TN_PROGRAM_COSH, 1, "F", 8},
    {"TANH", TN_PROGRAM_TANH, 1, "F", 4},       {"ASINH", TN_PROGRAM_ASINH, 1, "F", 8},
    {"ACOSH", TN_PROGRAM_ACOSH, 1, "F", 8},     {"ATANH", TN_PROGRAM_ATANH, 1, "F", 8},
    {"ERF", TN_PROGRAM_ERF, 1, "F", 4},         {"ERFC", TN_PROGRAM_ERFC, 1, "F", 8},
    {"SIGMOID", TN_PROGRAM_SIGMOID, 1, "F", 4}, {"LOG2", TN_PROGRAM_LOG2, 1, "F", 4},
    {"EXP2", TN_PROGRAM_EXP2, 1, "F", 4},       {"RELU", TN_PROGRAM_RELU, 1, "FI", 0},
};

bool is_periodic(const Opcode& op) {
  return op.code == TN_PROGRAM_SIN || op.code == TN_PROGRAM_COS || op.code == TN_PROGRAM_TAN;
}

}  // namespace

std::span<const Opcode> opcodes() { return kOpcodes; }

bool covers(const Opcode& op, uint32_t dtype) {
  const char kind = dtype == TN_DTYPE_BOOL ? 'B' : is_float(dtype) ? 'F' : 'I';
  return std::strchr(op.dtypes, kind) != nullptr;
}

bool gives_bool(const Opcode& op) {
  return op.code >= TN_PROGRAM_EQ && op.code <= TN_PROGRAM_ISNAN;
}

Bound bound_of(const Opcode& op, uint32_t dtype) {
  const bool half = dtype == TN_DTYPE_F16 || dtype == TN_DTYPE_BF16;
  const bool zero_is_free = op.code == TN_PROGRAM_MIN || op.code == TN_PROGRAM_MAX ||
                            op.code == TN_PROGRAM_SIGN || op.code == TN_PROGRAM_RELU;
  return {.ulps = half && op.ulps > 0 ? 1 : op.ulps, .zero_sign_is_free = zero_is_free};
}

std::vector<double> special_reals(uint32_t dtype) {
  std::vector<double> values = {0.0,  -0.0,  1.0,  -1.0, 0.5,     -0.5,    2.0,      -3.0,
                                kInf, -kInf, kNan, 2.5,  1e-3,    -7.25,   88.5,     -104.0,
                                6e-8, -6e-5, 10.0, 0.75, 65504.0, 1.0e-20, -1.0e-38, 3.0e38};
  if (dtype == TN_DTYPE_F64) values.insert(values.end(), {1e-310, -1e300, 1e308, 709.5, -745.0});
  return values;
}

std::vector<int64_t> special_wholes(uint32_t dtype) {
  if (dtype == TN_DTYPE_BOOL) return {0, 1};
  std::vector<int64_t> values = {0, 1, -1, 2, -2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, -128, 255};
  const int64_t bits = 8 * dtype_size(dtype);
  if (dtype != TN_DTYPE_U8) {
    const int64_t high = bits == 64 ? std::numeric_limits<int64_t>::max() : (1LL << (bits - 1)) - 1;
    values.insert(values.end(), {high, -high, -high - 1, high - 1});
  }
  return values;
}

void fill_operand(Array& a, const Opcode& op, uint32_t which, Random& random) {
  const std::vector<double> reals = special_reals(a.dtype);
  const std::vector<int64_t> wholes = special_wholes(a.dtype);
  const size_t specials = is_float(a.dtype) ? reals.size() : wholes.size();
  const int64_t count = a.count();
  for (int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<size_t>(i);
    const bool special = k < specials * specials;
    const size_t pick = which == 0   ? k % specials
                        : which == 1 ? k / specials % specials
                                     : (k / 3) % specials;
    if (is_float(a.dtype)) {
      double value = special ? reals[pick] : random.real(-1, 1) * std::exp2(random.real(-8, 8));
      // PROGRAM.md bounds these only for |x| <= 2^20.
      if (is_periodic(op) && std::isfinite(value) && std::fabs(value) > 0x1p20) value = 0.25;
      a.set_real(i, value);
    } else {
      const auto word = static_cast<int64_t>(random.word()) >> random.below(63);
      a.set_whole(i, special ? wholes[pick] : a.dtype == TN_DTYPE_BOOL ? word & 1 : word);
    }
  }
}

}  // namespace tenon::conform
