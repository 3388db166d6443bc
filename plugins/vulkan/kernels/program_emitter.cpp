// A plan as SPIR-V: loads, one call an instruction, stores. What is called stands in
// shaders/program.comp.
#include <algorithm>
#include <map>

#include "../shaders.h"
#include "../spirv.h"
#include "program_plan.h"

namespace tenon::vulkan {
namespace {

using spirv::Library;
using spirv::Program;

struct OpcodeName {
  uint32_t opcode;
  const char* name;
  uint32_t operands;
};

constexpr OpcodeName kNames[] = {
    {TN_PROGRAM_ADD, "add", 2},         {TN_PROGRAM_SUB, "sub", 2},
    {TN_PROGRAM_MUL, "mul", 2},         {TN_PROGRAM_DIV, "div", 2},
    {TN_PROGRAM_REM, "rem", 2},         {TN_PROGRAM_POW, "pow", 2},
    {TN_PROGRAM_MIN, "min", 2},         {TN_PROGRAM_MAX, "max", 2},
    {TN_PROGRAM_ATAN2, "atan2", 2},     {TN_PROGRAM_FMA, "fma", 3},
    {TN_PROGRAM_AND, "and", 2},         {TN_PROGRAM_OR, "or", 2},
    {TN_PROGRAM_XOR, "xor", 2},         {TN_PROGRAM_NOT, "not", 1},
    {TN_PROGRAM_SHL, "shl", 2},         {TN_PROGRAM_SHR, "shr", 2},
    {TN_PROGRAM_EQ, "eq", 2},           {TN_PROGRAM_NE, "ne", 2},
    {TN_PROGRAM_LT, "lt", 2},           {TN_PROGRAM_LE, "le", 2},
    {TN_PROGRAM_GT, "gt", 2},           {TN_PROGRAM_GE, "ge", 2},
    {TN_PROGRAM_ISNAN, "isnan", 1},     {TN_PROGRAM_WHERE, "where", 3},
    {TN_PROGRAM_NEG, "neg", 1},         {TN_PROGRAM_ABS, "abs", 1},
    {TN_PROGRAM_SIGN, "sign", 1},       {TN_PROGRAM_FLOOR, "floor", 1},
    {TN_PROGRAM_CEIL, "ceil", 1},       {TN_PROGRAM_TRUNC, "trunc", 1},
    {TN_PROGRAM_ROUND, "round", 1},     {TN_PROGRAM_SQRT, "sqrt", 1},
    {TN_PROGRAM_RSQRT, "rsqrt", 1},     {TN_PROGRAM_RECIP, "recip", 1},
    {TN_PROGRAM_EXP, "exp", 1},         {TN_PROGRAM_EXPM1, "expm1", 1},
    {TN_PROGRAM_LOG, "log", 1},         {TN_PROGRAM_LOG1P, "log1p", 1},
    {TN_PROGRAM_SIN, "sin", 1},         {TN_PROGRAM_COS, "cos", 1},
    {TN_PROGRAM_TAN, "tan", 1},         {TN_PROGRAM_ASIN, "asin", 1},
    {TN_PROGRAM_ACOS, "acos", 1},       {TN_PROGRAM_ATAN, "atan", 1},
    {TN_PROGRAM_SINH, "sinh", 1},       {TN_PROGRAM_COSH, "cosh", 1},
    {TN_PROGRAM_TANH, "tanh", 1},       {TN_PROGRAM_ASINH, "asinh", 1},
    {TN_PROGRAM_ACOSH, "acosh", 1},     {TN_PROGRAM_ATANH, "atanh", 1},
    {TN_PROGRAM_ERF, "erf", 1},         {TN_PROGRAM_ERFC, "erfc", 1},
    {TN_PROGRAM_SIGMOID, "sigmoid", 1}, {TN_PROGRAM_LOG2, "log2", 1},
    {TN_PROGRAM_EXP2, "exp2", 1},       {TN_PROGRAM_RELU, "relu", 1},
};

const OpcodeName& name_of(uint32_t opcode) {
  const auto* found = std::ranges::find(kNames, opcode, &OpcodeName::opcode);
  if (found == std::end(kNames)) {
    throw plugin::Status(TN_INTERNAL, "program: opcode without a function");
  }
  return *found;
}

// Letter of the class of numbers (shaders/program.comp).
char class_of(uint32_t dtype) {
  switch (dtype) {
    case TN_DTYPE_BOOL:
      return 'b';
    case TN_DTYPE_I64:
      return 'l';
    case TN_DTYPE_F64:
      return 'd';
    default:
      return support::is_float(dtype) ? 'f' : 'i';
  }
}

std::string in_class(std::string name, uint32_t dtype) { return name + '_' + class_of(dtype); }

uint32_t size_shift(uint32_t dtype) {
  return static_cast<uint32_t>(std::countr_zero(static_cast<uint64_t>(support::dtype_size(dtype))));
}

class Emitter {
 public:
  Emitter(const Library& library, const ProgramPlan& plan) : plan_(plan), program_(library) {}

  std::vector<uint32_t> emit() {
    find_offsets();
    const size_t outputs = plan_.outputs.size();
    for (uint32_t i = 0; i < plan_.input_count; ++i) {
      const uint32_t dtype = plan_.dtypes[i];
      values_.push_back(program_.call(std::string("load_") + support::dtype_name(dtype),
                                      {address(outputs + i, dtype)}));
    }
    for (uint32_t i = 0; i < plan_.scalar_count; ++i) {
      const uint32_t dtype = plan_.dtypes[plan_.input_count + i];
      values_.push_back(
          program_.call(in_class("scalar", dtype), {program_.constant(plan_.scalar_word(i))}));
    }
    for (const Instruction& step : plan_.instructions) values_.push_back(evaluate(step));
    for (size_t i = 0; i < outputs; ++i) {
      const uint32_t value = plan_.outputs[i], dtype = plan_.dtypes[value];
      program_.call(std::string("store_") + support::dtype_name(dtype),
                    {address(i, dtype), values_[value]});
    }
    return program_.finish();
  }

 private:
  uint32_t parameter(uint32_t word) { return program_.call("param", {program_.constant(word)}); }

  // Offsets in elements: the coordinates once, then a sum of products for each strided operand.
  void find_offsets() {
    std::vector<uint32_t> coordinates(plan_.rank);
    if (plan_.is_strided()) {
      uint32_t rest = program_.index();
      for (uint32_t d = plan_.rank; d-- > 1;) {
        const uint32_t extent = parameter(plan_.shape_word() + d);
        const uint32_t quotient = program_.divide(rest, extent);
        coordinates[d] = program_.subtract(rest, program_.multiply(quotient, extent));
        rest = quotient;
      }
      coordinates[0] = rest;
    }
    uint32_t strided = 0;
    for (Layout layout : plan_.layouts) {
      uint32_t offset = layout == Layout::kOne ? program_.constant(0) : program_.index();
      if (layout == Layout::kStrided) {
        const uint32_t word = plan_.stride_word(strided++);
        offset = program_.multiply(coordinates[0], parameter(word));
        for (uint32_t d = 1; d < plan_.rank; ++d) {
          offset = program_.add(offset, program_.multiply(coordinates[d], parameter(word + d)));
        }
      }
      offsets_.push_back(offset);
    }
  }

  uint32_t address(size_t operand, uint32_t dtype) {
    return program_.call("address_of", {program_.constant(plan_.address_word(operand)),
                                        offsets_[operand], program_.constant(size_shift(dtype))});
  }

  // Rounds or wraps the result of an instruction to its dtype.
  uint32_t settle(uint32_t dtype, uint32_t value) {
    switch (dtype) {
      case TN_DTYPE_F16:
      case TN_DTYPE_BF16:
        return program_.call(std::string("round_") + support::dtype_name(dtype), {value});
      case TN_DTYPE_U8:
      case TN_DTYPE_I8:
      case TN_DTYPE_I16:
        return program_.call(std::string("wrap_") + support::dtype_name(dtype), {value});
      default:
        return value;
    }
  }

  uint32_t evaluate(const Instruction& step) {
    const uint32_t* in = step.operands;
    switch (step.opcode) {
      case TN_PROGRAM_COPY:
        return values_[in[0]];
      case TN_PROGRAM_INDEX:
        return program_.call("number_of", {program_.index()});
      case TN_PROGRAM_CAST:
        return program_.call(
            in_class("cast", plan_.dtypes[in[0]]) + "_" + support::dtype_name(step.dtype),
            {values_[in[0]]});
      default:
        break;
    }
    if (step.dtype == TN_DTYPE_BOOL) return evaluate_bool(step);
    const bool whole = !support::is_float(step.dtype);
    if (whole && step.opcode >= TN_PROGRAM_FLOOR && step.opcode <= TN_PROGRAM_ROUND) {
      return values_[in[0]];
    }
    const OpcodeName& op = name_of(step.opcode);
    std::vector<uint32_t> arguments;
    for (uint32_t i = 0; i < op.operands; ++i) arguments.push_back(values_[in[i]]);
    if (step.opcode == TN_PROGRAM_SHL || step.opcode == TN_PROGRAM_SHR) {
      const auto width = static_cast<int32_t>(8 * support::dtype_size(step.dtype));
      arguments.push_back(step.dtype == TN_DTYPE_I64 ? program_.constant_long(width)
                                                     : program_.constant_int(width));
    }
    const uint32_t value = program_.call(in_class(op.name, step.dtype), arguments);
    const bool is_bool = step.opcode >= TN_PROGRAM_EQ && step.opcode <= TN_PROGRAM_ISNAN;
    return is_bool || step.opcode == TN_PROGRAM_WHERE ? value : settle(step.dtype, value);
  }

  // Of bool, half of the opcodes are other names of the other half.
  uint32_t evaluate_bool(const Instruction& step) {
    const uint32_t a = values_[step.operands[0]], b = values_[step.operands[1]];
    switch (step.opcode) {
      case TN_PROGRAM_MIN:
        return program_.call("and_b", {a, b});
      case TN_PROGRAM_MAX:
        return program_.call("or_b", {a, b});
      case TN_PROGRAM_NE:
        return program_.call("xor_b", {a, b});
      case TN_PROGRAM_LT:
        return program_.call("gt_b", {b, a});
      case TN_PROGRAM_LE:
        return program_.call("ge_b", {b, a});
      case TN_PROGRAM_NOT:
        return program_.call("not_b", {a});
      case TN_PROGRAM_WHERE:
        return program_.call("where_b", {a, b, values_[step.operands[2]]});
      default:
        return program_.call(in_class(name_of(step.opcode).name, TN_DTYPE_BOOL), {a, b});
    }
  }

  const ProgramPlan& plan_;
  Program program_;
  std::vector<uint32_t> values_;
  std::vector<uint32_t> offsets_;  // of every operand
};

}  // namespace

std::vector<uint32_t> emit_program(const Gpu& gpu, const ProgramPlan& plan) {
  // Never destroyed, so that nothing runs at exit.
  static const auto* const plain = new Library(shader("program").code);
  static const auto* const with_f64 = new Library(shader("program_f64").code);
  return Emitter(gpu.features().f64 ? *with_f64 : *plain, plan).emit();
}

}  // namespace tenon::vulkan
