#include "kernel.h"

#include <tenon/api/reference_kernels.h>

#include "support/elements.h"
#include "tables.h"

namespace tenon::cuda {

using plugin::Status;

namespace {

using Family = std::span<const Operator> (*)();
constexpr Family kFamilies[] = {elementwise_operators,   reduction_operators, matmul_operators,
                                indexing_operators,      ordering_operators,  random_operators,
                                normalization_operators, optimizer_operators, convolution_operators,
                                pooling_operators};

const Operator* find_operator(const Signature& signature) {
  for (Family family : kFamilies) {
    for (const Operator& op : family()) {
      if (op.name == signature.op() && signature.raw().op_version == 1) return &op;
    }
  }
  return nullptr;
}

[[noreturn]] void wrong(const Kernel& kernel, const std::string& what) {
  throw Status(TN_INVALID_ARGUMENT, std::string(kernel.op()) + ": " + what);
}

// Bytes from the first element to the end of the last; 0 when there is none.
uint64_t extent_bytes(const Kernel& kernel, const tn_tensor& t) {
  uint64_t last = 0;
  for (uint32_t d = 0; d < t.rank; ++d) {
    if (t.shape[d] < 0 || t.strides[d] < 0) wrong(kernel, "negative extent or stride");
    if (t.shape[d] == 0) return 0;
    last += static_cast<uint64_t>(t.shape[d] - 1) * static_cast<uint64_t>(t.strides[d]);
  }
  return (last + 1) * static_cast<uint64_t>(element_bytes(t.dtype));
}

CUdeviceptr inside(const Context& context, const Kernel& kernel, tn_buffer handle, uint64_t offset,
                   uint64_t size) {
  const Buffer& buffer = Tables::buffer(handle);
  if (!buffer.is_of(&context)) wrong(kernel, "a buffer belongs to another device");
  return buffer.range(offset, size);
}

}  // namespace

const char* dtype_suffix(uint32_t dtype) { return support::dtype_name(dtype); }

int64_t element_bytes(uint32_t dtype) { return support::dtype_size(dtype); }

Kernel::Kernel(const char* op, const Signature& signature)
    : op_(op), operand_count_(signature.operand_count()) {
  for (uint32_t i = 0; i < signature.operand_count(); ++i) {
    dtypes_[i] = signature.dtype(i);
    ranks_[i] = signature.rank(i);
  }
}

Launcher::Launcher(Context& context_in, CUstream stream, Faults& faults, const Kernel& kernel,
                   const plugin::Launch& launch)
    : context(context_in), stream_(stream), faults_(faults), launch_(launch) {
  for (size_t i = 0; i < launch.operands.size(); ++i) {
    const tn_tensor& t = *launch.operands[i];
    if (t.dtype != kernel.dtype(i) || t.rank != kernel.rank(i)) {
      wrong(kernel, "operand " + std::to_string(i) + " is not as it was prepared");
    }
    const uint64_t size = extent_bytes(kernel, t);
    if (size > 0) addresses_[i] = inside(context, kernel, t.buffer, t.offset_bytes, size);
  }
  const uint64_t scratch = kernel.workspace(launch.operands);
  if (scratch == 0) return;
  const tn_workspace* w = launch.workspace;
  if (w == nullptr || w->size_bytes < scratch) wrong(kernel, "the workspace is missing or small");
  workspace_ = inside(context, kernel, w->buffer, w->offset_bytes, scratch);
}

void Launcher::run_raw(CUfunction function, const Grid& grid, const void* params) {
  void* arguments[] = {const_cast<void*>(params)};
  context.check(
      context.driver.launch(function, static_cast<uint32_t>(grid.blocks_x),
                            static_cast<uint32_t>(grid.blocks_y), 1, grid.threads_x, grid.threads_y,
                            1, grid.shared_bytes, stream_, arguments, nullptr),
      "cuLaunchKernel", [&] { return faults_.since(); });
}

std::string refuse(const tn_device_info& info, const Signature& signature) {
  const Operator* op = find_operator(signature);
  if (op == nullptr) {
    return std::string(signature.op()) + ": not overridden here, the host composes it";
  }
  if (op->required) {
    tn_answer answer{};
    tnr_query(&info, &signature.raw(), &answer);
    if (answer.support == TN_ANSWER_NO) return answer.reason;
  } else {
    if (signature.operand_count() == 0 || signature.operand_count() > Kernel::kMaxOperands) {
      return std::string(signature.op()) + ": wrong number of operands";
    }
    for (uint32_t i = 0; i < signature.operand_count(); ++i) {
      if (!support::is_known(signature.dtype(i)) || signature.rank(i) > TN_MAX_RANK) {
        return std::string(signature.op()) + ": unknown dtype or rank";
      }
    }
  }
  return op->refuse != nullptr ? op->refuse(signature) : std::string();
}

bool wants_copies(const Signature& signature) {
  if (!find_operator(signature)->dense) return false;
  for (uint32_t i = 0; i < signature.operand_count(); ++i) {
    if (TN_CLASS_LAYOUT(signature.raw().classes[i]) != TN_LAYOUT_CONTIGUOUS) return true;
  }
  return false;
}

std::unique_ptr<Kernel> make_kernel(Context& context, const tn_device_info& info,
                                    const Signature& signature) {
  const std::string reason = refuse(info, signature);
  if (!reason.empty()) throw Status(TN_UNSUPPORTED, reason);
  if (wants_copies(signature)) throw Status(TN_UNSUPPORTED, "the operands must be contiguous");
  return find_operator(signature)->make(context, signature);
}

}  // namespace tenon::cuda
