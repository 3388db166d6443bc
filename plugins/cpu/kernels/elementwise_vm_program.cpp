#include "elementwise_vm_program.h"

#include <algorithm>

#include "elementwise_vm_slots.h"

namespace tenon::cpu {
namespace {

int64_t item_of(uint32_t dtype) { return dtype == TN_DTYPE_BOOL ? 1 : 4; }

}  // namespace

void VmLaunch::run_direct(const VmProgram& program, const tn_host* host,
                          const tn_tensor* const* operands, uint64_t constants,
                          const uint64_t* scalars, int64_t count) {
  const uint32_t inputs = static_cast<uint32_t>(program.inputs_.size());
  std::byte* out = data_of(*operands[0]);
  float values[2];
  VmValues in[2];
  for (uint32_t k = 0; k < program.direct_count_; ++k) {
    const uint32_t v = program.direct_operands_[k];
    if (v < inputs) {
      in[k] = {data_of<const float>(*operands[1 + v]), (constants >> v & 1u) != 0};
    } else {
      values[k] = lane_value(TN_DTYPE_F32, scalars[v - inputs]);
      in[k] = {&values[k], true};
    }
  }
  if (count <= program.grain_) return program.direct_(out, in, count);
  const int64_t item = item_of(program.outputs_[0]);
  parallel_for(host, count, program.grain_, [&](int64_t begin, int64_t end) {
    VmValues part[2];
    for (uint32_t k = 0; k < program.direct_count_; ++k) {
      part[k] = {in[k].one ? in[k].data : in[k].data + begin, in[k].one};
    }
    program.direct_(out + begin * item, part, end - begin);
  });
}

void VmLaunch::run_flat(const VmProgram& program, const tn_host* host,
                        const tn_tensor* const* operands, uint64_t constants,
                        const uint64_t* scalars, int64_t count) {
  const uint32_t inputs = static_cast<uint32_t>(program.inputs_.size());
  const uint32_t outputs = static_cast<uint32_t>(program.outputs_.size());
  const bool streams = is_streamed(count * 4 * outputs);
  if (program.direct_ != nullptr && !streams) {
    return run_direct(program, host, operands, constants, scalars, count);
  }
  const auto part = [&](int64_t begin, int64_t end) {
    Frame memory;
    VmFrame frame;
    frame.count = inputs + outputs;
    std::byte* scratch = fill_slots(*program.vm_, program.scalars_, program.scratch_slots_, scalars,
                                    frame, memory.bytes, end - begin);
    for (uint32_t i = 0; i < inputs; ++i) {
      const tn_tensor& t = *operands[outputs + i];
      if ((constants >> i & 1u) != 0) {
        fill_constant(*program.vm_, t.dtype, data_of(t), scratch, end - begin);
        frame.operands[i] = {scratch, 0};
        scratch += kVmSlotBytes;
      } else {
        const int64_t item = item_of(program.inputs_[i]);
        frame.operands[i] = {data_of(t) + begin * item, item};
      }
    }
    for (uint32_t o = 0; o < outputs; ++o) {
      const int64_t item = item_of(program.outputs_[o]);
      frame.operands[inputs + o] = {data_of(*operands[o]) + begin * item, item};
    }
    const VmStep* steps = streams ? program.streaming_.data() : program.steps_.data();
    program.vm_->run(steps, frame, inputs, inputs + outputs, end - begin);
    if (streams) end_streaming();
  };
  parallel_for(host, count, program.grain_, part);
}

VmLaunch::Operand VmLaunch::bind(const tn_tensor& t, const Layout& layout) {
  Operand o;
  o.data = data_of(t);
  o.layout = layout;
  o.gathered = false;
  if (layout.is_one_element()) {
    o.step = 0;
  } else {
    o.step = item_of(t.dtype);
    o.gathered = !layout.is_dense();
  }
  return o;
}

void VmLaunch::bind_inputs(const tn_tensor* const* inputs, int rank, const int* order,
                           const int64_t* shape) {
  for (size_t i = 0; i < program_.inputs_.size(); ++i) {
    int64_t strides[TN_MAX_RANK];
    for (int d = 0; d < rank; ++d) strides[d] = inputs[i]->strides[order[d]];
    inputs_[i] = bind(*inputs[i], collapse(rank, shape, strides));
    gathers_ |= inputs_[i].gathered;
  }
}

VmLaunch::VmLaunch(const VmProgram& program, const tn_tensor* const* outputs,
                   const tn_tensor* const* inputs, const uint64_t* scalars)
    : program_(program), scalars_(scalars) {
  constexpr int kIdentity[TN_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  const tn_tensor& space = *outputs[0];
  bind_inputs(inputs, static_cast<int>(space.rank), kIdentity, space.shape);
  for (size_t o = 0; o < program.outputs_.size(); ++o) {
    outputs_[o] = bind(*outputs[o], collapse(*outputs[o]));
    if (outputs_[o].step == 0) outputs_[o].step = item_of(outputs[o]->dtype);
    gathers_ |= outputs_[o].gathered;
  }
  streams_ = !gathers_ && is_streamed(element_count(space) * 4);
}

VmLaunch::VmLaunch(const VmProgram& program, const tn_tensor* const* inputs,
                   const uint64_t* scalars, int rank, const int* order, const int64_t* shape)
    : program_(program), scalars_(scalars) {
  bind_inputs(inputs, rank, order, shape);
}

void VmLaunch::run(int64_t begin, int64_t end) const { run_parts(begin, end, nullptr); }

void VmLaunch::values(int64_t start, int64_t n, void* out) const {
  run_parts(start, start + n, static_cast<std::byte*>(out));
}

// With `result`, output 0 goes there instead of to the tensor.
void VmLaunch::run_parts(int64_t begin, int64_t end, std::byte* result) const {
  const VmProgram& p = program_;
  const size_t inputs = p.inputs_.size();
  const size_t outputs = p.outputs_.size();
  struct alignas(64) Blocks {
    std::byte bytes[24][kBlock * 4];
  };
  Frame memory;
  Blocks blocks;
  VmFrame frame;
  frame.count = static_cast<uint32_t>(inputs + outputs);
  std::byte* scratch =
      fill_slots(*p.vm_, p.scalars_, p.scratch_slots_, scalars_, frame, memory.bytes, end - begin);
  for (size_t i = 0; i < inputs; ++i) {
    if (inputs_[i].step != 0) continue;
    fill_constant(*p.vm_, p.inputs_[i], inputs_[i].data, scratch, end - begin);
    frame.operands[i] = {scratch, 0};
    scratch += kVmSlotBytes;
  }
  const int64_t stride = gathers_ ? kBlock : end - begin;
  const VmStep* steps = streams_ ? p.streaming_.data() : p.steps_.data();
  for (int64_t at = begin; at < end; at += stride) {
    const int64_t n = std::min(stride, end - at);
    for (size_t i = 0; i < inputs; ++i) {
      const Operand& in = inputs_[i];
      if (in.gathered) {
        gather_block(*p.blocks_, p.inputs_[i], in.data, in.layout, at, n, blocks.bytes[i]);
        frame.operands[i] = {blocks.bytes[i], in.step};
      } else if (in.step != 0) {
        frame.operands[i] = {in.data + at * in.step, in.step};
      }
    }
    for (size_t o = 0; o < outputs; ++o) {
      const int64_t item = item_of(p.outputs_[o]);
      if (result != nullptr) {
        frame.operands[inputs + o] = {result + (at - begin) * item, item};
      } else if (outputs_[o].gathered) {
        frame.operands[inputs + o] = {blocks.bytes[16 + o], item};
      } else {
        frame.operands[inputs + o] = {outputs_[o].data + at * item, item};
      }
    }
    p.vm_->run(steps, frame, static_cast<uint32_t>(inputs), static_cast<uint32_t>(inputs + outputs),
               n);
    for (size_t o = 0; o < outputs && result == nullptr; ++o) {
      if (!outputs_[o].gathered) continue;
      scatter_block(*p.blocks_, p.outputs_[o], outputs_[o].data, outputs_[o].layout, at, n,
                    blocks.bytes[16 + o]);
    }
  }
  if (streams_) end_streaming();
}

}  // namespace tenon::cpu
