// Fused steps: what an optimizer does to one tensor is one pointwise program.
#pragma once

#include <array>

#include <tenon/runtime/dispatch/operator.h>
#include <tenon/runtime/dispatch/program_builder.h>

namespace tenon::optim {

// A record that only optimizers call; its first operand is the tensor that it writes.
[[nodiscard]] constexpr Op::Spec step_spec(const char* name, const char* doc,
                                           uint32_t (*emit)(ProgramBuilder&)) {
  return {
      .name = name, .schema = "", .doc = doc, .flags = kNoGradient | kInPlaceForm, .emit = emit};
}

// The arithmetic of programs as expressions.
class Step {
 public:
  struct Value {
    ProgramBuilder* program;
    uint32_t number;
    friend Value operator+(Value a, Value b) { return a.op(TN_PROGRAM_ADD, b); }
    friend Value operator-(Value a, Value b) { return a.op(TN_PROGRAM_SUB, b); }
    friend Value operator*(Value a, Value b) { return a.op(TN_PROGRAM_MUL, b); }
    friend Value operator/(Value a, Value b) { return a.op(TN_PROGRAM_DIV, b); }
    [[nodiscard]] Value op(uint32_t opcode, Value b) const {
      return {program, program->op(opcode, number, b.number)};
    }
  };
  explicit Step(ProgramBuilder& program) : program_(&program) {}
  [[nodiscard]] Value tensor(size_t i) const { return {program_, program_->arg(i)}; }
  [[nodiscard]] Value scalar(size_t i) const { return {program_, program_->scalar(i)}; }
  [[nodiscard]] bool flag(size_t i) const { return program_->attribute(i) != 0; }
  [[nodiscard]] static Value sqrt(Value x) { return unary(TN_PROGRAM_SQRT, x); }
  [[nodiscard]] static Value abs(Value x) { return unary(TN_PROGRAM_ABS, x); }
  [[nodiscard]] static Value sign(Value x) { return unary(TN_PROGRAM_SIGN, x); }
  [[nodiscard]] static Value max(Value a, Value b) { return a.op(TN_PROGRAM_MAX, b); }

 private:
  static Value unary(uint32_t opcode, Value x) {
    return {x.program, x.program->op(opcode, x.number)};
  }
  ProgramBuilder* program_;
};

// One launch: self = program(self, others…, scalars…).
inline void run_step(const Op& op, Tensor& self, std::initializer_list<Operand> others,
                     std::initializer_list<Scalar> scalars,
                     std::initializer_list<int64_t> attributes = {}) {
  (void)pointwise_(op, self, others, scalars, attributes);
}

// The plugin's own step of that name, else the record's composition. Writes all of `written`.
template <size_t kCount>
void run_plugin_step(const Op& op, std::array<Tensor, kCount> written, const Tensor& gradient,
                     std::initializer_list<int64_t> attributes,
                     std::initializer_list<Scalar> scalars) {
  const Tensor* inputs[] = {&gradient};
  OpCall call{.op = op,
              .inputs = inputs,
              .attributes = {attributes.begin(), attributes.size()},
              .scalars = {scalars.begin(), scalars.size()},
              .outputs = written,
              .form = CallForm::kInPlace};
  write_in_place(call, [](OpCall& in_place) { dispatch(in_place); });
  for (size_t i = 1; i < kCount; ++i) written[i].impl()->storage->bump_version();
}

}  // namespace tenon::optim
