// A prepared kernel, what it is given at launch, and the list of operators by family.
#ifndef TENON_PLUGINS_CUDA_KERNEL_H
#define TENON_PLUGINS_CUDA_KERNEL_H

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "context.h"
#include "device/program.h"
#include "faults.h"

namespace tenon::cuda {

using plugin::Signature;

class Kernel;

// Blocks and threads of a launch.
struct Grid {
  int64_t blocks_x = 1;
  int64_t blocks_y = 1;
  uint32_t threads_x = 256;
  uint32_t threads_y = 1;
  uint32_t shared_bytes = 0;
};

// Blocks of `per_block` that cover `count`.
inline int64_t blocks_for(int64_t count, int64_t per_block) {
  return (count + per_block - 1) / per_block;
}

// One launch on its way to the stream; all of it is borrowed for the call.
class Launcher {
 public:
  // Checks that operands are as they were prepared, that they lie inside buffers of this device,
  // and that the workspace is large enough.
  Launcher(Context& context, CUstream stream, Faults& faults, const Kernel& kernel,
           const plugin::Launch& launch);

  [[nodiscard]] const tn_tensor& tensor(size_t i) const { return *launch_.operands[i]; }
  [[nodiscard]] size_t operand_count() const { return launch_.operands.size(); }
  // Address of operand i's first element, 0 when it has none.
  template <class T = void>
  [[nodiscard]] T* data(size_t i) const {
    return reinterpret_cast<T*>(addresses_[i]);
  }
  [[nodiscard]] CUdeviceptr address(size_t i) const { return addresses_[i]; }
  [[nodiscard]] CUdeviceptr workspace() const { return workspace_; }
  // What the host gave, as much as was asked for or more.
  [[nodiscard]] uint64_t workspace_bytes() const {
    return workspace_ == 0 ? 0 : launch_.workspace->size_bytes;
  }
  [[nodiscard]] const uint64_t* scalars() const { return launch_.scalars; }
  [[nodiscard]] uint64_t tag() const { return launch_.tag; }
  [[nodiscard]] CUstream stream() const { return stream_; }
  [[nodiscard]] IndexFault* fault() { return reinterpret_cast<IndexFault*>(faults_.address()); }

  // Queues a kernel whose one parameter is the struct `params`.
  template <class P>
  void run(CUfunction function, const Grid& grid, const P& params) {
    static_assert(sizeof(P) <= 4096, "a kernel takes at most 4 KiB of parameters");
    run_raw(function, grid, &params);
  }

  Context& context;

 private:
  void run_raw(CUfunction function, const Grid& grid, const void* params);

  CUstream stream_;
  Faults& faults_;
  const plugin::Launch& launch_;
  CUdeviceptr addresses_[kProgramOperands] = {};
  CUdeviceptr workspace_ = 0;
};

class Kernel {
 public:
  static constexpr size_t kMaxOperands = kProgramOperands;

  // `op` is static text.
  Kernel(const char* op, const Signature& signature);
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Scratch bytes that a launch on these operands needs; 256-byte aligned.
  [[nodiscard]] virtual uint64_t workspace(std::span<const tn_tensor* const>) const { return 0; }
  virtual void launch(Launcher& launcher) = 0;

  [[nodiscard]] const char* op() const { return op_; }
  [[nodiscard]] size_t operand_count() const { return operand_count_; }
  [[nodiscard]] uint32_t dtype(size_t i) const { return dtypes_[i]; }
  [[nodiscard]] uint32_t rank(size_t i) const { return ranks_[i]; }

 private:
  const char* op_;
  size_t operand_count_;
  uint32_t dtypes_[kMaxOperands];
  uint32_t ranks_[kMaxOperands];
};

// One operator of a family. Required ones were checked as the reference kernels do; `refuse` says
// why a signature of an optional one cannot be run, or what is special about this device.
struct Operator {
  const char* name;
  std::string (*refuse)(const Signature& signature);  // may be NULL
  std::unique_ptr<Kernel> (*make)(Context& context, const Signature& signature);
  bool required = true;
  bool dense = false;  // wants every operand row-major and dense: the host copies others first
};

std::span<const Operator> elementwise_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> matmul_operators();
std::span<const Operator> indexing_operators();
std::span<const Operator> ordering_operators();
std::span<const Operator> random_operators();
std::span<const Operator> normalization_operators();
std::span<const Operator> optimizer_operators();
std::span<const Operator> convolution_operators();
std::span<const Operator> pooling_operators();

// Why a signature cannot be run; empty when it can.
std::string refuse(const tn_device_info& info, const Signature& signature);
// Does a signature that can be run want its operands copied first?
bool wants_copies(const Signature& signature);
// Throws UNSUPPORTED with that reason.
std::unique_ptr<Kernel> make_kernel(Context& context, const tn_device_info& info,
                                    const Signature& signature);

// "f32" and the like, as kernels are named.
const char* dtype_suffix(uint32_t dtype);
int64_t element_bytes(uint32_t dtype);

}  // namespace tenon::cuda

#endif
