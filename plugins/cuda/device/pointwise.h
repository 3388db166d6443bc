// How a program that is compiled at run time reads, computes and writes its elements. The program
// itself is a struct that program_source.cpp writes:
//   Params, kElements (of a vector), kVectors (of a thread)
//   Inputs<n>     n elements of every input
//   place(number), load<n>(place), run<n>(place, inputs): computes and stores
#ifndef TENON_PLUGINS_CUDA_DEVICE_POINTWISE_H
#define TENON_PLUGINS_CUDA_DEVICE_POINTWISE_H

#include "device/program.h"
#include "device/values.h"

namespace tenon::cuda {

template <class T, int kCount>
struct Pack {
  T e[kCount];
};

// What one instruction moves.
template <int kBytes>
struct Chunk;
template <>
struct Chunk<1> {
  using type = uint8_t;
};
template <>
struct Chunk<2> {
  using type = uint16_t;
};
template <>
struct Chunk<4> {
  using type = uint32_t;
};
#if defined(__CUDACC__)
template <>
struct Chunk<8> {
  using type = uint2;
};
template <>
struct Chunk<16> {
  using type = uint4;
};
#else
template <>
struct Chunk<8> {
  using type = uint64_t;
};
template <>
struct Chunk<16> {
  struct type {
    uint64_t low, high;
  };
};
// The GPU faults where an access is not aligned to its size.
inline void check_aligned(const void* at, uint64_t size) {
  if (reinterpret_cast<uint64_t>(at) % size != 0) __builtin_trap();
}
#endif

template <class T, int kCount>
TENON_HD inline Pack<T, kCount> load_pack(const void* data, int64_t offset) {
  using Moved = typename Chunk<kCount* static_cast<int>(sizeof(T))>::type;
  const T* at = static_cast<const T*>(data) + offset;
#if defined(__CUDACC__)
  return bits_as<Pack<T, kCount>>(*reinterpret_cast<const Moved*>(at));
#else
  check_aligned(at, sizeof(Moved));
  Pack<T, kCount> pack;
  __builtin_memcpy(&pack, at, sizeof pack);
  return pack;
#endif
}

template <class T, int kCount>
TENON_HD inline void store_pack(void* data, int64_t offset, const Pack<T, kCount>& pack) {
  using Moved = typename Chunk<kCount* static_cast<int>(sizeof(T))>::type;
  T* at = static_cast<T*>(data) + offset;
#if defined(__CUDACC__)
  *reinterpret_cast<Moved*>(at) = bits_as<Moved>(pack);
#else
  check_aligned(at, sizeof(Moved));
  __builtin_memcpy(at, &pack, sizeof pack);
#endif
}

// A scalar that the host has converted: the bits of its class, low ones first.
template <class C>
TENON_HD inline C scalar_value(uint64_t bits) {
  if constexpr (kSame<C, float>) {
    return bits_as<float>(static_cast<uint32_t>(bits));
  } else {
    return bits_as<C>(bits);
  }
}

template <class Program>
struct Visitor {
  static constexpr int kElements = Program::kElements, kVectors = Program::kVectors;
  const Program& program;

  // Every load is on its way before the first value is computed.
  TENON_HD void whole(int64_t first) const {
    typename Program::template Inputs<kElements> inputs[kVectors];
    typename Program::Place places[kVectors];
    TENON_UNROLL
    for (int u = 0; u < kVectors; ++u) {
      places[u] = program.place(first + int64_t{u} * kProgramThreads * kElements);
      inputs[u] = program.template load<kElements>(places[u]);
    }
    TENON_UNROLL
    for (int u = 0; u < kVectors; ++u) program.template run<kElements>(places[u], inputs[u]);
  }
  TENON_HD void vector(int64_t number) const { few<kElements>(number); }
  TENON_HD void rest(int64_t number) const { few<1>(number); }

 private:
  template <int kCount>
  TENON_HD void few(int64_t number) const {
    const typename Program::Place place = program.place(number);
    program.template run<kCount>(place, program.template load<kCount>(place));
  }
};

template <class Program>
TENON_HD inline void run_program(const Program& program, int64_t count, int64_t block, int thread) {
  const Visitor<Program> visitor{program};
  visit_vectors<Program::kElements, Program::kVectors>(count, block, thread, visitor);
}

}  // namespace tenon::cuda

#endif
