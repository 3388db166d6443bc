// Moving blocks between strided tensors and dense compute values in the first-level cache.
#ifndef TENON_PLUGINS_CPU_KERNELS_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_BLOCKS_H

#include "../dtypes.h"
#include "../operands.h"
#include "elementwise_kernels.h"

namespace tenon::cpu {

// Elements [start, start + n) in row-major order of `layout`, as compute values.
inline void gather_block(const ElementwiseKernels& kernels, uint32_t dtype, const std::byte* data,
                         const Layout& layout, int64_t start, int64_t n, void* out) {
  const int64_t item = dtype_size(dtype);
  const int64_t out_item = dtype_size(compute_dtype(dtype));
  std::byte* to = static_cast<std::byte*>(out);
  RunCursor cursor(layout, start);
  while (n > 0) {
    const int64_t run = cursor.run() < n ? cursor.run() : n;
    kernels.load[dtype](to, data + cursor.offset() * item, cursor.stride(), run);
    cursor.advance(run);
    to += run * out_item;
    n -= run;
  }
}

// The way back.
inline void scatter_block(const ElementwiseKernels& kernels, uint32_t dtype, std::byte* data,
                          const Layout& layout, int64_t start, int64_t n, const void* in) {
  const int64_t item = dtype_size(dtype);
  const int64_t in_item = dtype_size(compute_dtype(dtype));
  const std::byte* from = static_cast<const std::byte*>(in);
  RunCursor cursor(layout, start);
  while (n > 0) {
    const int64_t run = cursor.run() < n ? cursor.run() : n;
    kernels.store[dtype](data + cursor.offset() * item, cursor.stride(), from, run);
    cursor.advance(run);
    from += run * in_item;
    n -= run;
  }
}

// Block memory on a worker's stack.
inline constexpr int64_t kFrameBytes = 64 * 1024;
struct alignas(64) Frame {
  std::byte bytes[kFrameBytes];
};

}  // namespace tenon::cpu

#endif
