// A validated pointwise program, compiled to steps over blocks.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_PROGRAM_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_PROGRAM_H

#include <array>
#include <string_view>
#include <vector>

#include "../device.h"
#include "blocks.h"

namespace tenon::cpu {

inline constexpr uint32_t kMaxInstructions = 64;
inline constexpr uint32_t kMaxInputs = 16;
inline constexpr uint32_t kMaxScalars = 16;
inline constexpr uint32_t kMaxOutputs = 8;
inline constexpr uint32_t kMaxValues = kMaxInputs + kMaxScalars + kMaxInstructions;

// Why the program can't be run, or empty. `inputs` are the dtypes of its tensor inputs, `outputs`
// those of its outputs.
std::string_view check_program(const tn_program& program, const uint32_t* inputs,
                               const uint32_t* outputs);

// dtype of every value of a program that check_program accepted.
std::array<uint32_t, kMaxValues> value_dtypes(const tn_program& program, const uint32_t* inputs);

// Value operands of an opcode.
uint32_t operand_count(uint32_t opcode);

// Elements of a program that are worth a thread of their own: about 20 us.
int64_t program_grain(const tn_program& program);

struct Step {
  BlockFunction function;  // NULL: INDEX
  uint32_t opcode;
  uint32_t a, b, c;  // values
  uint32_t out;      // value
};

class BlockProgram {
 public:
  BlockProgram(const tn_program& program, const uint32_t* inputs,
               const ElementwiseKernels& kernels);

  [[nodiscard]] uint32_t input_count() const { return input_count_; }
  [[nodiscard]] uint32_t output_count() const { return static_cast<uint32_t>(outputs_.size()); }
  [[nodiscard]] uint32_t output_dtype(uint32_t i) const { return dtypes_[outputs_[i]]; }
  [[nodiscard]] int64_t block() const { return block_; }
  // Elements that are worth a thread of their own.
  [[nodiscard]] int64_t grain() const { return grain_; }

 private:
  friend class BoundProgram;
  void assign_slots();

  const ElementwiseKernels& kernels_;
  uint32_t input_count_;
  uint32_t scalar_count_;
  std::vector<Step> steps_;
  std::vector<uint32_t> outputs_;
  std::array<uint32_t, kMaxValues> dtypes_;
  std::array<uint32_t, kMaxValues> slots_;
  std::array<int32_t, kMaxValues> direct_output_;  // output that the value is written to, or -1
  uint32_t slot_count_ = 0;
  bool passes_inputs_ = false;  // an output is an input, and there are other outputs
  int64_t block_ = 0;
  int64_t grain_ = 0;
};

// A program with the operands of one launch.
class BoundProgram {
 public:
  // `outputs` may be NULL: then values are only read through value_block().
  BoundProgram(const BlockProgram& program, const tn_tensor* const* outputs,
               const tn_tensor* const* inputs, const uint64_t* scalars);

  // The same over a permuted space: position i stands for dimension order[i].
  BoundProgram(const BlockProgram& program, const tn_tensor* const* inputs, const uint64_t* scalars,
               int rank, const int* order, const int64_t* shape);

  // Fills the frame's constant part; once per frame.
  void enter(Frame& frame) const;
  // Runs elements [start, start + n), n <= block(), and stores the outputs.
  void run(Frame& frame, int64_t start, int64_t n) const;
  // Runs them and answers where the values of output 0 lie.
  const void* value_block(Frame& frame, int64_t start, int64_t n) const;

 private:
  void bind_scalars(const uint64_t* scalars);
  void bind_inputs(const tn_tensor* const* inputs, int rank, const int* order,
                   const int64_t* shape);
  void evaluate(Frame& frame, int64_t start, int64_t n, const std::byte** at) const;
  void fill_index(int64_t* out, int64_t start, int64_t n) const;
  [[nodiscard]] std::byte* slot(Frame& frame, uint32_t value) const {
    return frame.bytes + program_.slots_[value] * program_.block_ * 8;
  }

  struct Operand {
    std::byte* data;
    Layout layout;
    uint32_t dtype;
    bool direct;    // blocks are used in place
    bool constant;  // one element for all
  };

  const BlockProgram& program_;
  Operand inputs_[kMaxInputs];
  Operand outputs_[kMaxOutputs];
  bool stores_;
  bool has_index_ = false;
  Layout index_layout_;
  uint64_t scalars_[kMaxScalars];  // as compute values of their dtypes
};

}  // namespace tenon::cpu

#endif
