#include "program_plan.h"

#include <algorithm>

#include "geometry.h"

namespace tenon::vulkan {

using support::is_float;

namespace {

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

// f64: what needs no function of its own.
bool computes_f64(uint32_t opcode) {
  switch (opcode) {
    case TN_PROGRAM_REM:
    case TN_PROGRAM_POW:
    case TN_PROGRAM_ATAN2:
    case TN_PROGRAM_FMA:
      return false;
    default:
      return opcode <= TN_PROGRAM_RECIP || opcode == TN_PROGRAM_RELU;
  }
}

Instruction read_instruction(const uint32_t* words, const std::vector<uint32_t>& dtypes) {
  const Instruction out{words[0] & 0xffff, words[0] >> 16, {words[1], words[2], words[3]}};
  const Rule& rule = rule_of(out.opcode);
  if (!support::is_known(out.dtype)) refuse("unknown dtype " + std::to_string(out.dtype));
  const uint32_t kind = out.dtype == TN_DTYPE_BOOL ? kB : is_float(out.dtype) ? kF : kI;
  if ((rule.dtypes & kind) == 0 || (out.opcode == TN_PROGRAM_INDEX && out.dtype != TN_DTYPE_I64)) {
    refuse("opcode " + std::to_string(out.opcode) + " is not defined for " +
           support::dtype_name(out.dtype));
  }
  if (out.dtype == TN_DTYPE_F64 && !computes_f64(out.opcode)) {
    refuse("opcode " + std::to_string(out.opcode) + " is not there for f64");
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

void check_operands(const plugin::Signature& s, const ProgramPlan& p) {
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    if (s.rank(i) != s.rank(0)) refuse("operands must have one rank");
    if (i < p.outputs.size() && s.dtype(i) != p.dtypes[p.outputs[i]]) {
      refuse("an output has another dtype than its value");
    }
  }
}

}  // namespace

bool ProgramPlan::is_strided() const {
  return std::ranges::find(layouts, Layout::kStrided) != layouts.end();
}

void set_layouts(ProgramPlan& plan, const plugin::Signature& s) {
  plan.rank = s.rank(0);
  const bool dense = (s.raw().flags & TN_SIGNATURE_DENSE) != 0;
  for (uint32_t i = 0; i < s.operand_count(); ++i) {
    const uint32_t layout = TN_CLASS_LAYOUT(s.raw().classes[i]);
    plan.layouts.push_back(dense || layout == TN_LAYOUT_CONTIGUOUS || plan.rank == 0
                               ? Layout::kDense
                           : layout == TN_LAYOUT_BROADCAST ? Layout::kOne
                                                           : Layout::kStrided);
  }
}

ProgramPlan read_program(const Gpu& gpu, const plugin::Signature& s) {
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
  if (raw->tail != 0) refuse("no trailing reductions here");
  ProgramPlan p;
  p.input_count = raw->input_count;
  p.scalar_count = raw->scalar_count;
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
  const bool f64 = std::ranges::find(p.dtypes, TN_DTYPE_F64) != p.dtypes.end();
  if (f64 && !gpu.features().f64) refuse("this device does not compute f64");
  p.outputs.assign(raw->outputs, raw->outputs + raw->output_count);
  for (uint32_t value : p.outputs) {
    if (value >= p.dtypes.size()) refuse("an output names no value");
  }
  check_operands(s, p);
  set_layouts(p, s);
  return p;
}

ProgramPlan fill_plan(const plugin::Signature& s) {
  ProgramPlan p;
  p.scalar_count = 1;
  p.dtypes = {s.dtype(0)};
  p.outputs = {0};
  set_layouts(p, s);
  return p;
}

ProgramPlan copy_plan(const Gpu& gpu, const plugin::Signature& s) {
  ProgramPlan p;
  p.input_count = 1;
  const uint32_t to = s.dtype(0), from = s.dtype(1);
  if (to == from) {
    p.dtypes = {raw_dtype_of(from)};
    p.outputs = {0};
  } else {
    if ((to == TN_DTYPE_F64 || from == TN_DTYPE_F64) && !gpu.features().f64) {
      throw plugin::Status(TN_UNSUPPORTED, "copy: this device does not compute f64");
    }
    p.dtypes = {from, to};
    p.instructions = {{TN_PROGRAM_CAST, to, {0, 0, 0}}};
    p.outputs = {1};
  }
  set_layouts(p, s);
  return p;
}

}  // namespace tenon::vulkan
