// Kernels on the host: a block's threads are coroutines that change hands at barriers. What it
// shows: index arithmetic, bounds, arithmetic, and, since the order of threads can be turned round,
// barriers that are missing. What it cannot show: races within one warp's lockstep, memory order.
#ifndef TENON_PLUGINS_CUDA_EMULATION_SIMT_H
#define TENON_PLUGINS_CUDA_EMULATION_SIMT_H

#include <cstdint>
#include <string>

namespace tenon::cuda::emulation {

struct EmulatedKernel {
  void (*function)(const void* params);
  int size_bytes;  // of its parameter
};
// NULL when there is no kernel of that name.
const EmulatedKernel* find_kernel(const std::string& name);

struct Shape {
  int64_t blocks_x, blocks_y;
  int threads_x, threads_y;
  int64_t shared_bytes;
};

// In which order the threads of a block go on after a barrier.
enum class Turn { kForward, kBackward };

// Runs the whole grid. False, with `error`, when threads wait at different barriers for ever.
bool run_grid(const EmulatedKernel& kernel, const Shape& shape, const void* params, Turn turn,
              std::string* error);

}  // namespace tenon::cuda::emulation

#endif
