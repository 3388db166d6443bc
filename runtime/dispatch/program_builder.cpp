#include <tenon/runtime/dispatch/program_builder.h>

#include <algorithm>

namespace tenon {
namespace {

bool is_comparison(uint32_t opcode) {
  return (opcode >= TN_PROGRAM_EQ && opcode <= TN_PROGRAM_GE) || opcode == TN_PROGRAM_ISNAN;
}

}  // namespace

ProgramBuilder::ProgramBuilder(std::span<const Argument> arguments, uint32_t /*extra_scalars*/,
                               std::span<const int64_t> attributes, DType dtype)
    : arguments_(arguments.begin(), arguments.end()),
      attributes_(attributes.begin(), attributes.end()),
      dtype_(dtype) {
  for (const Argument& argument : arguments_) {
    input_of_.push_back(static_cast<uint32_t>(draft_.inputs.size()));
    scalar_of_.push_back(scalar_arguments_);
    if (argument.is_tensor)
      draft_.inputs.push_back(argument.dtype);
    else
      ++scalar_arguments_;
  }
}

uint32_t ProgramBuilder::add(ProgramValue value) {
  values_.push_back(value);
  return static_cast<uint32_t>(values_.size() - 1);
}

uint32_t ProgramBuilder::raw_arg(size_t i) {
  if (arguments_[i].is_tensor) return add({ProgramValue::kInput, input_of_[i]});
  draft_.scalars.push_back({.dtype = dtype_, .argument = scalar_of_[i]});
  return add({ProgramValue::kScalar, static_cast<uint32_t>(draft_.scalars.size() - 1)});
}

uint32_t ProgramBuilder::arg(size_t i) { return cast(raw_arg(i), dtype_); }

uint32_t ProgramBuilder::scalar(size_t i) {
  draft_.scalars.push_back(
      {.dtype = dtype_, .argument = scalar_arguments_ + static_cast<uint32_t>(i)});
  return add({ProgramValue::kScalar, static_cast<uint32_t>(draft_.scalars.size() - 1)});
}

uint32_t ProgramBuilder::constant(Scalar value) {
  draft_.scalars.push_back({.dtype = dtype_, .is_constant = true, .constant = value});
  return add({ProgramValue::kScalar, static_cast<uint32_t>(draft_.scalars.size() - 1)});
}

DType ProgramBuilder::dtype_of(uint32_t value) const {
  const ProgramValue& v = values_[value];
  switch (v.kind) {
    case ProgramValue::kInput: return draft_.inputs[v.index];
    case ProgramValue::kScalar: return draft_.scalars[v.index].dtype;
    case ProgramValue::kInstruction: break;
  }
  return draft_.instructions[v.index].result;
}

uint32_t ProgramBuilder::emit(uint32_t opcode, DType dtype,
                              std::initializer_list<uint32_t> operands) {
  ProgramInstruction instruction{.opcode = opcode,
                                 .dtype = dtype,
                                 .result = is_comparison(opcode) ? DType::kBool : dtype};
  for (const uint32_t operand : operands)
    instruction.operands[instruction.operand_count++] = values_[operand];
  draft_.instructions.push_back(instruction);
  return add(
      {ProgramValue::kInstruction, static_cast<uint32_t>(draft_.instructions.size() - 1)});
}

uint32_t ProgramBuilder::cast(uint32_t value, DType to) {
  return dtype_of(value) == to ? value : emit(TN_PROGRAM_CAST, to, {value});
}

ProgramDraft ProgramBuilder::finish(uint32_t value, DType result) {
  value = cast(value, result);
  // An instruction makes every result, so that a split always has something to store.
  if (values_[value].kind != ProgramValue::kInstruction)
    value = emit(TN_PROGRAM_COPY, result, {value});
  draft_.result = values_[value];
  return std::move(draft_);
}

tn_program ProgramStep::program() const {
  tn_program program{};
  program.struct_size = sizeof program;
  program.input_count = static_cast<uint32_t>(inputs.size());
  program.scalar_count = static_cast<uint32_t>(scalars.size());
  program.instruction_count = static_cast<uint32_t>(instructions.size() / 4);
  program.output_count = static_cast<uint32_t>(outputs.size());
  program.scalar_dtypes = scalar_dtypes.data();
  program.instructions = instructions.data();
  program.outputs = outputs.data();
  return program;
}

namespace {

// Cuts greedily: each step takes the longest run of instructions that fits.
class Splitter {
 public:
  Splitter(const ProgramDraft& draft, const tn_device_info& info) : draft_(draft), info_(info) {
    temporary_of_.assign(draft.instructions.size(), ProgramStep::kResult);
  }

  SplitProgram run(std::string_view op) {
    const auto count = static_cast<uint32_t>(draft_.instructions.size());
    for (uint32_t begin = 0; begin < count;) {
      uint32_t end = std::min(count, begin + std::max(1u, info_.program_instructions));
      while (end > begin && !fits(begin, end)) --end;
      check(end > begin, ErrorCode::kUnsupported, op, "the device takes programs of ",
            info_.program_inputs, " inputs, ", info_.program_scalars, " scalars and ",
            info_.program_outputs, " outputs, too few for one instruction");
      make_step(begin, end);
      begin = end;
    }
    return std::move(split_);
  }

 private:
  // Instructions of [begin, end) whose value is needed after the step.
  std::vector<uint32_t> live_out(uint32_t begin, uint32_t end) const {
    std::vector<uint32_t> live;
    for (uint32_t i = begin; i < end; ++i) {
      const ProgramValue value{ProgramValue::kInstruction, i};
      bool used = draft_.result == value;
      for (uint32_t j = end; j < draft_.instructions.size() && !used; ++j) used = reads(j, value);
      if (used) live.push_back(i);
    }
    return live;
  }

  bool reads(uint32_t instruction, const ProgramValue& value) const {
    const ProgramInstruction& at = draft_.instructions[instruction];
    for (uint32_t k = 0; k < at.operand_count; ++k)
      if (at.operands[k] == value) return true;
    return false;
  }

  // Values read by [begin, end) that come from outside it.
  void read_in(uint32_t begin, uint32_t end, std::vector<ProgramValue>& tensors,
               std::vector<ProgramValue>& scalars) const {
    for (uint32_t i = begin; i < end; ++i) {
      const ProgramInstruction& at = draft_.instructions[i];
      for (uint32_t k = 0; k < at.operand_count; ++k) {
        const ProgramValue& value = at.operands[k];
        if (value.kind == ProgramValue::kInstruction && value.index >= begin) continue;
        auto& list = value.kind == ProgramValue::kScalar ? scalars : tensors;
        if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
      }
    }
  }

  bool fits(uint32_t begin, uint32_t end) const {
    std::vector<ProgramValue> tensors, scalars;
    read_in(begin, end, tensors, scalars);
    return tensors.size() <= info_.program_inputs && scalars.size() <= info_.program_scalars &&
           live_out(begin, end).size() <= info_.program_outputs;
  }

  void make_step(uint32_t begin, uint32_t end) {
    ProgramStep step;
    std::vector<ProgramValue> tensors, scalars;
    read_in(begin, end, tensors, scalars);
    for (const ProgramValue& value : tensors) {
      if (value.kind == ProgramValue::kInput) step.inputs.push_back({false, value.index});
      else step.inputs.push_back({true, temporary_of_[value.index]});
    }
    for (const ProgramValue& value : scalars) {
      step.scalars.push_back(value.index);
      step.scalar_dtypes.push_back(static_cast<uint32_t>(draft_.scalars[value.index].dtype));
    }
    const auto first = static_cast<uint32_t>(tensors.size() + scalars.size());
    const auto number = [&](const ProgramValue& value) -> uint32_t {
      if (value.kind == ProgramValue::kInstruction && value.index >= begin)
        return first + value.index - begin;
      const bool scalar = value.kind == ProgramValue::kScalar;
      const auto& list = scalar ? scalars : tensors;
      const auto at = std::find(list.begin(), list.end(), value) - list.begin();
      return static_cast<uint32_t>(at) + (scalar ? static_cast<uint32_t>(tensors.size()) : 0u);
    };
    for (uint32_t i = begin; i < end; ++i) {
      const ProgramInstruction& at = draft_.instructions[i];
      step.instructions.push_back(at.opcode | static_cast<uint32_t>(at.dtype) << 16);
      for (uint32_t k = 0; k < 3; ++k)
        step.instructions.push_back(k < at.operand_count ? number(at.operands[k]) : 0u);
    }
    for (const uint32_t i : live_out(begin, end)) {
      const bool is_result = draft_.result == ProgramValue{ProgramValue::kInstruction, i};
      step.outputs.push_back(first + i - begin);
      if (is_result) {
        step.output_targets.push_back(ProgramStep::kResult);
        continue;
      }
      temporary_of_[i] = static_cast<uint32_t>(split_.temporaries.size());
      split_.temporaries.push_back(draft_.instructions[i].result);
      step.output_targets.push_back(temporary_of_[i]);
    }
    split_.steps.push_back(std::move(step));
  }

  const ProgramDraft& draft_;
  const tn_device_info& info_;
  std::vector<uint32_t> temporary_of_;
  SplitProgram split_;
};

}  // namespace

SplitProgram split_program(const ProgramDraft& draft, const tn_device_info& info,
                           std::string_view op) {
  return Splitter(draft, info).run(op);
}

}  // namespace tenon
