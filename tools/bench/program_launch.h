// A pointwise program handed to a plugin whole, past the runtime's calls: for measuring what the
// device does with it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include <tenon/api/device_plugin.h>
#include <tenon/runtime/device_context.h>
#include <tenon/runtime/tensor.h>
#include <tenon/runtime/tensor_impl.h>

namespace tenon::bench {

// A program over `inputs` f32 tensors and f32 scalars, whose last instruction is the result. Values
// are numbered: inputs, scalars, instructions.
struct ProgramText {
  uint32_t inputs = 0;
  std::vector<double> scalars = {};
  std::vector<uint32_t> words = {};

  // Appends an instruction, answers its number.
  uint32_t add(uint32_t opcode, uint32_t a, uint32_t b = 0, uint32_t c = 0) {
    words.insert(words.end(), {opcode | TN_DTYPE_F32 << 16, a, b, c});
    return last();
  }
  [[nodiscard]] uint32_t last() const {
    return inputs + static_cast<uint32_t>(scalars.size() + words.size() / 4) - 1;
  }
};

// Prepared for dense operands of one shape, the result first, with a stream of its own.
// Errors: Device, and what the plugin answers.
class ProgramLaunch {
 public:
  ProgramLaunch(const ProgramText& text, std::vector<Tensor> operands)
      : context_(DeviceContext::get(operands.front().device())), operands_(std::move(operands)) {
    context_.require_compute();
    for (const Tensor& t : operands_) descriptors_.push_back(t.impl()->operand());
    for (const double value : text.scalars) slots_.push_back(std::bit_cast<uint64_t>(value));
    context_.synchronize();  // the operands were written on another stream
    must(context_.plugin().core.stream_create(context_.handle(), &stream_));
    prepare(text);
    launch_ = context_.plugin().ops.launch;
  }
  ~ProgramLaunch() {
    uint64_t failed_tag = 0;
    (void)context_.plugin().core.stream_sync(stream_, &failed_tag);
    context_.plugin().ops.kernel_release(kernel_);
    context_.plugin().core.stream_destroy(stream_);
  }
  ProgramLaunch(const ProgramLaunch&) = delete;
  ProgramLaunch& operator=(const ProgramLaunch&) = delete;

  void launch() const {
    const tn_status status =
        launch_(stream_, kernel_, descriptors_.data(), slots_.data(), nullptr, 0);
    if (status != TN_OK) must(status);
  }
  void synchronize() const {
    uint64_t failed_tag = 0;
    must(context_.plugin().core.stream_sync(stream_, &failed_tag));
  }
  [[nodiscard]] const Tensor& result() const { return operands_.front(); }

 private:
  void must(tn_status status) const { check_status(context_.plugin(), status, "program"); }

  void prepare(const ProgramText& text) {
    const std::vector<uint32_t> dtypes(text.scalars.size(), TN_DTYPE_F32);
    const uint32_t output = text.last();
    tn_program program{};
    program.struct_size = sizeof program;
    program.input_count = text.inputs;
    program.scalar_count = static_cast<uint32_t>(dtypes.size());
    program.instruction_count = static_cast<uint32_t>(text.words.size() / 4);
    program.output_count = 1;
    program.scalar_dtypes = dtypes.data();
    program.instructions = text.words.data();
    program.outputs = &output;
    std::vector<uint64_t> classes;
    for (const tn_tensor* t : descriptors_) {
      const int alignment = std::min(6, std::countr_zero(t->offset_bytes));
      classes.push_back(TN_CLASS(t->dtype, t->rank, TN_LAYOUT_CONTIGUOUS, alignment));
    }
    tn_signature signature{};
    signature.struct_size = sizeof signature;
    signature.flags = TN_SIGNATURE_DENSE;
    signature.op = TN_OP_PROGRAM;
    signature.op_size = sizeof TN_OP_PROGRAM - 1;
    signature.op_version = 1;
    signature.output_count = 1;
    signature.operand_count = static_cast<uint32_t>(descriptors_.size());
    signature.classes = classes.data();
    signature.operands = descriptors_.data();
    signature.program = &program;
    must(context_.plugin().ops.prepare(context_.handle(), &signature, &kernel_));
  }

  DeviceContext& context_;
  std::vector<Tensor> operands_;
  std::vector<const tn_tensor*> descriptors_;
  std::vector<uint64_t> slots_;
  tn_stream stream_ = nullptr;
  tn_kernel kernel_ = nullptr;
  decltype(tn_ops::launch) launch_ = nullptr;
};

}  // namespace tenon::bench
