// fill
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainBytes = 256 * 1024;
constexpr int64_t kBlock = 1024;

class FillKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const int64_t count = element_count(out);
    if (count == 0) return TN_OK;
    const ElementwiseKernels& kernels = *device->tables.elementwise;
    const uint32_t from = is_float_dtype(out.dtype) ? TN_DTYPE_F64 : TN_DTYPE_I64;
    alignas(8) std::byte value[8];
    kernels.cast[from][out.dtype](value, launch.scalars, nullptr, nullptr, 1);
    alignas(64) std::byte block[kBlock * 8];
    const uint32_t compute = compute_dtype(out.dtype);
    kernels.load[compute](block, value, 0, std::min(count, kBlock));
    const Layout layout = collapse(out);
    parallel_for(device->host, count, kGrainBytes / dtype_size(out.dtype),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t at = begin; at < end; at += kBlock) {
                     scatter_block(kernels, out.dtype, data_of(out), layout, at,
                                   std::min(kBlock, end - at), block);
                   }
                 });
    return TN_OK;
  }
};

Refusal refuse_fill(const tn_signature& s) {
  return has_operands(s, 1) ? "" : "fill takes one output";
}

std::unique_ptr<Kernel> prepare_fill(tn_device device, const tn_signature&) {
  return std::make_unique<FillKernel>(device);
}

constexpr Operator kOperators[] = {{TN_OP_FILL, refuse_fill, prepare_fill}};

}  // namespace

std::span<const Operator> creation_operators() { return kOperators; }

}  // namespace tenon::cpu
