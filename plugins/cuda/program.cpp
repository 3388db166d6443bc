#include "program.h"

#include <cstring>

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;

ProgramCode encode(const tnr_program& p) {
  ProgramCode code{};
  code.input_count = p.input_count;
  code.scalar_count = p.scalar_count;
  code.instruction_count = p.instruction_count;
  code.output_count = p.output_count;
  const uint32_t values = p.input_count + p.scalar_count + p.instruction_count;
  for (uint32_t i = 0; i < values; ++i) code.dtypes[i] = static_cast<uint8_t>(p.dtypes[i]);
  for (uint32_t i = 0; i < p.output_count; ++i)
    code.outputs[i] = static_cast<uint8_t>(p.outputs[i]);
  for (uint32_t i = 0; i < p.instruction_count; ++i) {
    const uint32_t* word = p.instructions[i];
    uint8_t* step = code.steps[i];
    step[0] = static_cast<uint8_t>(word[0] & 0xffffu);
    step[1] = static_cast<uint8_t>(word[0] >> 16);
    for (uint32_t k = 1; k < 4; ++k) step[1 + k] = static_cast<uint8_t>(word[k]);
  }
  return code;
}

}  // namespace

ProgramRunner::ProgramRunner(Context& context, const tnr_program& program)
    : code_(encode(program)), interpreted_(context.function("program", "program_interpreted")) {
  for (uint32_t i = 0; i < code_.instruction_count; ++i) {
    counts_elements_ = counts_elements_ || code_.steps[i][0] == TN_PROGRAM_INDEX;
  }
}

void ProgramRunner::launch(Launcher& launcher) {
  const size_t operands = launcher.operand_count();
  const tn_tensor* tensors[kProgramOperands];
  for (size_t i = 0; i < operands; ++i) tensors[i] = &launcher.tensor(i);
  const Space space =
      collapse({tensors, operands}, counts_elements_ ? Order::kRowMajor : Order::kMemory);
  if (space.count == 0) return;
  InterpretedParams p{};
  p.launch.count = space.count;
  p.launch.rank = space.rank;
  p.launch.operand_count = static_cast<uint32_t>(operands);
  std::memcpy(p.launch.shape, space.shape.data(), sizeof p.launch.shape);
  std::memcpy(p.launch.strides, space.strides.data(), sizeof p.launch.strides);
  for (size_t i = 0; i < operands; ++i) p.launch.data[i] = launcher.data(i);
  for (uint32_t i = 0; i < code_.scalar_count; ++i) p.launch.scalars[i] = launcher.scalars()[i];
  p.code = code_;
  launcher.run(interpreted_, Grid{.blocks_x = blocks_for(space.count, kThreads)}, p);
}

}  // namespace tenon::cuda
