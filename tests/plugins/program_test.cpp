// Every opcode in every dtype against the oracle, within the bounds of PROGRAM.md section 4.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "plugin_host.h"

namespace tenon::plugin_test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Opcode {
  const char* name;
  uint32_t code;
  uint32_t operands;
  const char* dtypes;  // F floats, I integers, B bool
  int64_t ulps;        // of f32 and f64
};

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

bool covers(const Opcode& op, uint32_t dtype) {
  const char kind = dtype == TN_DTYPE_BOOL ? 'B' : is_float(dtype) ? 'F' : 'I';
  return std::string(op.dtypes).find(kind) != std::string::npos;
}

// Zero of either sign may come out.
bool zero_sign_is_free(uint32_t code) {
  return code == TN_PROGRAM_MIN || code == TN_PROGRAM_MAX || code == TN_PROGRAM_SIGN ||
         code == TN_PROGRAM_RELU;
}

// PROGRAM.md bounds these only for |x| <= 2^20.
bool is_periodic(uint32_t code) {
  return code == TN_PROGRAM_SIN || code == TN_PROGRAM_COS || code == TN_PROGRAM_TAN;
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

// Operand `which` of `count`: all pairs of special values, then random ones.
Array operand(uint32_t dtype, uint32_t which, int64_t count, std::mt19937_64& random) {
  Array a = dense(dtype, {count});
  const auto reals = special_reals(dtype);
  const auto wholes = special_wholes(dtype);
  const size_t specials = is_float(dtype) ? reals.size() : wholes.size();
  std::uniform_real_distribution<double> mantissa(-1.0, 1.0), exponent(-8.0, 8.0);
  for (int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<size_t>(i);
    const bool special = k < specials * specials;
    const size_t pick = which == 0   ? k % specials
                        : which == 1 ? k / specials % specials
                                     : (k / 3) % specials;
    if (is_float(dtype)) {
      a.set_real(i, special ? reals[pick] : mantissa(random) * std::exp2(exponent(random)));
    } else {
      const auto word = static_cast<int64_t>(random()) >> (random() % 63);
      a.set_whole(i, special ? wholes[pick] : dtype == TN_DTYPE_BOOL ? word & 1 : word);
    }
  }
  return a;
}

void keep_in_range(Array& a) {
  for (int64_t i = 0; i < a.count(); ++i) {
    if (std::fabs(a.real(i)) > 0x1p20 && !std::isinf(a.real(i))) a.set_real(i, 0.25);
  }
}

void expect_close(const Opcode& op, uint32_t dtype, const Call& call, const Array& expected,
                  const Array& got) {
  const bool half = dtype == TN_DTYPE_F16 || dtype == TN_DTYPE_BF16;
  const int64_t ulps = half && op.ulps > 0 ? 1 : op.ulps;
  int failures = 0;
  for (int64_t i = 0; i < expected.count() && failures < 5; ++i) {
    bool same = false;
    if (is_float(expected.dtype)) {
      const double a = expected.real(i), b = got.real(i);
      const bool signs =
          a != 0 || b != 0 || std::signbit(a) == std::signbit(b) || zero_sign_is_free(op.code);
      same = ulp_distance(expected.dtype, a, b) <= ulps && signs;
    } else {
      same = expected.whole(i) == got.whole(i);
    }
    if (same) continue;
    ++failures;
    std::string inputs;
    for (const Array& a : call.inputs) {
      inputs += " " + (is_float(a.dtype) ? std::to_string(a.real(i)) : std::to_string(a.whole(i)));
    }
    ADD_FAILURE() << op.name << " " << dtype_name(dtype) << " of" << inputs << ": expected "
                  << expected.real(i) << ", got " << got.real(i);
  }
}

void check_opcode(PluginHost& device, PluginHost& oracle, const Opcode& op, uint32_t dtype) {
  std::mt19937_64 random(op.code * 31 + dtype);
  constexpr int64_t kCount = 1600;
  const bool compares = op.code >= TN_PROGRAM_EQ && op.code <= TN_PROGRAM_ISNAN;
  ProgramText text;
  text.inputs = op.operands;
  text.outputs = {text.add(op.code, dtype, 0, op.operands > 1 ? 1 : 0, op.operands > 2 ? 2 : 0)};
  Call call{TN_OP_PROGRAM, {dense(compares ? TN_DTYPE_BOOL : dtype, {kCount})}, {}, {}, {}, &text};
  for (uint32_t i = 0; i < op.operands; ++i) {
    call.inputs.push_back(operand(dtype, i, kCount, random));
    if (is_periodic(op.code)) keep_in_range(call.inputs.back());
  }
  const Outcome expected = run(oracle, call), got = run(device, call);
  ASSERT_EQ(expected.status, TN_OK) << op.name << ": " << expected.text;
  ASSERT_EQ(got.status, TN_OK) << op.name << ": " << got.text;
  expect_close(op, dtype, call, expected.outputs[0], got.outputs[0]);
}

class ProgramDtype : public testing::TestWithParam<uint32_t> {};

TEST_P(ProgramDtype, EveryOpcodeAgreesWithTheOracle) {
  PluginHost device(device_under_test()), oracle("reference");
  const uint32_t dtype = GetParam();
  if ((device.info.compute_dtypes >> dtype & 1) == 0) GTEST_SKIP() << "not computed here";
  for (const Opcode& op : kOpcodes) {
    if (covers(op, dtype)) check_opcode(device, oracle, op, dtype);
  }
}

TEST_P(ProgramDtype, WhereTakesOneSideUntouched) {
  PluginHost device(device_under_test());
  const uint32_t dtype = GetParam();
  ProgramText text{.inputs = 3};
  text.outputs = {text.add(TN_PROGRAM_WHERE, dtype, 0, 1, 2)};
  Call call{TN_OP_PROGRAM, {dense(dtype, {4})}, {}, {}, {}, &text};
  call.inputs = {of_wholes(TN_DTYPE_BOOL, {4}, {1, 0, 1, 0}), of_wholes(dtype, {4}, {1, 1, 0, 0}),
                 of_wholes(dtype, {4}, {0, 0, 1, 1})};
  const Outcome out = run(device, call);
  ASSERT_EQ(out.status, TN_OK) << out.text;
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(out.outputs[0].whole(i), i == 0 || i == 3) << i;
}

// CAST between any two dtypes, as an instruction and as the operator "copy".
TEST_P(ProgramDtype, CastsAgreeWithTheOracle) {
  PluginHost device(device_under_test()), oracle("reference");
  std::mt19937_64 random(GetParam());
  for (uint32_t to = TN_DTYPE_BOOL; to < TN_DTYPE_COUNT; ++to) {
    const Opcode cast{"CAST", TN_PROGRAM_CAST, 1, "FIB", 0};
    ProgramText text{.inputs = 1};
    text.outputs = {text.add(TN_PROGRAM_CAST, to)};
    Call call{TN_OP_PROGRAM, {dense(to, {1600})}, {operand(GetParam(), 0, 1600, random)}, {}, {},
              &text};
    const Outcome expected = run(oracle, call), got = run(device, call);
    ASSERT_EQ(got.status, TN_OK) << got.text;
    expect_close(cast, to, call, expected.outputs[0], got.outputs[0]);
    call.op = TN_OP_COPY;
    call.program = nullptr;
    expect_close(cast, to, call, expected.outputs[0], run(device, call).outputs[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ProgramDtype, testing::Range(TN_DTYPE_BOOL, TN_DTYPE_COUNT),
                         [](const auto& param) { return std::string(dtype_name(param.param)); });

// ---- casts whose answer stands in PROGRAM.md ---------------------------------------------------

std::vector<int64_t> cast_reals(uint32_t from, uint32_t to, const std::vector<double>& values) {
  PluginHost device(device_under_test());
  const auto n = static_cast<int64_t>(values.size());
  const Outcome out =
      run(device, {TN_OP_COPY, {dense(to, {n})}, {of_reals(from, {n}, values)}, {}, {}, nullptr});
  std::vector<int64_t> result;
  for (int64_t i = 0; i < n; ++i) result.push_back(out.outputs[0].whole(i));
  return result;
}

TEST(ProgramCast, FloatsAreClampedAndTruncated) {
  using Wholes = std::vector<int64_t>;
  const std::vector<double> values = {-1.0, 300.0, kNan, 2.9, -2.9, kInf, -kInf};
  EXPECT_EQ(cast_reals(TN_DTYPE_F32, TN_DTYPE_U8, values), (Wholes{0, 255, 0, 2, 0, 255, 0}));
  EXPECT_EQ(cast_reals(TN_DTYPE_F64, TN_DTYPE_I8, values), (Wholes{-1, 127, 0, 2, -2, 127, -128}));
  EXPECT_EQ(cast_reals(TN_DTYPE_F32, TN_DTYPE_BOOL, values), (Wholes{1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(cast_reals(TN_DTYPE_F32, TN_DTYPE_I64, {kInf, -kInf, 9.3e18}),
            (Wholes{INT64_MAX, INT64_MIN, INT64_MAX}));
  EXPECT_EQ(cast_reals(TN_DTYPE_F16, TN_DTYPE_I32, {65504.0, -0.0, kInf}),
            (Wholes{65504, 0, INT32_MAX}));
}

TEST(ProgramCast, DoublesRoundOnceToHalves) {
  PluginHost device(device_under_test());
  // Just above the middle of two halves; in f32 it would fall on the middle, and then down.
  const double above = 1.0 + 0x1p-11 + 0x1p-40, below = 1.0 + 3 * 0x1p-11 - 0x1p-40;
  Call call{
      TN_OP_COPY, {dense(TN_DTYPE_F16, {2})}, {of_reals(TN_DTYPE_F64, {2}, {above, below})}, {}, {},
      nullptr};
  Outcome out = run(device, call);
  EXPECT_EQ(out.outputs[0].real(0), 1.0 + 0x1p-10);
  EXPECT_EQ(out.outputs[0].real(1), 1.0 + 0x1p-10);
  call.outputs = {dense(TN_DTYPE_BF16, {1})};
  call.inputs = {of_reals(TN_DTYPE_F64, {1}, {1.0 + 0x1p-8 + 0x1p-40})};
  EXPECT_EQ(run(device, call).outputs[0].real(0), 1.0 + 0x1p-7);
}

TEST(ProgramCast, BigIntegersRoundOnceToFloats) {
  PluginHost device(device_under_test());
  const int64_t odd = (int64_t{1} << 62) + (int64_t{1} << 54) + 1;  // above a middle of bf16
  Call call{TN_OP_COPY, {dense(TN_DTYPE_BF16, {1})}, {of_wholes(TN_DTYPE_I64, {1}, {odd})}, {}, {},
            nullptr};
  EXPECT_EQ(run(device, call).outputs[0].real(0), 0x1p62 + 0x1p55);
  call.outputs = {dense(TN_DTYPE_F32, {1})};
  call.inputs = {of_wholes(TN_DTYPE_I64, {1}, {(int64_t{1} << 62) + (int64_t{1} << 38) + 1})};
  EXPECT_EQ(run(device, call).outputs[0].real(0), 0x1p62 + 0x1p39);
}

// ---- programs ----------------------------------------------------------------------------------

// As PROGRAM.md has it: C leaves all of these open.
TEST(Program, ShiftsOutsideOfTheWidthAreDefined) {
  PluginHost device(device_under_test());
  const auto shifted = [&](uint32_t code, uint32_t dtype, const std::vector<int64_t>& values,
                           const std::vector<int64_t>& by) {
    const auto n = static_cast<int64_t>(values.size());
    ProgramText text{.inputs = 2};
    text.outputs = {text.add(code, dtype, 0, 1)};
    Call call{TN_OP_PROGRAM, {dense(dtype, {n})}, {}, {}, {}, &text};
    call.inputs = {of_wholes(dtype, {n}, values), of_wholes(dtype, {n}, by)};
    const Outcome out = run(device, call);
    EXPECT_EQ(out.status, TN_OK) << out.text;
    std::vector<int64_t> result;
    for (int64_t i = 0; i < n; ++i) result.push_back(out.outputs[0].whole(i));
    return result;
  };
  using Wholes = std::vector<int64_t>;
  for (const uint32_t dtype : {TN_DTYPE_I8, TN_DTYPE_I16, TN_DTYPE_I32, TN_DTYPE_I64}) {
    if ((device.info.compute_dtypes >> dtype & 1) == 0) continue;
    const int64_t width = 8 * dtype_size(dtype);
    const Wholes values = {5, -5, 5, -5, 5, -5, -5}, by = {width, width, 127, 127, -1, -1, 1};
    EXPECT_EQ(shifted(TN_PROGRAM_SHR, dtype, values, by), (Wholes{0, -1, 0, -1, 0, 0, -3}));
    EXPECT_EQ(shifted(TN_PROGRAM_SHL, dtype, values, by), (Wholes{0, 0, 0, 0, 0, 0, -10}));
  }
  if ((device.info.compute_dtypes >> TN_DTYPE_U8 & 1) == 0) return;
  EXPECT_EQ(shifted(TN_PROGRAM_SHR, TN_DTYPE_U8, {255, 255, 255}, {8, 255, 7}), (Wholes{0, 0, 1}));
  EXPECT_EQ(shifted(TN_PROGRAM_SHL, TN_DTYPE_U8, {255, 255, 255}, {8, 255, 7}),
            (Wholes{0, 0, 128}));
}

TEST(Program, ScalarsComeAtLaunchAndAreCast) {
  PluginHost device(device_under_test());
  ProgramText text{.inputs = 1, .scalar_dtypes = {TN_DTYPE_F32}};
  text.outputs = {text.add(TN_PROGRAM_MUL, TN_DTYPE_F32, 0, 1)};
  Call call{TN_OP_PROGRAM,
            {dense(TN_DTYPE_F32, {3})},
            {of_reals(TN_DTYPE_F32, {3}, {1, 2, 4})},
            {},
            {slot(0.1)},
            &text};
  const Outcome out = run(device, call);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(out.outputs[0].real(i), 0.1f * float(1 << i));
}

TEST(Program, IndexCountsRowMajorWhateverTheStrides) {
  PluginHost device(device_under_test());
  ProgramText text;
  text.outputs = {text.add(TN_PROGRAM_INDEX, TN_DTYPE_I64)};
  const Outcome out =
      run(device, {TN_OP_PROGRAM, {strided(TN_DTYPE_I64, {7, 40}, {1, 7}, 3)}, {}, {}, {}, &text});
  ASSERT_EQ(out.status, TN_OK) << out.text;
  for (int64_t i = 0; i < 280; ++i) EXPECT_EQ(out.outputs[0].whole(i), i);
}

TEST(Program, HalvesRoundAtEachInstruction) {
  PluginHost device(device_under_test());
  ProgramText text{.inputs = 2};
  const uint32_t sum = text.add(TN_PROGRAM_ADD, TN_DTYPE_F16, 0, 1);
  text.outputs = {text.add(TN_PROGRAM_SUB, TN_DTYPE_F16, sum, 0)};
  const Outcome out =
      run(device, {TN_OP_PROGRAM,
                   {dense(TN_DTYPE_F16, {1})},
                   {of_reals(TN_DTYPE_F16, {1}, {2048}), of_reals(TN_DTYPE_F16, {1}, {1})},
                   {},
                   {},
                   &text});
  ASSERT_EQ(out.status, TN_OK) << out.text;
  EXPECT_EQ(out.outputs[0].real(0), 0.0);  // 2049 is no half
}

TEST(Program, RefusalsSayWhy) {
  PluginHost device(device_under_test());
  ProgramText unknown{.inputs = 1};
  unknown.outputs = {unknown.add(4000, TN_DTYPE_F32)};
  ProgramText mixed{.inputs = 2};
  mixed.outputs = {mixed.add(TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 1)};
  ProgramText later{.inputs = 2};
  later.outputs = {later.add(TN_PROGRAM_ADD, TN_DTYPE_F32, 0, 9)};
  for (const ProgramText* text : {&unknown, &mixed, &later}) {
    Call call{TN_OP_PROGRAM, {dense(TN_DTYPE_F32, {2})}, {dense(TN_DTYPE_F32, {2})}, {}, {}, text};
    if (text->inputs == 2) call.inputs.push_back(dense(TN_DTYPE_I64, {2}));
    const Outcome out = run(device, call);
    EXPECT_EQ(out.status, TN_UNSUPPORTED);
    EXPECT_NE(out.text, "");
  }
}

// ---- tails -------------------------------------------------------------------------------------

TEST(ProgramTail, HasTheBitsOfReduce) {
  PluginHost device(device_under_test());
  if (device.info.program_tail == 0) GTEST_SKIP() << "no tails on this device";
  std::mt19937_64 random(5);
  for (uint32_t dtype = TN_DTYPE_U8; dtype < TN_DTYPE_COUNT; ++dtype) {
    for (uint32_t kind : {TN_REDUCE_SUM, TN_REDUCE_PROD, TN_REDUCE_MAX, TN_REDUCE_MIN}) {
      for (uint32_t dims : {1u, 2u, 5u, 7u}) {
        Array in = dense(dtype, {9, 40, 33});
        for (int64_t i = 0; i < in.count(); ++i) {
          in.set_real(i, static_cast<double>(random() % 1000) / 300 + 0.1);
        }
        std::vector<int64_t> shape = in.shape;
        for (size_t d = 0; d < 3; ++d) {
          if ((dims >> d & 1) != 0) shape[d] = 1;
        }
        ProgramText text{.inputs = 1};
        text.outputs = {text.add(TN_PROGRAM_MUL, dtype)};
        Call map{TN_OP_PROGRAM, {dense(dtype, in.shape)}, {in}, {}, {}, &text};
        const Array mapped = run(device, map).outputs[0];
        const Outcome reduced =
            run(device, {TN_OP_REDUCE, {dense(dtype, shape)}, {mapped}, {kind, dims}, {}, nullptr});
        text.tail = kind;
        text.tail_dims = dims;
        map.outputs = {dense(dtype, shape)};
        const Outcome fused = run(device, map);
        ASSERT_EQ(fused.status, TN_OK) << fused.text;
        EXPECT_EQ(fused.outputs[0].bytes, reduced.outputs[0].bytes)
            << dtype_name(dtype) << " kind " << kind << " dims " << dims;
      }
    }
  }
}

}  // namespace
}  // namespace tenon::plugin_test
