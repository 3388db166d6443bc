// program.
#include <algorithm>
#include <vector>

#include "../program.h"
#include "reduction.h"

namespace tenon::reference {
namespace {

constexpr size_t kMaxValues = kMaxInputs + kMaxScalars + kMaxInstructions;

// Dense and row-major, in the shape of t.
tn_tensor dense_like(const tn_tensor& t, uint32_t dtype) {
  tn_tensor out = t;
  out.dtype = dtype;
  int64_t stride = 1;
  for (uint32_t d = t.rank; d-- > 0; stride *= t.shape[d]) out.strides[d] = stride;
  return out;
}

class ProgramKernel : public Kernel {
 public:
  explicit ProgramKernel(const plugin::Signature& s) : Kernel(s), program_(read_program(s)) {}

  // A tail reduces the stored result, so that it has the bits of "reduce" by construction.
  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    if (program_.tail == 0) return 0;
    const int64_t size = support::dtype_size(program_.dtypes[program_.outputs[0]]);
    return static_cast<uint64_t>(plugin::element_count(*operands[1]) * size);
  }

  void run(const Call& call) const override {
    const auto outputs = call.operands.first(program_.outputs.size());
    const auto inputs = call.operands.subspan(program_.outputs.size());
    if (program_.tail == 0) return run(call, outputs, inputs);
    const tn_tensor dense = dense_like(*inputs[0].tensor, program_.dtypes[program_.outputs[0]]);
    const Operand result{&dense, call.workspace};
    run(call, {&result, 1}, inputs);
    reduce(call.host, outputs[0], result, program_.tail, program_.tail_dims);
  }

 private:
  void run(const Call& call, std::span<const Operand> outputs,
           std::span<const Operand> inputs) const {
    Walk to[kMaxOutputs], from[kMaxInputs];
    for (size_t i = 0; i < outputs.size(); ++i) to[i] = walk_of(*outputs[i].tensor);
    for (size_t i = 0; i < inputs.size(); ++i) from[i] = walk_of(*inputs[i].tensor);
    const int64_t count = to[0].count(), blocks = (count + kBlock - 1) / kBlock;
    call.host.parallel_for(blocks, 16, [&](int64_t first, int64_t last) {
      Block values[kMaxValues];
      read_scalars(call, values);
      for (int64_t begin = first * kBlock; begin < std::min(count, last * kBlock);
           begin += kBlock) {
        const int64_t n = std::min(kBlock, count - begin);
        for (size_t i = 0; i < inputs.size(); ++i) {
          read(from[i], inputs[i].tensor->dtype, inputs[i].data, begin, n, values[i]);
        }
        for (size_t i = 0; i < program_.instructions.size(); ++i) {
          evaluate(program_, i, values, begin, n);
        }
        for (size_t i = 0; i < outputs.size(); ++i) {
          write(to[i], outputs[i].tensor->dtype, outputs[i].data, begin, n,
                values[program_.outputs[i]]);
        }
      }
    });
  }

  void read_scalars(const Call& call, Block* values) const {
    for (uint32_t i = 0; i < program_.scalar_count; ++i) {
      Block& value = values[program_.input_count + i];
      read_scalar(call.scalars[i], program_.dtypes[program_.input_count + i], value);
      std::fill_n(value.whole, kBlock, value.whole[0]);
    }
  }

  Program program_;
};

std::string refuse_program(const plugin::Signature& s) {
  try {
    read_program(s);
  } catch (const plugin::Status& status) {
    return status.message();
  }
  return "";
}

constexpr Operator kOperators[] = {
    {TN_OP_PROGRAM, 0, 0, 0, refuse_program, make_kernel<ProgramKernel>},
};

}  // namespace

std::span<const Operator> elementwise_operators() { return kOperators; }

}  // namespace tenon::reference
