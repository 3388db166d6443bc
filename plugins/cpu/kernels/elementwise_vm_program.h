// A program compiled to steps of the register machine, and its launches.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_PROGRAM_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_PROGRAM_H

#include <memory>
#include <vector>

#include "../device.h"
#include "blocks.h"
#include "elementwise_vm.h"

namespace tenon::cpu {

class VmProgram {
 public:
  // NULL when the program has values that are neither f32 nor bool, or instructions that the
  // machine lacks. `inputs`: dtypes of the tensor inputs; the program was checked before.
  static std::unique_ptr<VmProgram> compile(const tn_program& program, const uint32_t* inputs,
                                            const KernelTables& tables);

  [[nodiscard]] int64_t grain() const { return grain_; }
  // Up to so many elements VmLaunch::run_few may run it; 0: none.
  [[nodiscard]] int64_t few() const { return few_; }

 private:
  void choose_direct(const tn_program& program);

  friend class VmLaunch;
  friend class VmRows;
  friend class VmCompiler;

  const VmKernels* vm_ = nullptr;
  const ElementwiseKernels* blocks_ = nullptr;
  std::vector<VmStep> steps_;
  std::vector<VmStep> streaming_;  // the same with non-temporal stores
  std::vector<uint32_t> inputs_;   // dtypes
  std::vector<uint32_t> outputs_;
  std::vector<uint32_t> scalars_;
  VmDirect direct_ = nullptr;  // a program of one instruction on f32
  uint32_t direct_count_ = 0;
  uint32_t direct_operands_[2] = {};  // inputs, then scalars
  uint32_t scratch_slots_ = 0;        // behind inputs, outputs and scalars
  int64_t grain_ = 0;
  int64_t few_ = 0;
};

// The operands of one launch. Parts of the space may run on different threads.
class VmLaunch {
 public:
  // All operands are dense or, where layouts say so, one element: nothing is looked at again.
  static void run_flat(const VmProgram& program, const tn_host* host,
                       const tn_tensor* const* operands, uint64_t constants,
                       const uint64_t* scalars, int64_t count);
  // The same for a program of one instruction on tensors alone, on this thread: there is little
  // between the call and the loop.
  static void run_few(const VmProgram& program, const tn_tensor* const* operands,
                      uint64_t constants, int64_t count) {
    const uint32_t a = program.direct_operands_[0];
    const uint32_t b = program.direct_operands_[program.direct_count_ - 1];
    const VmValues in[2] = {{data_of<const float>(*operands[1 + a]), (constants >> a & 1u) != 0},
                            {data_of<const float>(*operands[1 + b]), (constants >> b & 1u) != 0}};
    program.direct_(data_of(*operands[0]), in, count);
  }
  // The same for any program of one instruction.
  static void run_direct(const VmProgram& program, const tn_host* host,
                         const tn_tensor* const* operands, uint64_t constants,
                         const uint64_t* scalars, int64_t count);

  VmLaunch(const VmProgram& program, const tn_tensor* const* outputs,
           const tn_tensor* const* inputs, const uint64_t* scalars);
  // Over a permuted space, as values.
  VmLaunch(const VmProgram& program, const tn_tensor* const* inputs, const uint64_t* scalars,
           int rank, const int* order, const int64_t* shape);

  // Elements [begin, end) into the outputs.
  void run(int64_t begin, int64_t end) const;
  // Elements [start, start + n) of output 0 into dense memory.
  void values(int64_t start, int64_t n, void* out) const;

 private:
  struct Operand {
    std::byte* data;
    int64_t step;   // bytes per element; 0: one element for all
    bool gathered;  // through a block in the frame
    Layout layout;
  };
  static constexpr int64_t kBlock = 1024;

  static Operand bind(const tn_tensor& t, const Layout& layout);
  void bind_inputs(const tn_tensor* const* inputs, int rank, const int* order,
                   const int64_t* shape);
  void run_parts(int64_t begin, int64_t end, std::byte* result) const;

  const VmProgram& program_;
  const uint64_t* scalars_;
  Operand inputs_[16];
  Operand outputs_[8];
  bool gathers_ = false;
  bool streams_ = false;
};

}  // namespace tenon::cpu

#endif
