// A CUDA driver that is none: memory of the host, work done only when somebody waits for it,
// kernels run by simt.h. Every call is checked as strictly as the real one's documentation allows.
//
// TENON_EMULATED_GPU="key=number,..." changes it, read by each cuInit or at the first call:
//   version       what cuDriverGetVersion says (default: that of the header)
//   devices       how many GPUs there are (default 1)
//   memory        bytes of each (default 2 GiB)
//   refuse_alloc  the n-th cuMemAlloc answers out of memory
//   lose_launch   the n-th launch makes every later call fail with an illegal address
//   blas          1: there is a cuBLASLt, emulated (blas.cpp); 2: one that fails for a third of the
//   sizes backward      1: threads go on in reverse order after each barrier
#ifndef TENON_PLUGINS_CUDA_EMULATION_GPU_H
#define TENON_PLUGINS_CUDA_EMULATION_GPU_H

#include <functional>

#include "driver.h"

namespace tenon::cuda::emulation {

const Driver& emulated_driver();

// For libraries that are emulated on top of it.
void add_task(CUstream stream, std::function<void()> task);
bool owns(CUdeviceptr address, size_t size_bytes);
bool has_context();
int64_t blas_setting();

}  // namespace tenon::cuda::emulation

#endif
