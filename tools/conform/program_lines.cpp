// Values that stand in PROGRAM.md, without asking the oracle: integer corners, NaN, ties, casts,
// roundings of 16-bit floats.
#include <cmath>
#include <limits>

#include "compare.h"
#include "program_cases.h"

namespace tenon::conform {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ---- integers ----------------------------------------------------------------------------------

struct WholeRow {
  const char* name;
  uint32_t code;
  int64_t a, b, expected;
};

int64_t greatest(uint32_t dtype) {
  if (dtype == TN_DTYPE_U8) return 255;
  const int64_t bits = 8 * dtype_size(dtype);
  return bits == 64 ? INT64_MAX : (int64_t{1} << (bits - 1)) - 1;
}
int64_t least(uint32_t dtype) { return dtype == TN_DTYPE_U8 ? 0 : -greatest(dtype) - 1; }

// Lines of the table that every integer dtype shares.
std::vector<WholeRow> whole_rows(uint32_t dtype) {
  const int64_t high = greatest(dtype), low = least(dtype), width = 8 * dtype_size(dtype);
  std::vector<WholeRow> rows = {
      {"add_wraps", TN_PROGRAM_ADD, high, 1, low},
      {"sub_wraps", TN_PROGRAM_SUB, low, 1, high},
      {"mul_wraps", TN_PROGRAM_MUL, high, 2, dtype == TN_DTYPE_U8 ? 254 : -2},
      {"div_by_zero", TN_PROGRAM_DIV, 7, 0, 0},
      {"div_truncates", TN_PROGRAM_DIV, 7, 2, 3},
      {"rem_by_zero", TN_PROGRAM_REM, 7, 0, 0},
      {"rem", TN_PROGRAM_REM, 7, 4, 3},
      {"pow", TN_PROGRAM_POW, 3, 4, 81},
      {"pow_of_zero", TN_PROGRAM_POW, 0, 0, 1},
      {"min", TN_PROGRAM_MIN, low, high, low},
      {"max", TN_PROGRAM_MAX, low, high, high},
      {"and", TN_PROGRAM_AND, 12, 10, 8},
      {"or", TN_PROGRAM_OR, 12, 10, 14},
      {"xor", TN_PROGRAM_XOR, 12, 10, 6},
      {"shl", TN_PROGRAM_SHL, 3, 2, 12},
      {"shl_by_width", TN_PROGRAM_SHL, 1, width, 0},
      {"shl_beyond", TN_PROGRAM_SHL, 1, width + 1, 0},
      {"shr", TN_PROGRAM_SHR, 12, 2, 3},
      {"shr_by_width", TN_PROGRAM_SHR, high, width, 0},
      {"sign", TN_PROGRAM_SIGN, high, 0, 1},
      {"sign_of_zero", TN_PROGRAM_SIGN, 0, 0, 0},
      {"floor", TN_PROGRAM_FLOOR, high, 0, high},
      {"round", TN_PROGRAM_ROUND, high, 0, high},
      {"relu", TN_PROGRAM_RELU, high, 0, high},
  };
  if (dtype == TN_DTYPE_U8) {
    rows.insert(rows.end(),
                {{"neg_wraps", TN_PROGRAM_NEG, 1, 0, 255}, {"not", TN_PROGRAM_NOT, 5, 0, 250}});
    return rows;
  }
  rows.insert(rows.end(), {{"div_of_least", TN_PROGRAM_DIV, low, -1, low},
                           {"div_toward_zero", TN_PROGRAM_DIV, -7, 2, -3},
                           {"rem_of_least", TN_PROGRAM_REM, low, -1, 0},
                           {"rem_of_minus", TN_PROGRAM_REM, -7, 4, -3},
                           {"pow_negative", TN_PROGRAM_POW, 2, -1, 0},
                           {"pow_of_one", TN_PROGRAM_POW, 1, -5, 1},
                           {"pow_of_minus_one", TN_PROGRAM_POW, -1, -5, -1},
                           {"pow_even_of_minus_one", TN_PROGRAM_POW, -1, -4, 1},
                           {"shl_negative", TN_PROGRAM_SHL, 1, -1, 0},
                           {"shr_of_minus", TN_PROGRAM_SHR, -8, 1, -4},
                           {"shr_of_minus_by_width", TN_PROGRAM_SHR, -8, width, -1},
                           {"neg_of_least", TN_PROGRAM_NEG, low, 0, low},
                           {"abs_of_least", TN_PROGRAM_ABS, low, 0, low},
                           {"abs", TN_PROGRAM_ABS, -5, 0, 5},
                           {"sign_of_minus", TN_PROGRAM_SIGN, low, 0, -1},
                           {"not", TN_PROGRAM_NOT, 5, 0, -6},
                           {"relu_of_minus", TN_PROGRAM_RELU, -5, 0, 0}});
  return rows;
}

bool takes_two(uint32_t code) {
  return code < TN_PROGRAM_NOT || (code > TN_PROGRAM_NOT && code <= TN_PROGRAM_GE);
}

// One instruction on operands of one dtype; answers output 0.
Array compute(Context& c, uint32_t code, uint32_t out_dtype, const std::vector<Array>& inputs) {
  PluginHost& host = c.subject();
  const uint32_t dtype = inputs.back().dtype;
  if (code != TN_PROGRAM_CAST && !host.computes(dtype))
    throw Skip("not a dtype the device computes");
  ProgramText text{.inputs = static_cast<uint32_t>(inputs.size())};
  text.outputs = {text.add(code, code == TN_PROGRAM_CAST ? out_dtype : dtype, 0,
                           inputs.size() > 1 ? 1 : 0, inputs.size() > 2 ? 2 : 0)};
  Call call{TN_OP_PROGRAM, {dense(out_dtype, inputs[0].shape)}, inputs};
  call.program = &text;
  Outcome out = run(host, call);
  require(out.status == TN_OK, out.step + " answered " + status_name(out.status) + ": " + out.text);
  require(out.damage.empty(), out.damage);
  return std::move(out.outputs[0]);
}

// At several places, since a kernel may treat the end of a range in its own way.
constexpr int64_t kCopies = 37;

void check_whole(Context& c, const WholeRow& row, uint32_t dtype) {
  std::vector<Array> inputs(takes_two(row.code) ? 2 : 1, dense(dtype, {kCopies}));
  for (int64_t i = 0; i < kCopies; ++i) {
    inputs[0].set_whole(i, row.a);
    if (inputs.size() > 1) inputs[1].set_whole(i, row.b);
  }
  const Array out = compute(c, row.code, dtype, inputs);
  for (int64_t i = 0; i < kCopies; ++i) {
    require(out.whole(i) == row.expected, "expected " + std::to_string(row.expected) +
                                              ", element " + std::to_string(i) + " is " +
                                              value_text(out, i));
  }
}

void add_wholes(Cases& cases) {
  for (const uint32_t dtype :
       {TN_DTYPE_U8, TN_DTYPE_I8, TN_DTYPE_I16, TN_DTYPE_I32, TN_DTYPE_I64}) {
    for (const WholeRow& row : whole_rows(dtype)) {
      cases.push_back({program_name("line", dtype_name(dtype), row.name),
                       [=](Context& c) { check_whole(c, row, dtype); }});
    }
  }
  const WholeRow bools[] = {{"min", TN_PROGRAM_MIN, 1, 0, 0},
                            {"max", TN_PROGRAM_MAX, 1, 0, 1},
                            {"and", TN_PROGRAM_AND, 1, 0, 0},
                            {"or", TN_PROGRAM_OR, 1, 0, 1},
                            {"xor", TN_PROGRAM_XOR, 1, 1, 0},
                            {"not", TN_PROGRAM_NOT, 1, 0, 0},
                            {"false_below_true", TN_PROGRAM_LT, 0, 1, 1}};
  for (const WholeRow& row : bools) {
    cases.push_back({program_name("line", "bool", row.name),
                     [=](Context& c) { check_whole(c, row, TN_DTYPE_BOOL); }});
  }
}

// ---- floats ------------------------------------------------------------------------------------

struct RealRow {
  const char* name;
  uint32_t code;
  double a, b, expected;  // comparisons: 0 or 1
};

constexpr RealRow kRealRows[] = {
    {"div_by_zero", TN_PROGRAM_DIV, 1, 0, kInf},
    {"div_of_zeros", TN_PROGRAM_DIV, 0, 0, kNan},
    {"rem_of_minus", TN_PROGRAM_REM, -7, 4, -3},
    {"rem_by_infinity", TN_PROGRAM_REM, 5, kInf, 5},
    {"rem_by_zero", TN_PROGRAM_REM, 5, 0, kNan},
    {"pow_to_zero", TN_PROGRAM_POW, kNan, 0, 1},
    {"pow_of_one", TN_PROGRAM_POW, 1, kNan, 1},
    {"pow_of_minus", TN_PROGRAM_POW, -8, 0.5, kNan},
    {"min_with_nan", TN_PROGRAM_MIN, kNan, 1, kNan},
    {"min_with_nan_second", TN_PROGRAM_MIN, 1, kNan, kNan},
    {"max_with_nan", TN_PROGRAM_MAX, kNan, 1, kNan},
    {"max_with_nan_second", TN_PROGRAM_MAX, 1, kNan, kNan},
    {"max_with_infinity", TN_PROGRAM_MAX, kInf, kNan, kNan},
    {"eq_of_nan", TN_PROGRAM_EQ, kNan, kNan, 0},
    {"ne_of_nan", TN_PROGRAM_NE, kNan, kNan, 1},
    {"lt_of_nan", TN_PROGRAM_LT, kNan, 1, 0},
    {"le_of_nan", TN_PROGRAM_LE, kNan, 1, 0},
    {"gt_of_nan", TN_PROGRAM_GT, 1, kNan, 0},
    {"ge_of_nan", TN_PROGRAM_GE, kNan, kNan, 0},
    {"eq_of_zeros", TN_PROGRAM_EQ, 0.0, -0.0, 1},
    {"isnan", TN_PROGRAM_ISNAN, kNan, 0, 1},
    {"isnan_of_infinity", TN_PROGRAM_ISNAN, kInf, 0, 0},
    {"abs_of_infinity", TN_PROGRAM_ABS, -kInf, 0, kInf},
    {"sign_of_nan", TN_PROGRAM_SIGN, kNan, 0, kNan},
    {"sign_of_minus", TN_PROGRAM_SIGN, -0.25, 0, -1},
    {"round_half_to_even", TN_PROGRAM_ROUND, 2.5, 0, 2},
    {"round_half_to_even_up", TN_PROGRAM_ROUND, 3.5, 0, 4},
    {"round_half_of_minus", TN_PROGRAM_ROUND, -2.5, 0, -2},
    {"floor_of_minus", TN_PROGRAM_FLOOR, -0.5, 0, -1},
    {"ceil", TN_PROGRAM_CEIL, 0.25, 0, 1},
    {"trunc_of_minus", TN_PROGRAM_TRUNC, -2.75, 0, -2},
    {"sqrt_of_minus", TN_PROGRAM_SQRT, -1, 0, kNan},
    {"log_of_zero", TN_PROGRAM_LOG, 0, 0, -kInf},
    {"log_of_minus", TN_PROGRAM_LOG, -1, 0, kNan},
    {"exp_of_minus_infinity", TN_PROGRAM_EXP, -kInf, 0, 0},
    {"tanh_of_infinity", TN_PROGRAM_TANH, kInf, 0, 1},
    {"erf_of_infinity", TN_PROGRAM_ERF, -kInf, 0, -1},
    {"sigmoid_of_infinity", TN_PROGRAM_SIGMOID, -kInf, 0, 0},
    {"relu_of_nan", TN_PROGRAM_RELU, kNan, 0, kNan},
    {"relu_of_minus", TN_PROGRAM_RELU, -2, 0, 0},
    {"sin_of_infinity", TN_PROGRAM_SIN, kInf, 0, kNan},
    {"acos_beyond", TN_PROGRAM_ACOS, 2, 0, kNan},
    {"rsqrt_of_zero", TN_PROGRAM_RSQRT, 0, 0, kInf},
};

void check_real(Context& c, const RealRow& row, uint32_t dtype) {
  const bool compares = row.code >= TN_PROGRAM_EQ && row.code <= TN_PROGRAM_ISNAN;
  const bool two = row.code <= TN_PROGRAM_ATAN2 || (compares && row.code != TN_PROGRAM_ISNAN);
  std::vector<Array> inputs(two ? 2 : 1, dense(dtype, {kCopies}));
  for (int64_t i = 0; i < kCopies; ++i) {
    inputs[0].set_real(i, row.a);
    if (two) inputs[1].set_real(i, row.b);
  }
  const Array out = compute(c, row.code, compares ? TN_DTYPE_BOOL : dtype, inputs);
  for (int64_t i = 0; i < kCopies; ++i) {
    const bool same =
        std::isnan(row.expected) ? std::isnan(out.real(i)) : out.real(i) == row.expected;
    require(same, "expected " + std::to_string(row.expected) + ", element " + std::to_string(i) +
                      " is " + value_text(out, i));
  }
}

void add_reals(Cases& cases) {
  for (const uint32_t dtype : {TN_DTYPE_F16, TN_DTYPE_BF16, TN_DTYPE_F32, TN_DTYPE_F64}) {
    for (const RealRow& row : kRealRows) {
      cases.push_back({program_name("line", dtype_name(dtype), row.name),
                       [=](Context& c) { check_real(c, row, dtype); }});
    }
  }
}

// ---- casts -------------------------------------------------------------------------------------

struct CastRow {
  const char* name;
  uint32_t from, to;
  double value, expected;
};

constexpr CastRow kCastRows[] = {
    {"minus_to_u8", TN_DTYPE_F32, TN_DTYPE_U8, -1.0, 0},
    {"beyond_u8", TN_DTYPE_F32, TN_DTYPE_U8, 300.0, 255},
    {"nan_to_u8", TN_DTYPE_F32, TN_DTYPE_U8, kNan, 0},
    {"beyond_i8", TN_DTYPE_F64, TN_DTYPE_I8, 300.0, 127},
    {"below_i8", TN_DTYPE_F64, TN_DTYPE_I8, -kInf, -128},
    {"toward_zero", TN_DTYPE_F32, TN_DTYPE_I32, -2.9, -2},
    {"infinity_to_i32", TN_DTYPE_F16, TN_DTYPE_I32, kInf, 2147483647.0},
    {"nan_to_i64", TN_DTYPE_F32, TN_DTYPE_I64, kNan, 0},
    {"nan_is_true", TN_DTYPE_F32, TN_DTYPE_BOOL, kNan, 1},
    {"minus_zero_is_false", TN_DTYPE_F32, TN_DTYPE_BOOL, -0.0, 0},
    {"small_is_true", TN_DTYPE_F64, TN_DTYPE_BOOL, 1e-300, 1},
    {"true_to_f16", TN_DTYPE_BOOL, TN_DTYPE_F16, 1, 1},
    {"true_to_i64", TN_DTYPE_BOOL, TN_DTYPE_I64, 1, 1},
    {"narrowing_wraps", TN_DTYPE_I32, TN_DTYPE_I8, 300, 44},
    {"narrowing_to_u8", TN_DTYPE_I64, TN_DTYPE_U8, -1, 255},
    {"u8_to_i8", TN_DTYPE_U8, TN_DTYPE_I8, 200, -56},
    {"overflow_to_f16", TN_DTYPE_F32, TN_DTYPE_F16, 65520.0, kInf},
    {"greatest_f16", TN_DTYPE_F32, TN_DTYPE_F16, 65519.0, 65504.0},
    {"overflow_to_f32", TN_DTYPE_F64, TN_DTYPE_F32, 1e39, kInf},
    {"overflow_to_bf16", TN_DTYPE_F32, TN_DTYPE_BF16, 3.4e38, kInf},
    {"integer_to_f32", TN_DTYPE_I32, TN_DTYPE_F32, 16777217.0, 16777216.0},
    {"integer_to_f16", TN_DTYPE_I32, TN_DTYPE_F16, 2049, 2048},
    {"f64_to_f16_once", TN_DTYPE_F64, TN_DTYPE_F16, 1.0 + 0x1p-11 + 0x1p-40, 1.0 + 0x1p-10},
    {"f64_to_f16_below", TN_DTYPE_F64, TN_DTYPE_F16, 1.0 + 3 * 0x1p-11 - 0x1p-40, 1.0 + 0x1p-10},
    {"f64_to_bf16_once", TN_DTYPE_F64, TN_DTYPE_BF16, 1.0 + 0x1p-8 + 0x1p-40, 1.0 + 0x1p-7},
    {"denormal_f16", TN_DTYPE_F32, TN_DTYPE_F16, 0x1p-24, 0x1p-24},
};

void check_cast(Context& c, const CastRow& row, bool as_program) {
  Array in = dense(row.from, {kCopies});
  for (int64_t i = 0; i < kCopies; ++i) {
    if (is_float(row.from)) {
      in.set_real(i, row.value);
    } else {
      in.set_whole(i, static_cast<int64_t>(row.value));
    }
  }
  Array out;
  if (as_program) {
    out = compute(c, TN_PROGRAM_CAST, row.to, {in});
  } else {
    Outcome copied = run(c.subject(), {TN_OP_COPY, {dense(row.to, {kCopies})}, {in}});
    require(copied.status == TN_OK, copied.step + ": " + copied.text);
    out = std::move(copied.outputs[0]);
  }
  for (int64_t i = 0; i < kCopies; ++i) {
    require(out.real(i) == row.expected, "expected " + std::to_string(row.expected) + ", element " +
                                             std::to_string(i) + " is " + value_text(out, i));
  }
}

void add_casts(Cases& cases) {
  for (const CastRow& row : kCastRows) {
    cases.push_back(
        {program_name("line", "cast", row.name), [=](Context& c) { check_cast(c, row, true); }});
    cases.push_back(
        {program_name("line", "copy", row.name), [=](Context& c) { check_cast(c, row, false); }});
  }
  cases.push_back(
      {program_name("line", "cast", "big_integers_round_once"), [](Context& c) {
         // Above a middle of bf16, and of f32; through another format it would fall
         // on the middle.
         const int64_t odd = (int64_t{1} << 62) + (int64_t{1} << 54) + 1;
         const Array in = of_wholes(TN_DTYPE_I64, {1}, {odd});
         require(compute(c, TN_PROGRAM_CAST, TN_DTYPE_BF16, {in}).real(0) == 0x1p62 + 0x1p55,
                 "i64 to bf16 was rounded twice");
         const int64_t next = (int64_t{1} << 62) + (int64_t{1} << 38) + 1;
         const Array other = of_wholes(TN_DTYPE_I64, {1}, {next});
         require(compute(c, TN_PROGRAM_CAST, TN_DTYPE_F32, {other}).real(0) == 0x1p62 + 0x1p39,
                 "i64 to f32 was rounded twice");
       }});
}

// ---- rounding at each instruction --------------------------------------------------------------

void add_halves(Cases& cases) {
  for (const uint32_t dtype : {TN_DTYPE_F16, TN_DTYPE_BF16}) {
    cases.push_back(
        {program_name("line", dtype_name(dtype), "each_instruction_rounds"), [=](Context& c) {
           PluginHost& host = c.subject();
           if (!host.computes(dtype)) throw Skip("not a dtype the device computes");
           if (host.info.program_instructions < 2) throw Skip("programs of one instruction only");
           const double big = dtype == TN_DTYPE_F16 ? 2048 : 256;
           ProgramText text{.inputs = 2};
           const uint32_t sum = text.add(TN_PROGRAM_ADD, dtype, 0, 1);
           text.outputs = {text.add(TN_PROGRAM_SUB, dtype, sum, 0)};
           Call call{TN_OP_PROGRAM,
                     {dense(dtype, {1})},
                     {of_reals(dtype, {1}, {big}), of_reals(dtype, {1}, {1})}};
           call.program = &text;
           const Outcome out = run(host, call);
           require(out.status == TN_OK, out.step + ": " + out.text);
           require(out.outputs[0].real(0) == 0, "the sum in between was not rounded");
         }});
  }
}

}  // namespace

void add_known_answers(Cases& cases) {
  add_wholes(cases);
  add_reals(cases);
  add_casts(cases);
  add_halves(cases);
}

}  // namespace tenon::conform
