#include "elementwise_program.h"

#include <algorithm>
#include <cstring>

namespace tenon::cpu {
namespace {

bool is_comparison(uint32_t opcode) {
  return opcode >= TN_PROGRAM_EQ && opcode <= TN_PROGRAM_ISNAN;
}

bool is_defined(uint32_t opcode, uint32_t dtype) {
  if (opcode == TN_PROGRAM_CAST) return true;
  if (opcode == TN_PROGRAM_INDEX) return dtype == TN_DTYPE_I64;
  return opcode < kOpcodeCount && elementwise_baseline().op[opcode][dtype] != nullptr;
}

// In units of one addition; transcendental functions cost about eight.
int64_t instruction_cost(uint32_t opcode) {
  if (opcode >= TN_PROGRAM_SQRT && opcode < TN_PROGRAM_RELU) return 8;
  const bool slow =
      opcode == TN_PROGRAM_POW || opcode == TN_PROGRAM_REM || opcode == TN_PROGRAM_ATAN2;
  return slow ? 64 : 1;
}

}  // namespace

uint32_t operand_count(uint32_t opcode) {
  if (opcode == TN_PROGRAM_INDEX) return 0;
  if (opcode == TN_PROGRAM_WHERE || opcode == TN_PROGRAM_FMA) return 3;
  if (opcode == TN_PROGRAM_NOT || opcode == TN_PROGRAM_ISNAN) return 1;
  return opcode < TN_PROGRAM_WHERE ? 2 : 1;
}

int64_t program_grain(const tn_program& p) {
  int64_t cost = 1;
  for (uint32_t i = 0; i < p.instruction_count; ++i) {
    cost += instruction_cost(p.instructions[4 * i] & 0xffffu);
  }
  return std::max<int64_t>(2048, 131072 / cost);
}

std::array<uint32_t, kMaxValues> value_dtypes(const tn_program& p, const uint32_t* inputs) {
  std::array<uint32_t, kMaxValues> dtypes{};
  uint32_t v = 0;
  for (uint32_t i = 0; i < p.input_count; ++i) dtypes[v++] = inputs[i];
  for (uint32_t i = 0; i < p.scalar_count; ++i) dtypes[v++] = p.scalar_dtypes[i];
  for (uint32_t i = 0; i < p.instruction_count; ++i) {
    const uint32_t word = p.instructions[4 * i];
    dtypes[v++] = is_comparison(word & 0xffffu) ? TN_DTYPE_BOOL : word >> 16;
  }
  return dtypes;
}

std::string_view check_program(const tn_program& p, const uint32_t* inputs,
                               const uint32_t* outputs) {
  if (p.input_count > kMaxInputs || p.scalar_count > kMaxScalars ||
      p.instruction_count > kMaxInstructions || p.output_count > kMaxOutputs ||
      p.output_count == 0) {
    return "the program exceeds the device's limits";
  }
  for (uint32_t i = 0; i < p.scalar_count; ++i) {
    if (!is_known_dtype(p.scalar_dtypes[i])) return "a scalar has an unknown dtype";
  }
  for (uint32_t i = 0; i < p.instruction_count; ++i) {
    const uint32_t dtype = p.instructions[4 * i] >> 16;
    if (!is_known_dtype(dtype)) return "an instruction has an unknown dtype";
  }
  const auto dtypes = value_dtypes(p, inputs);
  uint32_t value = p.input_count + p.scalar_count;
  for (uint32_t i = 0; i < p.instruction_count; ++i, ++value) {
    const uint32_t* word = p.instructions + 4 * i;
    const uint32_t opcode = word[0] & 0xffffu;
    const uint32_t dtype = word[0] >> 16;
    if (!is_defined(opcode, dtype)) return "an instruction is not defined for its dtype";
    for (uint32_t k = 0; k < operand_count(opcode); ++k) {
      if (word[1 + k] >= value) return "an instruction reads a later value";
      const bool condition = opcode == TN_PROGRAM_WHERE && k == 0;
      const uint32_t wanted = condition ? TN_DTYPE_BOOL : dtype;
      if (opcode != TN_PROGRAM_CAST && dtypes[word[1 + k]] != wanted) {
        return "an operand's dtype differs from its instruction's";
      }
    }
  }
  for (uint32_t i = 0; i < p.output_count; ++i) {
    if (p.outputs[i] >= value) return "an output names no value";
    if (p.tail == 0 && dtypes[p.outputs[i]] != outputs[i]) return "an output has another dtype";
  }
  if (p.tail == 0) return {};
  const bool truth = p.tail == TN_REDUCE_ANY || p.tail == TN_REDUCE_ALL;
  if (p.tail > TN_REDUCE_ALL || p.tail == TN_REDUCE_ARGMAX || p.tail == TN_REDUCE_ARGMIN ||
      p.output_count != 1) {
    return "the tail is no reduction of one output";
  }
  return outputs[0] == (truth ? TN_DTYPE_BOOL : dtypes[p.outputs[0]])
             ? std::string_view{}
             : "the tail's output has another dtype";
}

BlockProgram::BlockProgram(const tn_program& p, const uint32_t* inputs,
                           const ElementwiseKernels& kernels)
    : kernels_(kernels),
      input_count_(p.input_count),
      scalar_count_(p.scalar_count),
      dtypes_(value_dtypes(p, inputs)) {
  uint32_t value = p.input_count + p.scalar_count;
  for (uint32_t i = 0; i < p.instruction_count; ++i, ++value) {
    const uint32_t* word = p.instructions + 4 * i;
    Step step{};
    step.opcode = word[0] & 0xffffu;
    step.a = word[1];
    step.b = operand_count(step.opcode) > 1 ? word[2] : word[1];
    step.c = operand_count(step.opcode) > 2 ? word[3] : word[1];
    step.out = value;
    if (step.opcode == TN_PROGRAM_CAST) {
      step.function = kernels.cast[dtypes_[step.a]][dtypes_[value]];
    } else if (step.opcode == TN_PROGRAM_INDEX) {
      step.a = step.b = step.c = value;
    } else {
      step.function = kernels.op[step.opcode][word[0] >> 16];
    }
    steps_.push_back(step);
  }
  outputs_.assign(p.outputs, p.outputs + p.output_count);
  for (const uint32_t v : outputs_) passes_inputs_ |= v < input_count_ && outputs_.size() > 1;
  grain_ = program_grain(p) / 2;
  assign_slots();
}

void BlockProgram::assign_slots() {
  std::array<int, kMaxValues> last_use{};
  const int end = static_cast<int>(steps_.size());
  last_use.fill(-1);
  for (int i = 0; i < end; ++i) {
    const Step& s = steps_[static_cast<size_t>(i)];
    for (const uint32_t v : {s.a, s.b, s.c}) last_use[v] = i;
  }
  for (const uint32_t v : outputs_) last_use[v] = end;
  const uint32_t fixed = input_count_ + scalar_count_;
  int inputs_done = 0;
  for (uint32_t v = 0; v < input_count_; ++v) inputs_done = std::max(inputs_done, last_use[v]);

  std::vector<uint32_t> free_slots;
  for (uint32_t v = 0; v < fixed; ++v) slots_[v] = slot_count_++;
  for (int i = 0; i < end; ++i) {
    const Step& s = steps_[static_cast<size_t>(i)];
    if (free_slots.empty()) free_slots.push_back(slot_count_++);
    slots_[s.out] = free_slots.back();
    free_slots.pop_back();
    const uint32_t used[3] = {s.a, s.b, s.c};
    for (int k = 0; k < 3; ++k) {
      const bool repeated = (k > 0 && used[k] == used[0]) || (k > 1 && used[k] == used[1]);
      if (used[k] >= fixed && last_use[used[k]] == i && !repeated && used[k] != s.out) {
        free_slots.push_back(slots_[used[k]]);
      }
    }
    if (last_use[s.out] < i) free_slots.push_back(slots_[s.out]);
  }
  slot_count_ = std::max(slot_count_, 1u);
  block_ = 1024;
  while (block_ * 8 * slot_count_ > kFrameBytes) block_ /= 2;

  // The last reader of an input may already write to an output's memory, which may be that input.
  direct_output_.fill(-1);
  for (size_t o = outputs_.size(); o-- > 0;) {
    const uint32_t v = outputs_[o];
    if (v >= fixed && static_cast<int>(v - fixed) >= inputs_done && !is_half_dtype(dtypes_[v])) {
      direct_output_[v] = static_cast<int32_t>(o);
    }
  }
}

BoundProgram::BoundProgram(const BlockProgram& program, const tn_tensor* const* outputs,
                           const tn_tensor* const* inputs, const uint64_t* scalars)
    : program_(program), stores_(true) {
  const tn_tensor& space = *outputs[0];
  constexpr int kIdentity[TN_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  bind_scalars(scalars);
  bind_inputs(inputs, static_cast<int>(space.rank), kIdentity, space.shape);
  for (uint32_t i = 0; i < program.output_count(); ++i) {
    Operand& o = outputs_[i];
    o.data = data_of(*outputs[i]);
    o.layout = collapse(*outputs[i]);
    o.dtype = outputs[i]->dtype;
    o.direct = o.layout.is_dense();
  }
}

BoundProgram::BoundProgram(const BlockProgram& program, const tn_tensor* const* inputs,
                           const uint64_t* scalars, int rank, const int* order,
                           const int64_t* shape)
    : program_(program), stores_(false) {
  bind_scalars(scalars);
  bind_inputs(inputs, rank, order, shape);
}

void BoundProgram::bind_scalars(const uint64_t* scalars) {
  for (uint32_t i = 0; i < program_.scalar_count_; ++i) {
    const uint32_t dtype = program_.dtypes_[program_.input_count_ + i];
    const uint32_t from = is_float_dtype(dtype) ? TN_DTYPE_F64 : TN_DTYPE_I64;
    program_.kernels_.cast[from][dtype](&scalars_[i], &scalars[i], nullptr, nullptr, 1);
  }
}

void BoundProgram::bind_inputs(const tn_tensor* const* inputs, int rank, const int* order,
                               const int64_t* shape) {
  int64_t strides[TN_MAX_RANK];
  for (uint32_t i = 0; i < program_.input_count_; ++i) {
    Operand& in = inputs_[i];
    in.data = data_of(*inputs[i]);
    in.dtype = inputs[i]->dtype;
    for (int d = 0; d < rank; ++d) strides[d] = inputs[i]->strides[order[d]];
    in.layout = collapse(rank, shape, strides);
    in.constant = in.layout.is_one_element();
    in.direct = in.layout.is_dense() && !in.constant && !is_half_dtype(in.dtype) &&
                in.dtype != TN_DTYPE_BOOL && !program_.passes_inputs_;
  }
  for (const Step& step : program_.steps_) has_index_ |= step.function == nullptr;
  if (!has_index_) return;
  int64_t row_major[TN_MAX_RANK];
  int64_t original[TN_MAX_RANK];
  int64_t stride = 1;
  for (int d = 0; d < rank; ++d) original[order[d]] = shape[d];
  for (int d = rank - 1; d >= 0; --d) row_major[d] = stride, stride *= original[d];
  for (int d = 0; d < rank; ++d) strides[d] = row_major[order[d]];
  index_layout_ = collapse(rank, shape, strides);
}

void BoundProgram::fill_index(int64_t* out, int64_t start, int64_t n) const {
  RunCursor cursor(index_layout_, start);
  while (n > 0) {
    const int64_t run = std::min(n, cursor.run());
    for (int64_t i = 0; i < run; ++i) *out++ = cursor.offset() + i * cursor.stride();
    cursor.advance(run);
    n -= run;
  }
}

void BoundProgram::enter(Frame& frame) const {
  const ElementwiseKernels& kernels = program_.kernels_;
  for (uint32_t i = 0; i < program_.scalar_count_; ++i) {
    const uint32_t v = program_.input_count_ + i;
    kernels.load[compute_dtype(program_.dtypes_[v])](slot(frame, v), &scalars_[i], 0,
                                                     program_.block_);
  }
  for (uint32_t v = 0; v < program_.input_count_; ++v) {
    const Operand& in = inputs_[v];
    if (in.constant) kernels.load[in.dtype](slot(frame, v), in.data, 0, program_.block_);
  }
}

void BoundProgram::evaluate(Frame& frame, int64_t start, int64_t n, const std::byte** at) const {
  const ElementwiseKernels& kernels = program_.kernels_;
  const uint32_t fixed = program_.input_count_ + program_.scalar_count_;
  for (uint32_t v = 0; v < fixed; ++v) {
    at[v] = slot(frame, v);
    if (v >= program_.input_count_ || inputs_[v].constant) continue;
    const Operand& in = inputs_[v];
    if (in.direct) {
      at[v] = in.data + start * dtype_size(in.dtype);
    } else {
      gather_block(kernels, in.dtype, in.data, in.layout, start, n, slot(frame, v));
    }
  }
  for (const Step& step : program_.steps_) {
    std::byte* out = slot(frame, step.out);
    const int32_t direct = program_.direct_output_[step.out];
    if (stores_ && direct >= 0 && outputs_[direct].direct) {
      out = outputs_[direct].data + start * dtype_size(outputs_[direct].dtype);
    }
    if (step.function == nullptr) {
      fill_index(reinterpret_cast<int64_t*>(out), start, n);
    } else {
      step.function(out, at[step.a], at[step.b], at[step.c], n);
    }
    at[step.out] = out;
  }
}

void BoundProgram::run(Frame& frame, int64_t start, int64_t n) const {
  const std::byte* at[kMaxValues];
  evaluate(frame, start, n, at);
  for (uint32_t i = 0; i < program_.output_count(); ++i) {
    const uint32_t v = program_.outputs_[i];
    const Operand& out = outputs_[i];
    if (program_.direct_output_[v] == static_cast<int32_t>(i) && out.direct) continue;
    scatter_block(program_.kernels_, out.dtype, out.data, out.layout, start, n, at[v]);
  }
}

const void* BoundProgram::value_block(Frame& frame, int64_t start, int64_t n) const {
  const std::byte* at[kMaxValues];
  evaluate(frame, start, n, at);
  return at[program_.outputs_[0]];
}

}  // namespace tenon::cpu
