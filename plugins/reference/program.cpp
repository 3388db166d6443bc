#include "program.h"

#include <algorithm>

namespace tenon::reference {
namespace {

using support::is_float;

// ---- validation --------------------------------------------------------------------------------

constexpr uint32_t kF = 1, kI = 2, kB = 4;  // floats, integers, bool

struct Rule {
  uint32_t first, last;  // opcodes
  uint32_t operands;
  uint32_t dtypes;
};

// The table of PROGRAM.md, section 2.
constexpr Rule kRules[] = {
    {TN_PROGRAM_ADD, TN_PROGRAM_POW, 2, kF | kI},
    {TN_PROGRAM_MIN, TN_PROGRAM_MAX, 2, kF | kI | kB},
    {TN_PROGRAM_ATAN2, TN_PROGRAM_ATAN2, 2, kF},
    {TN_PROGRAM_FMA, TN_PROGRAM_FMA, 3, kF},
    {TN_PROGRAM_AND, TN_PROGRAM_XOR, 2, kI | kB},
    {TN_PROGRAM_NOT, TN_PROGRAM_NOT, 1, kI | kB},
    {TN_PROGRAM_SHL, TN_PROGRAM_SHR, 2, kI},
    {TN_PROGRAM_EQ, TN_PROGRAM_GE, 2, kF | kI | kB},
    {TN_PROGRAM_ISNAN, TN_PROGRAM_ISNAN, 1, kF},
    {TN_PROGRAM_WHERE, TN_PROGRAM_WHERE, 3, kF | kI | kB},
    {TN_PROGRAM_CAST, TN_PROGRAM_COPY, 1, kF | kI | kB},
    {TN_PROGRAM_INDEX, TN_PROGRAM_INDEX, 0, kI},
    {TN_PROGRAM_NEG, TN_PROGRAM_ROUND, 1, kF | kI},
    {TN_PROGRAM_SQRT, TN_PROGRAM_EXP2, 1, kF},
    {TN_PROGRAM_RELU, TN_PROGRAM_RELU, 1, kF | kI},
};

[[noreturn]] void refuse(std::string why) {
  throw plugin::Status(TN_UNSUPPORTED, "program: " + std::move(why));
}

const Rule& rule_of(uint32_t opcode) {
  for (const Rule& rule : kRules) {
    if (opcode >= rule.first && opcode <= rule.last) return rule;
  }
  refuse("unknown opcode " + std::to_string(opcode));
}

bool compares(uint32_t opcode) { return opcode >= TN_PROGRAM_EQ && opcode <= TN_PROGRAM_ISNAN; }

Instruction read_instruction(const uint32_t* words, const std::vector<uint32_t>& dtypes) {
  const Instruction out{words[0] & 0xffff, words[0] >> 16, {words[1], words[2], words[3]}};
  const Rule& rule = rule_of(out.opcode);
  if (!support::is_known(out.dtype)) refuse("unknown dtype " + std::to_string(out.dtype));
  const uint32_t kind = out.dtype == TN_DTYPE_BOOL ? kB : is_float(out.dtype) ? kF : kI;
  if ((rule.dtypes & kind) == 0 || (out.opcode == TN_PROGRAM_INDEX && out.dtype != TN_DTYPE_I64)) {
    refuse("opcode " + std::to_string(out.opcode) + " is not defined for " +
           support::dtype_name(out.dtype));
  }
  for (uint32_t i = 0; i < std::min(rule.operands, 3u); ++i) {
    const uint32_t value = out.operands[i];
    if (value >= dtypes.size()) refuse("an operand names a later value");
    const bool condition = out.opcode == TN_PROGRAM_WHERE && i == 0;
    const uint32_t wanted = condition ? TN_DTYPE_BOOL : out.dtype;
    if (out.opcode != TN_PROGRAM_CAST && dtypes[value] != wanted) {
      refuse(std::string("an operand is ") + support::dtype_name(dtypes[value]) + ", wanted " +
             support::dtype_name(wanted));
    }
  }
  return out;
}

void check_tail(const Program& p) {
  if (p.tail == 0) return;
  const bool known = (p.tail >= TN_REDUCE_SUM && p.tail <= TN_REDUCE_MIN) ||
                     p.tail == TN_REDUCE_ANY || p.tail == TN_REDUCE_ALL;
  if (!known || p.outputs.size() != 1 || p.input_count == 0) refuse("unknown or misplaced tail");
  if (p.dtypes[p.outputs[0]] == TN_DTYPE_BOOL && p.tail <= TN_REDUCE_PROD) {
    refuse("bool has no sum");
  }
}

void check_operands(const plugin::Signature& s, const Program& p) {
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (s.rank(i) != s.rank(0)) refuse("operands must have one rank");
    if (i >= p.outputs.size()) continue;
    const uint32_t dtype = p.tail >= TN_REDUCE_ANY ? TN_DTYPE_BOOL : p.dtypes[p.outputs[i]];
    if (s.dtype(i) != dtype) refuse("an output has another dtype than its value");
  }
}

// ---- floats ------------------------------------------------------------------------------------

double sigmoid(double x) {
  const double e = std::exp(-std::fabs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <class F1>
void map(const double* a, double* out, int64_t n, F1 f) {
  for (int64_t k = 0; k < n; ++k) out[k] = f(a[k]);
}

template <class F2>
void map(const double* a, const double* b, double* out, int64_t n, F2 f) {
  for (int64_t k = 0; k < n; ++k) out[k] = f(a[k], b[k]);
}

// One operand; false when the opcode is not of that kind.
bool unary(uint32_t opcode, const double* a, double* out, int64_t n) {
  const auto apply = [&](auto f) { return map(a, out, n, f), true; };
  switch (opcode) {
    case TN_PROGRAM_COPY:
      return apply([](double x) { return x; });
    case TN_PROGRAM_NEG:
      return apply([](double x) { return -x; });
    case TN_PROGRAM_ABS:
      return apply([](double x) { return std::fabs(x); });
    case TN_PROGRAM_SIGN:
      return apply([](double x) { return x > 0 ? 1 : x < 0 ? -1 : x; });
    case TN_PROGRAM_FLOOR:
      return apply([](double x) { return std::floor(x); });
    case TN_PROGRAM_CEIL:
      return apply([](double x) { return std::ceil(x); });
    case TN_PROGRAM_TRUNC:
      return apply([](double x) { return std::trunc(x); });
    case TN_PROGRAM_ROUND:
      return apply([](double x) { return std::nearbyint(x); });
    case TN_PROGRAM_SQRT:
      return apply([](double x) { return std::sqrt(x); });
    case TN_PROGRAM_RSQRT:
      return apply([](double x) { return 1 / std::sqrt(x); });
    case TN_PROGRAM_RECIP:
      return apply([](double x) { return 1 / x; });
    case TN_PROGRAM_EXP:
      return apply([](double x) { return std::exp(x); });
    case TN_PROGRAM_EXPM1:
      return apply([](double x) { return std::expm1(x); });
    case TN_PROGRAM_LOG:
      return apply([](double x) { return std::log(x); });
    case TN_PROGRAM_LOG1P:
      return apply([](double x) { return std::log1p(x); });
    case TN_PROGRAM_SIN:
      return apply([](double x) { return std::sin(x); });
    case TN_PROGRAM_COS:
      return apply([](double x) { return std::cos(x); });
    case TN_PROGRAM_TAN:
      return apply([](double x) { return std::tan(x); });
    case TN_PROGRAM_ASIN:
      return apply([](double x) { return std::asin(x); });
    case TN_PROGRAM_ACOS:
      return apply([](double x) { return std::acos(x); });
    case TN_PROGRAM_ATAN:
      return apply([](double x) { return std::atan(x); });
    case TN_PROGRAM_SINH:
      return apply([](double x) { return std::sinh(x); });
    case TN_PROGRAM_COSH:
      return apply([](double x) { return std::cosh(x); });
    case TN_PROGRAM_TANH:
      return apply([](double x) { return std::tanh(x); });
    case TN_PROGRAM_ASINH:
      return apply([](double x) { return std::asinh(x); });
    case TN_PROGRAM_ACOSH:
      return apply([](double x) { return std::acosh(x); });
    case TN_PROGRAM_ATANH:
      return apply([](double x) { return std::atanh(x); });
    case TN_PROGRAM_ERF:
      return apply([](double x) { return std::erf(x); });
    case TN_PROGRAM_ERFC:
      return apply([](double x) { return std::erfc(x); });
    case TN_PROGRAM_SIGMOID:
      return apply(sigmoid);
    case TN_PROGRAM_LOG2:
      return apply([](double x) { return std::log2(x); });
    case TN_PROGRAM_EXP2:
      return apply([](double x) { return std::exp2(x); });
    case TN_PROGRAM_RELU:
      return apply([](double x) { return x <= 0 ? 0 : x; });
    default:
      return false;
  }
}

void binary(uint32_t opcode, const double* a, const double* b, double* out, int64_t n) {
  const auto apply = [&](auto f) { map(a, b, out, n, f); };
  switch (opcode) {
    case TN_PROGRAM_ADD:
      return apply([](double x, double y) { return x + y; });
    case TN_PROGRAM_SUB:
      return apply([](double x, double y) { return x - y; });
    case TN_PROGRAM_MUL:
      return apply([](double x, double y) { return x * y; });
    case TN_PROGRAM_DIV:
      return apply([](double x, double y) { return x / y; });
    case TN_PROGRAM_REM:
      return apply([](double x, double y) { return std::fmod(x, y); });
    case TN_PROGRAM_POW:
      return apply([](double x, double y) { return std::pow(x, y); });
    case TN_PROGRAM_ATAN2:
      return apply([](double x, double y) { return std::atan2(x, y); });
    case TN_PROGRAM_MIN:
      return apply([](double x, double y) { return std::isnan(x) || x < y ? x : y; });
    default:
      return apply([](double x, double y) { return std::isnan(x) || x > y ? x : y; });
  }
}

// Basic operations in double and then rounded to f32 have the bits of f32 arithmetic (53 digits
// are more than twice 24 and two); only FMA has to be asked for in f32 itself. f16 and bf16 are
// computed in f32 and rounded once more, as PROGRAM.md demands.
void round_results(uint32_t dtype, double* out, int64_t n) {
  if (dtype == TN_DTYPE_F64) return;
  for (int64_t k = 0; k < n; ++k) out[k] = round_to(TN_DTYPE_F32, out[k]);
  if (dtype == TN_DTYPE_F32) return;
  for (int64_t k = 0; k < n; ++k) out[k] = round_to(dtype, out[k]);
}

void multiply_add(uint32_t dtype, const double* a, const double* b, const double* c, double* out,
                  int64_t n) {
  for (int64_t k = 0; k < n; ++k) {
    out[k] = dtype == TN_DTYPE_F64 ? std::fma(a[k], b[k], c[k])
                                   : std::fma(static_cast<float>(a[k]), static_cast<float>(b[k]),
                                              static_cast<float>(c[k]));
  }
}

// ---- comparisons, integers ---------------------------------------------------------------------

template <class V>
bool holds(uint32_t opcode, V a, V b) {
  switch (opcode) {
    case TN_PROGRAM_EQ:
      return a == b;
    case TN_PROGRAM_NE:
      return a != b;
    case TN_PROGRAM_LT:
      return a < b;
    case TN_PROGRAM_LE:
      return a <= b;
    case TN_PROGRAM_GT:
      return a > b;
    case TN_PROGRAM_GE:
      return a >= b;
    default:
      return a != a;  // ISNAN
  }
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1;
  auto factor = static_cast<uint64_t>(base);
  for (; exponent > 0; exponent /= 2, factor *= factor) {
    if (exponent % 2 == 1) result *= factor;
  }
  return static_cast<int64_t>(result);
}

// Before the wrap to the dtype. `width` in bits.
int64_t whole_result(uint32_t opcode, int64_t a, int64_t b, int64_t width) {
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  switch (opcode) {
    case TN_PROGRAM_ADD:
      return static_cast<int64_t>(x + y);
    case TN_PROGRAM_SUB:
      return static_cast<int64_t>(x - y);
    case TN_PROGRAM_MUL:
      return static_cast<int64_t>(x * y);
    case TN_PROGRAM_DIV:
      return b == 0 ? 0 : b == -1 ? static_cast<int64_t>(-x) : a / b;
    case TN_PROGRAM_REM:
      return b == 0 || b == -1 ? 0 : a % b;
    case TN_PROGRAM_POW:
      return power(a, b);
    case TN_PROGRAM_MIN:
      return std::min(a, b);
    case TN_PROGRAM_MAX:
      return std::max(a, b);
    case TN_PROGRAM_AND:
      return a & b;
    case TN_PROGRAM_OR:
      return a | b;
    case TN_PROGRAM_XOR:
      return a ^ b;
    case TN_PROGRAM_SHL:
      return b < 0 || b >= width ? 0 : static_cast<int64_t>(x << b);
    case TN_PROGRAM_SHR:
      return b < 0 ? 0 : a >> std::min<int64_t>(b, 63);
    case TN_PROGRAM_NEG:
      return static_cast<int64_t>(-x);
    case TN_PROGRAM_ABS:
      return a < 0 ? static_cast<int64_t>(-x) : a;
    case TN_PROGRAM_SIGN:
      return a > 0 ? 1 : a < 0 ? -1 : 0;
    case TN_PROGRAM_RELU:
      return std::max<int64_t>(a, 0);
    default:
      return a;  // FLOOR, CEIL, TRUNC, ROUND, COPY
  }
}

void evaluate_whole(const Instruction& step, const Block& a, const Block& b, Block& out,
                    int64_t n) {
  const int64_t width = 8 * support::dtype_size(step.dtype);
  for (int64_t k = 0; k < n; ++k) {
    const int64_t x = a.whole[k], y = b.whole[k];
    if (step.opcode == TN_PROGRAM_NOT) {
      out.whole[k] = step.dtype == TN_DTYPE_BOOL ? x == 0 : ~x;
    } else {
      out.whole[k] = whole_result(step.opcode, x, y, width);
    }
    out.whole[k] = wrap_to(step.dtype, out.whole[k]);
  }
}

}  // namespace

Program read_program(const plugin::Signature& s) {
  const tn_program* raw = s.program();
  if (raw == nullptr) refuse("none given");
  if (raw->input_count > kMaxInputs || raw->scalar_count > kMaxScalars ||
      raw->instruction_count > kMaxInstructions || raw->output_count > kMaxOutputs) {
    refuse("larger than this device's limits");
  }
  if (raw->output_count == 0 || raw->output_count != s.output_count() ||
      raw->output_count + raw->input_count != s.operand_count()) {
    refuse("operands and program do not fit");
  }
  Program p;
  p.input_count = raw->input_count;
  p.scalar_count = raw->scalar_count;
  p.tail = raw->tail;
  p.tail_dims = raw->tail_dims;
  for (uint32_t i = 0; i < p.input_count; ++i) p.dtypes.push_back(s.dtype(raw->output_count + i));
  for (uint32_t i = 0; i < p.scalar_count; ++i) p.dtypes.push_back(raw->scalar_dtypes[i]);
  for (uint32_t dtype : p.dtypes) {
    if (!support::is_known(dtype)) refuse("unknown dtype " + std::to_string(dtype));
  }
  for (uint32_t i = 0; i < raw->instruction_count; ++i) {
    p.instructions.push_back(read_instruction(raw->instructions + size_t{4} * i, p.dtypes));
    const Instruction& step = p.instructions.back();
    p.dtypes.push_back(compares(step.opcode) ? TN_DTYPE_BOOL : step.dtype);
  }
  p.outputs.assign(raw->outputs, raw->outputs + raw->output_count);
  for (uint32_t value : p.outputs) {
    if (value >= p.dtypes.size()) refuse("an output names no value");
  }
  check_tail(p);
  check_operands(s, p);
  return p;
}

void evaluate(const Program& p, size_t instruction, Block* values, int64_t begin, int64_t n) {
  const Instruction& step = p.instructions[instruction];
  const Block &a = values[step.operands[0]], &b = values[step.operands[1]],
              &c = values[step.operands[2]];
  Block& out = values[p.input_count + p.scalar_count + instruction];
  if (step.opcode == TN_PROGRAM_INDEX) {
    for (int64_t k = 0; k < n; ++k) out.whole[k] = begin + k;
  } else if (step.opcode == TN_PROGRAM_CAST) {
    cast(p.dtypes[step.operands[0]], a, step.dtype, out, n);
  } else if (step.opcode == TN_PROGRAM_WHERE) {
    // a Block's words are copied whatever they hold
    for (int64_t k = 0; k < n; ++k) out.whole[k] = a.whole[k] != 0 ? b.whole[k] : c.whole[k];
  } else if (compares(step.opcode)) {
    const bool real = is_float(step.dtype);
    for (int64_t k = 0; k < n; ++k) {
      out.whole[k] = real ? holds(step.opcode, a.real[k], b.real[k])
                          : holds(step.opcode, a.whole[k], b.whole[k]);
    }
  } else if (!is_float(step.dtype)) {
    evaluate_whole(step, a, b, out, n);
  } else {
    if (step.opcode == TN_PROGRAM_FMA) {
      multiply_add(step.dtype, a.real, b.real, c.real, out.real, n);
    } else if (!unary(step.opcode, a.real, out.real, n)) {
      binary(step.opcode, a.real, b.real, out.real, n);
    }
    round_results(step.dtype, out.real, n);
  }
}

}  // namespace tenon::reference
