// copy: strided copy with cast
#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainBytes = 128 * 1024;
constexpr int64_t kBlock = 1024;

// Values of the same width move as bits.
uint32_t bits_dtype(uint32_t dtype) {
  switch (dtype_size(dtype)) {
    case 1:
      return TN_DTYPE_U8;
    case 2:
      return TN_DTYPE_I16;
    case 4:
      return TN_DTYPE_I32;
    default:
      return TN_DTYPE_I64;
  }
}

class CopyKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    const int64_t count = element_count(out);
    if (count == 0) return TN_OK;
    const Layout to = collapse(out);
    const Layout from = collapse(in);
    const int64_t grain = kGrainBytes / dtype_size(out.dtype);
    parallel_for(device->host, count, grain, [&](int64_t begin, int64_t end) {
      if (out.dtype == in.dtype && to.is_dense() && from.is_dense()) {
        const int64_t item = dtype_size(out.dtype);
        std::memmove(data_of(out) + begin * item, data_of(in) + begin * item,
                     static_cast<size_t>((end - begin) * item));
      } else {
        copy_blocks(out, to, in, from, begin, end);
      }
    });
    return TN_OK;
  }

 private:
  void copy_blocks(const tn_tensor& out, const Layout& to, const tn_tensor& in, const Layout& from,
                   int64_t begin, int64_t end) const {
    const ElementwiseKernels& kernels = *device->tables.elementwise;
    alignas(64) std::byte values[kBlock * 8];
    alignas(64) std::byte converted[kBlock * 8];
    const bool same = out.dtype == in.dtype;
    const uint32_t in_dtype = same ? bits_dtype(in.dtype) : in.dtype;
    const uint32_t out_dtype = same ? in_dtype : out.dtype;
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      gather_block(kernels, in_dtype, data_of(in), from, at, n, values);
      const std::byte* result = values;
      if (!same) {
        kernels.cast[in.dtype][out.dtype](converted, values, nullptr, nullptr, n);
        result = converted;
      }
      scatter_block(kernels, out_dtype, data_of(out), to, at, n, result);
    }
  }
};

Refusal refuse_copy(const tn_signature& s) {
  return has_operands(s, 2) ? "" : "copy takes one output and one input";
}

std::unique_ptr<Kernel> prepare_copy(tn_device device, const tn_signature&) {
  return std::make_unique<CopyKernel>(device);
}

constexpr Operator kOperators[] = {{TN_OP_COPY, refuse_copy, prepare_copy}};

}  // namespace

std::span<const Operator> view_operators() { return kOperators; }

}  // namespace tenon::cpu
