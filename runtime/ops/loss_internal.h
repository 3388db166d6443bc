// Shared by the files of the loss family.
#pragma once

#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/ops/composite_internal.h>
#include <tenon/runtime/ops/loss.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>

namespace tenon {

void register_class_loss_ops(OpList& list);
void register_element_loss_ops(OpList& list);
void register_pair_loss_ops(OpList& list);

namespace ops {

// Errors: InvalidArgument for a reduction that the op does not have.
inline void check_reduction(std::string_view op, Reduction reduction) {
  const bool known = reduction == Reduction::kNone || reduction == Reduction::kMean ||
                     reduction == Reduction::kSum;
  check(known, ErrorCode::kInvalidArgument, op,
        "reduction must be none (0), mean (1) or sum (2), got ", static_cast<int64_t>(reduction));
}

[[nodiscard]] inline Tensor reduced(std::string_view op, const Tensor& losses,
                                    Reduction reduction) {
  check_reduction(op, reduction);
  switch (reduction) {
    case Reduction::kNone:
      return losses;
    case Reduction::kMean:
      return mean(losses);
    default:
      return sum(losses);
  }
}

// Errors: InvalidArgument when sizes differ, since (N, 1) against (N) would silently compare all
// pairs.
inline void check_sizes(std::string_view op, const Tensor& input, const Tensor& target) {
  check(input.sizes() == target.sizes(), ErrorCode::kInvalidArgument, op,
        "input and target must have the same sizes, got ", input.sizes(), " and ", target.sizes(),
        "; reshape or expand one");
}

inline void check_floats(std::string_view op, const Tensor& input, const Tensor& target) {
  check(input.is_floating_point() && target.is_floating_point(), ErrorCode::kDType, op,
        "floating point dtypes are needed, got ", input.dtype(), " and ", target.dtype(),
        "; convert with to()");
}

inline void check_pair(std::string_view op, const Tensor& input, const Tensor& target) {
  check_sizes(op, input, target);
  check_floats(op, input, target);
}

[[nodiscard]] inline Tensor weighted(const Tensor& losses, const Tensor& weight) {
  return weight.defined() ? losses.mul(weight) : losses;
}

// Instructions of a program whose f16 and bf16 operands are computed in f32.
class WideProgram {
 public:
  explicit WideProgram(ProgramBuilder& program)
      : program_(program), dtype_(accumulate_dtype(program.dtype())) {}

  [[nodiscard]] uint32_t arg(size_t i) { return program_.cast(program_.arg(i), dtype_); }
  [[nodiscard]] uint32_t scalar(size_t i) { return program_.cast(program_.scalar(i), dtype_); }
  [[nodiscard]] uint32_t constant(double value) {
    return program_.cast(program_.constant(value), dtype_);
  }
  [[nodiscard]] int64_t attribute(size_t i) const { return program_.attribute(i); }
  [[nodiscard]] uint32_t op(uint32_t opcode, uint32_t a) { return emit(opcode, {a}); }
  [[nodiscard]] uint32_t op(uint32_t opcode, uint32_t a, uint32_t b) {
    return emit(opcode, {a, b});
  }
  [[nodiscard]] uint32_t where(uint32_t condition, uint32_t a, uint32_t b) {
    return emit(TN_PROGRAM_WHERE, {condition, a, b});
  }

 private:
  uint32_t emit(uint32_t opcode, std::initializer_list<uint32_t> operands) {
    return program_.emit(opcode, dtype_, operands);
  }

  ProgramBuilder& program_;
  DType dtype_;
};

}  // namespace ops
}  // namespace tenon
