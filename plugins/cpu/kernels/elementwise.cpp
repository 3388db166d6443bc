// The operator "program".
#include "elementwise_program.h"

#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "elementwise_vm_program.h"
#include "elementwise_vm_rows.h"
#include "reduction.h"

namespace tenon::cpu {
namespace {

std::vector<uint32_t> input_dtypes(const tn_signature& s) {
  std::vector<uint32_t> dtypes;
  for (uint32_t i = s.output_count; i < s.operand_count; ++i) {
    dtypes.push_back(operand_dtype(s, i));
  }
  return dtypes;
}

class ProgramKernel final : public Kernel {
 public:
  ProgramKernel(tn_device d, const tn_signature& s)
      : Kernel(d), program_(*s.program, input_dtypes(s).data(), *d->tables.elementwise) {}

  tn_status launch(const Launch& launch) const override {
    const int64_t count = element_count(*launch.operands[0]);
    if (count == 0) return TN_OK;
    const BoundProgram bound(program_, launch.operands, launch.operands + program_.output_count(),
                             launch.scalars);
    const int64_t block = program_.block();
    parallel_for(device->host, count, program_.grain(), [&](int64_t begin, int64_t end) {
      Frame frame;
      bound.enter(frame);
      for (int64_t at = begin; at < end; at += block) {
        bound.run(frame, at, std::min(block, end - at));
      }
    });
    return TN_OK;
  }

 private:
  BlockProgram program_;
};

// Programs of f32 and bool run on the register machine.
class VmKernel final : public Kernel {
 public:
  VmKernel(tn_device d, const tn_signature& s, std::unique_ptr<VmProgram> program)
      : Kernel(d), program_(std::move(program)), output_count_(s.output_count) {
    bool flat = true;
    for (uint32_t i = 0; i < s.operand_count; ++i) {
      const uint32_t layout = TN_CLASS_LAYOUT(s.classes[i]);
      if (layout == TN_LAYOUT_BROADCAST && i >= output_count_) {
        constants_ |= uint64_t{1} << (i - output_count_);
      } else if (layout != TN_LAYOUT_CONTIGUOUS && (s.flags & TN_SIGNATURE_DENSE) == 0) {
        flat = false;
      }
    }
    flat_ = flat;
    few_ = flat ? program_->few() : 0;
  }

  tn_status launch(const Launch& launch) const override {
    const int64_t count = element_count(*launch.operands[0]);
    if (count == 0) return TN_OK;
    if (count <= few_) {
      VmLaunch::run_few(*program_, launch.operands, constants_, count);
      return TN_OK;
    }
    if (flat_) {
      VmLaunch::run_flat(*program_, device->host, launch.operands, constants_, launch.scalars,
                         count);
      return TN_OK;
    }
    const VmRows rows(*program_, launch.operands, launch.scalars);
    if (rows.fits()) {
      parallel_for(device->host, rows.count(), rows.grain(),
                   [&](int64_t begin, int64_t end) { rows.run(begin, end); });
      return TN_OK;
    }
    const VmLaunch vm(*program_, launch.operands, launch.operands + output_count_, launch.scalars);
    parallel_for(device->host, count, program_->grain(),
                 [&](int64_t begin, int64_t end) { vm.run(begin, end); });
    return TN_OK;
  }

 private:
  std::unique_ptr<VmProgram> program_;
  uint32_t output_count_;
  uint64_t constants_ = 0;  // bit i: input i is one element for all
  bool flat_ = false;
  int64_t few_ = 0;  // up to so many elements have the shortest way
};

// Values of a program as the elements of a reduction.
class ProgramSource final : public ReduceSource {
 public:
  ProgramSource(const BoundProgram& bound, int64_t block, int64_t item)
      : bound_(bound), block_(block), item_(item) {}

  const void* values(int64_t start, int64_t n, void* buffer) const override {
    Frame frame;
    bound_.enter(frame);
    std::byte* to = static_cast<std::byte*>(buffer);
    for (int64_t at = 0; at < n; at += block_) {
      const int64_t part = std::min(block_, n - at);
      const void* values = bound_.value_block(frame, start + at, part);
      std::memcpy(to + at * item_, values, static_cast<size_t>(part * item_));
    }
    return buffer;
  }

 private:
  const BoundProgram& bound_;
  int64_t block_;
  int64_t item_;
};

class VmSource final : public ReduceSource {
 public:
  explicit VmSource(const VmLaunch& vm) : vm_(vm) {}

  const void* values(int64_t start, int64_t n, void* buffer) const override {
    vm_.values(start, n, buffer);
    return buffer;
  }

 private:
  const VmLaunch& vm_;
};

// The iteration space's shape: a tail's inputs have it, and output 0 where there are no inputs.
class TailKernel final : public Kernel {
 public:
  TailKernel(tn_device d, const tn_signature& s)
      : Kernel(d),
        vm_(VmProgram::compile(*s.program, input_dtypes(s).data(), d->tables)),
        program_(*s.program, input_dtypes(s).data(), *d->tables.elementwise),
        kind_(s.program->tail),
        dims_(s.program->tail_dims) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    return space(operands).workspace_bytes();
  }

  tn_status launch(const Launch& launch) const override {
    const ReduceSpace s = space(launch.operands);
    const uint32_t dtype = compute_dtype(program_.output_dtype(0));
    const tn_tensor* const* inputs = launch.operands + 1;
    const auto reduce = [&](const ReduceSource& source) {
      run_reduction(device, kind_, dtype, s, source, *launch.operands[0], launch.workspace);
    };
    if (vm_ != nullptr) {
      const VmLaunch vm(*vm_, inputs, launch.scalars, s.rank, s.order, s.shape);
      reduce(VmSource(vm));
    } else {
      const BoundProgram bound(program_, inputs, launch.scalars, s.rank, s.order, s.shape);
      reduce(ProgramSource(bound, program_.block(), dtype_size(dtype)));
    }
    return TN_OK;
  }

 private:
  [[nodiscard]] ReduceSpace space(const tn_tensor* const* operands) const {
    const tn_tensor& shape = *operands[program_.input_count() > 0 ? 1 : 0];
    return {shape.rank, shape.shape, dims_};
  }

  std::unique_ptr<VmProgram> vm_;
  BlockProgram program_;
  uint32_t kind_;
  uint32_t dims_;
};

Refusal refuse_program(const tn_signature& s) {
  if (s.program == nullptr || !has_operands(s, s.operand_count) ||
      s.output_count != s.program->output_count ||
      s.operand_count != s.output_count + s.program->input_count) {
    return "the operands do not match the program";
  }
  std::vector<uint32_t> outputs;
  for (uint32_t i = 0; i < s.output_count; ++i) outputs.push_back(operand_dtype(s, i));
  return check_program(*s.program, input_dtypes(s).data(), outputs.data());
}

std::unique_ptr<Kernel> prepare_program(tn_device device, const tn_signature& s) {
  if (s.program->tail != 0) return std::make_unique<TailKernel>(device, s);
  auto vm = VmProgram::compile(*s.program, input_dtypes(s).data(), device->tables);
  if (vm != nullptr) return std::make_unique<VmKernel>(device, s, std::move(vm));
  return std::make_unique<ProgramKernel>(device, s);
}

constexpr Operator kOperators[] = {{TN_OP_PROGRAM, refuse_program, prepare_program}};

}  // namespace

std::span<const Operator> elementwise_operators() { return kOperators; }

}  // namespace tenon::cpu
