// A pointwise program that this device accepts (api/PROGRAM.md), and its emission as SPIR-V.
#ifndef TENON_PLUGINS_VULKAN_KERNELS_PROGRAM_PLAN_H
#define TENON_PLUGINS_VULKAN_KERNELS_PROGRAM_PLAN_H

#include <string>
#include <vector>

#include "../kernel.h"

namespace tenon::vulkan {

struct Instruction {
  uint32_t opcode;
  uint32_t dtype;
  uint32_t operands[3];
};

// Where an operand's element number i lies.
enum class Layout : uint8_t { kDense, kOne, kStrided };

struct ProgramPlan {
  std::vector<uint32_t> dtypes;  // of every value: inputs, scalars, instructions
  uint32_t input_count = 0;
  uint32_t scalar_count = 0;
  std::vector<Instruction> instructions;
  std::vector<uint32_t> outputs;
  uint32_t rank = 0;
  std::vector<Layout> layouts;  // of every operand: outputs, inputs

  // First words in the parameter block.
  [[nodiscard]] uint32_t address_word(size_t operand) const {
    return static_cast<uint32_t>(2 + 2 * operand);
  }
  [[nodiscard]] uint32_t scalar_word(size_t scalar) const {
    return address_word(layouts.size()) + static_cast<uint32_t>(2 * scalar);
  }
  [[nodiscard]] uint32_t shape_word() const { return scalar_word(scalar_count); }
  [[nodiscard]] uint32_t stride_word(size_t strided) const {
    return shape_word() + rank * static_cast<uint32_t>(1 + strided);
  }
  [[nodiscard]] bool is_strided() const;
};

// Throws Status(UNSUPPORTED) with the reason when the program or its operands are not valid.
ProgramPlan read_program(const Gpu& gpu, const plugin::Signature& signature);

// The plan of `fill` and of `copy`.
ProgramPlan fill_plan(const plugin::Signature& signature);
ProgramPlan copy_plan(const Gpu& gpu, const plugin::Signature& signature);

// Layouts and rank of the operands.
void set_layouts(ProgramPlan& plan, const plugin::Signature& signature);

// The whole module.
std::vector<uint32_t> emit_program(const Gpu& gpu, const ProgramPlan& plan);

}  // namespace tenon::vulkan

#endif
