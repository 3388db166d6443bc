// Threads, barriers, shuffles and shared memory of a block, under names of our own: on the GPU they
// are the hardware's, in emulation (emulation/simt.cpp) each thread is a coroutine of the host.
#ifndef TENON_PLUGINS_CUDA_DEVICE_SIMT_H
#define TENON_PLUGINS_CUDA_DEVICE_SIMT_H

#include "device/base.h"

namespace tenon::cuda {

inline constexpr int kWarp = 32;

#if defined(__CUDACC__)

TENON_DEVICE inline int thread_x() { return static_cast<int>(threadIdx.x); }
TENON_DEVICE inline int thread_y() { return static_cast<int>(threadIdx.y); }
TENON_DEVICE inline int threads_x() { return static_cast<int>(blockDim.x); }
TENON_DEVICE inline int threads_y() { return static_cast<int>(blockDim.y); }
TENON_DEVICE inline int64_t block_x() { return blockIdx.x; }
TENON_DEVICE inline int64_t block_y() { return blockIdx.y; }
TENON_DEVICE inline int64_t blocks_x() { return gridDim.x; }
TENON_DEVICE inline void sync_block() { __syncthreads(); }

extern __shared__ __align__(16) char tenon_shared_bytes[];
template <class T>
TENON_DEVICE T* shared_memory() {
  return reinterpret_cast<T*>(tenon_shared_bytes);
}

// The value of the lane whose number differs in the bits of `mask`; all lanes take part.
template <class T>
TENON_DEVICE T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}
// The value of the lane `by` before this one; the first `by` lanes keep their own.
template <class T>
TENON_DEVICE T shuffle_up(T value, int by) {
  return __shfl_up_sync(0xffffffffu, value, static_cast<unsigned>(by));
}

template <class T>
TENON_DEVICE void atomic_add(T* at, T value) {
  atomicAdd(at, value);
}
TENON_DEVICE inline void atomic_add(int64_t* at, int64_t value) {
  atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
TENON_DEVICE inline void atomic_max(int64_t* at, int64_t value) {
  atomicMax(reinterpret_cast<long long*>(at), static_cast<long long>(value));
}
TENON_DEVICE inline void atomic_max(int32_t* at, int32_t value) { atomicMax(at, value); }

// Emits the kernel `name` that takes a Params and calls the function given last.
#define TENON_KERNEL(name, threads, Params, ...)        \
  extern "C" __global__ void __launch_bounds__(threads) \
      name(const __grid_constant__ Params params) {     \
    __VA_ARGS__(params);                                \
  }

#else

namespace emulation {

struct Place {
  int thread_x, thread_y, threads_x, threads_y;
  int64_t block_x, block_y, blocks_x;
};
const Place& place();
void sync_block();
void sync_warp();
void* shared_memory();
// 16 bytes per thread of the block, for shuffles.
char* exchange(int thread);
int thread_number();

// Kernels by name, for the emulated driver. Returns true.
bool add_kernel(const char* name, void (*function)(const void*), int size_bytes);

}  // namespace emulation

inline int thread_x() { return emulation::place().thread_x; }
inline int thread_y() { return emulation::place().thread_y; }
inline int threads_x() { return emulation::place().threads_x; }
inline int threads_y() { return emulation::place().threads_y; }
inline int64_t block_x() { return emulation::place().block_x; }
inline int64_t block_y() { return emulation::place().block_y; }
inline int64_t blocks_x() { return emulation::place().blocks_x; }
inline void sync_block() { emulation::sync_block(); }

template <class T>
T* shared_memory() {
  return static_cast<T*>(emulation::shared_memory());
}

template <class T>
T exchange_with(T value, int other) {
  static_assert(sizeof(T) <= 16, "a lane exchanges at most 16 bytes");
  __builtin_memcpy(emulation::exchange(emulation::thread_number()), &value, sizeof value);
  emulation::sync_warp();
  __builtin_memcpy(&value, emulation::exchange(other), sizeof value);
  emulation::sync_warp();
  return value;
}
template <class T>
T shuffle_xor(T value, int mask) {
  return exchange_with(value, emulation::thread_number() ^ mask);
}
template <class T>
T shuffle_up(T value, int by) {
  const int self = emulation::thread_number();
  return exchange_with(value, self % kWarp < by ? self : self - by);
}

// Emulated blocks run one after another and their threads between barriers too.
template <class T>
void atomic_add(T* at, T value) {
  *at = static_cast<T>(*at + value);
}
template <class T>
void atomic_max(T* at, T value) {
  if (*at < value) *at = value;
}

#define TENON_KERNEL(name, threads, Params, ...)                                               \
  [[maybe_unused]] static const bool registered_##name = ::tenon::cuda::emulation::add_kernel( \
      #name, [](const void* params) { __VA_ARGS__(*static_cast<const Params*>(params)); },     \
      static_cast<int>(sizeof(Params)));

#endif

// Number of this thread in a grid of one dimension.
TENON_DEVICE inline int64_t global_thread() { return block_x() * threads_x() + thread_x(); }

}  // namespace tenon::cuda

#endif
