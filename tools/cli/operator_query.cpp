#include "operator_query.h"

#include <array>
#include <cstdint>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/device_context.h>

namespace tenon::cli {
namespace {

constexpr uint32_t kF32 = TN_DTYPE_F32, kI64 = TN_DTYPE_I64;
constexpr uint32_t kMaxExtents = 4;
constexpr uint64_t kBufferBytes = 65536;

struct Operand {
  uint32_t dtype = 0;  // 0 ends the list
  uint32_t rank = 0;
  int64_t shape[kMaxExtents] = {};
};
struct Example {
  std::string_view op;
  bool required = false;
  uint32_t output_count = 1;
  Operand operands[3];
  uint32_t attribute_count = 0;
  int64_t attributes[8] = {};
};

constexpr Operand kMatrix{kF32, 2, {8, 8}};
constexpr Operand kIndex{kI64, 2, {8, 8}};
constexpr Operand kImages{kF32, 4, {2, 4, 8, 8}};
constexpr Operand kPooled{kF32, 4, {2, 4, 4, 4}};
constexpr Operand kPlaces{kI64, 4, {2, 4, 4, 4}};
constexpr Operand kMaps{kF32, 4, {2, 6, 6, 6}};
constexpr Operand kFilters{kF32, 4, {6, 4, 3, 3}};

// Shapes and attributes as api/OPERATORS.md lists them.
constexpr Example kExamples[] = {
    {TN_OP_FILL, true, 1, {kMatrix}},
    {TN_OP_COPY, true, 1, {kMatrix, kMatrix}},
    {TN_OP_PROGRAM, true, 1, {kMatrix, kMatrix, kMatrix}},
    {TN_OP_REDUCE, true, 1, {{kF32, 2, {8, 1}}, kMatrix}, 2, {TN_REDUCE_SUM, 2}},
    {TN_OP_MATMUL, true, 1, {kMatrix, kMatrix, kMatrix}},
    {TN_OP_GATHER, true, 1, {kMatrix, kMatrix, kIndex}, 1, {1}},
    {TN_OP_SCATTER, true, 1, {kMatrix, kIndex, kMatrix}, 2, {1, TN_SCATTER_ADD}},
    {TN_OP_SCAN, true, 1, {kMatrix, kMatrix}, 2, {1, TN_SCAN_SUM}},
    {TN_OP_SORT, true, 2, {kMatrix, kIndex, kMatrix}, 2, {1, 0}},
    {TN_OP_NONZERO_COUNT, true, 1, {{kI64, 0, {}}, kMatrix}},
    {TN_OP_NONZERO, true, 1, {{kI64, 2, {4, 2}}, kMatrix}},
    {TN_OP_RANDOM, true, 1, {kMatrix}, 1, {TN_RANDOM_UNIFORM}},
    {"linear", false, 1, {kMatrix, kMatrix, kMatrix}},
    {"conv2d", false, 1, {kMaps, kImages, kFilters}, 7, {1, 1, 0, 0, 1, 1, 1}},
    {"conv2d_input_grad", false, 1, {kImages, kMaps, kFilters}, 7, {1, 1, 0, 0, 1, 1, 1}},
    {"conv2d_weight_grad", false, 1, {kFilters, kMaps, kImages}, 7, {1, 1, 0, 0, 1, 1, 1}},
    {"max_pool2d", false, 2, {kPooled, kPlaces, kImages}, 8, {2, 2, 2, 2, 0, 0, 1, 1}},
    {"max_pool2d_grad", false, 1, {kImages, kPooled, kPlaces}},
    {"avg_pool2d", false, 1, {kPooled, kImages}, 7, {2, 2, 2, 2, 0, 0, 1}},
    {"softmax", false, 1, {kMatrix, kMatrix}, 1, {1}},
    {"log_softmax", false, 1, {kMatrix, kMatrix}, 1, {1}},
    {"softmax_grad", false, 1, {kMatrix, kMatrix, kMatrix}, 1, {1}},
    {"log_softmax_grad", false, 1, {kMatrix, kMatrix, kMatrix}, 1, {1}},
};

tn_tensor make_tensor(const Operand& operand, tn_buffer buffer) {
  tn_tensor tensor{};
  tensor.struct_size = sizeof tensor;
  tensor.buffer = buffer;
  tensor.dtype = operand.dtype;
  tensor.rank = operand.rank;
  int64_t stride = 1;
  for (uint32_t d = operand.rank; d-- > 0;) {
    tensor.shape[d] = operand.shape[d];
    tensor.strides[d] = stride;
    stride *= operand.shape[d];
  }
  return tensor;
}

// a + b
struct AddProgram {
  uint32_t instructions[4] = {TN_PROGRAM_ADD | kF32 << 16, 0, 1, 0};
  uint32_t outputs[1] = {2};
  tn_program program{};

  AddProgram() {
    program.struct_size = sizeof program;
    program.input_count = 2;
    program.instruction_count = 1;
    program.output_count = 1;
    program.instructions = instructions;
    program.outputs = outputs;
  }
};

Answer to_answer(const tn_answer& answer) {
  const auto size = std::string_view(answer.reason, sizeof answer.reason).find('\0');
  const std::string reason(answer.reason, std::min(size, sizeof answer.reason));
  if ((answer.flags & TN_ANSWER_HOST_STAGED) != 0) return {"host-staged", reason};
  if (answer.support == TN_ANSWER_NATIVE) return {"native", {}};
  if (answer.support == TN_ANSWER_CONTIGUOUS) return {"native once contiguous", {}};
  return {"no", reason};
}

}  // namespace

struct OperatorQuery::Impl {
  DeviceContext& context;
  tn_buffer buffer = nullptr;

  Answer ask(const Example& example) const {
    std::array<tn_tensor, 3> tensors;
    const tn_tensor* operands[3];
    uint64_t classes[3];
    uint32_t count = 0;
    for (const Operand& operand : example.operands) {
      if (operand.dtype == 0) break;
      tensors[count] = make_tensor(operand, buffer);
      operands[count] = &tensors[count];
      classes[count++] = TN_CLASS(operand.dtype, operand.rank, TN_LAYOUT_CONTIGUOUS, 6);
    }
    const AddProgram add;
    tn_signature signature{};
    signature.struct_size = sizeof signature;
    signature.op = example.op.data();
    signature.op_size = example.op.size();
    signature.op_version = 1;
    signature.output_count = example.output_count;
    signature.operand_count = count;
    signature.attribute_count = example.attribute_count;
    signature.classes = classes;
    signature.operands = operands;
    signature.attributes = example.attributes;
    signature.program = example.op == TN_OP_PROGRAM ? &add.program : nullptr;
    tn_answer answer{};
    answer.struct_size = sizeof answer;
    const tn_status status = context.plugin().ops.query(context.handle(), &signature, &answer);
    if (status != TN_OK) return {"no", take_plugin_error()};
    return to_answer(answer);
  }
};

OperatorQuery::OperatorQuery(const Device& device) : impl_(new Impl{DeviceContext::get(device)}) {
  try {
    impl_->context.require_compute();
    const Plugin& plugin = impl_->context.plugin();
    check_status(plugin,
                 plugin.core.buffer_alloc(impl_->context.handle(), kBufferBytes, &impl_->buffer),
                 "ops");
  } catch (...) {
    delete impl_;
    throw;
  }
}

OperatorQuery::~OperatorQuery() {
  impl_->context.plugin().core.buffer_free(impl_->buffer);
  delete impl_;
}

Answer OperatorQuery::ask(std::string_view op) const {
  for (const Example& example : kExamples) {
    if (example.op == op) return impl_->ask(example);
  }
  return {"unknown", {}};
}

std::vector<std::string_view> required_operators() {
  std::vector<std::string_view> names;
  for (const Example& example : kExamples) {
    if (example.required) names.push_back(example.op);
  }
  return names;
}

}  // namespace tenon::cli
