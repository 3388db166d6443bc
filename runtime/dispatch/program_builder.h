// Pointwise programs under construction: ops emit instructions, the dispatcher turns them into
// tn_program blocks that fit the device's limits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/dtype.h>
#include <tenon/runtime/export.h>
#include <tenon/runtime/scalar.h>

namespace tenon {

// Where a scalar slot gets its value: an argument of the call, or a constant of the op.
struct ScalarSource {
  DType dtype = DType::kFloat32;
  bool is_constant = false;
  uint32_t argument = 0;  // index into the call's scalars
  Scalar constant = {};
};

// A value of a program: input, scalar or instruction, before numbers are assigned.
struct ProgramValue {
  enum Kind : uint8_t { kInput, kScalar, kInstruction } kind = kInput;
  uint32_t index = 0;
  friend bool operator==(const ProgramValue&, const ProgramValue&) = default;
};

struct ProgramInstruction {
  uint32_t opcode = 0;
  DType dtype = DType::kFloat32;
  DType result = DType::kFloat32;
  uint32_t operand_count = 0;
  ProgramValue operands[3] = {};
};

struct ProgramDraft {
  std::vector<DType> inputs;
  std::vector<ScalarSource> scalars;
  std::vector<ProgramInstruction> instructions;
  ProgramValue result;
};

// What an op's emit function sees.
class TENON_API ProgramBuilder {
 public:
  // One operand of the call: a tensor input or a scalar.
  struct Argument {
    bool is_tensor = true;
    DType dtype = DType::kFloat32;
  };
  ProgramBuilder(std::span<const Argument> arguments, uint32_t extra_scalars,
                 std::span<const int64_t> attributes, DType dtype);

  // The dtype that the op computes in.
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] bool is_bool() const noexcept { return dtype_ == DType::kBool; }
  [[nodiscard]] size_t argument_count() const noexcept { return arguments_.size(); }
  [[nodiscard]] int64_t attribute(size_t i) const { return attributes_[i]; }

  // From here on f16 and bf16 are computed in f32, so that the result is rounded once. Call it first.
  void widen() {
    if (dtype_ == DType::kFloat16 || dtype_ == DType::kBFloat16) dtype_ = DType::kFloat32;
  }
  // Operand i in dtype(), or in its own dtype.
  uint32_t arg(size_t i);
  uint32_t raw_arg(size_t i);
  // The op's extra scalar i (after the operands), in dtype().
  uint32_t scalar(size_t i);
  uint32_t constant(Scalar value);
  // One instruction in dtype().
  uint32_t op(uint32_t opcode, uint32_t a) { return emit(opcode, dtype_, {a}); }
  uint32_t op(uint32_t opcode, uint32_t a, uint32_t b) { return emit(opcode, dtype_, {a, b}); }
  uint32_t op(uint32_t opcode, uint32_t a, uint32_t b, uint32_t c) {
    return emit(opcode, dtype_, {a, b, c});
  }
  uint32_t emit(uint32_t opcode, DType dtype, std::initializer_list<uint32_t> operands);
  uint32_t cast(uint32_t value, DType to);
  [[nodiscard]] DType dtype_of(uint32_t value) const;

  // Ends the program with `value`, cast to `result`.
  [[nodiscard]] ProgramDraft finish(uint32_t value, DType result);

 private:
  uint32_t add(ProgramValue value);

  std::vector<Argument> arguments_;
  std::vector<int64_t> attributes_;
  DType dtype_;
  uint32_t scalar_arguments_ = 0;
  std::vector<uint32_t> input_of_;   // argument → input index (tensors)
  std::vector<uint32_t> scalar_of_;  // argument → position among the call's scalars
  std::vector<ProgramValue> values_;
  ProgramDraft draft_;
};

// One launch of a split program. Operand sources say which tensor each input and output is.
struct ProgramStep {
  struct Source {
    bool is_temporary = false;
    uint32_t index = 0;  // program input, or temporary
  };
  std::vector<Source> inputs;
  std::vector<uint32_t> scalars;  // indices into the draft's scalars
  std::vector<uint32_t> instructions;  // words of tn_program
  std::vector<uint32_t> scalar_dtypes;
  std::vector<uint32_t> outputs;          // value numbers
  std::vector<uint32_t> output_targets;   // temporary index, or kResult
  static constexpr uint32_t kResult = UINT32_MAX;

  // Valid while the step lives.
  [[nodiscard]] tn_program program() const;
};

struct SplitProgram {
  std::vector<ProgramStep> steps;
  std::vector<DType> temporaries;
};

// Cuts a draft into steps within the device's limits. Errors: Unsupported when one instruction
// alone does not fit.
[[nodiscard]] SplitProgram split_program(const ProgramDraft& draft, const tn_device_info& info,
                                         std::string_view op);

}  // namespace tenon
