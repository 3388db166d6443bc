// Neighbours in memory that are loaded and stored at once, in accesses of up to 16 bytes.
#ifndef TENON_PLUGINS_CUDA_DEVICE_PACKS_H
#define TENON_PLUGINS_CUDA_DEVICE_PACKS_H

#include "device/base.h"

#if defined(__CUDACC__)
#define TENON_UNROLL _Pragma("unroll")
#else
#define TENON_UNROLL
#endif

namespace tenon::cuda {

inline constexpr int kPackBytes = 16;

template <class T, int kCount>
struct alignas(kCount * sizeof(T) < kPackBytes ? kCount * sizeof(T) : kPackBytes) Pack {
  T at[kCount];
};

// The address must be a multiple of the pack's alignment.
template <int kCount, class T>
TENON_HD inline Pack<T, kCount> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, kCount>*>(from);
}
template <class T, int kCount>
TENON_HD inline void store_pack(T* to, const Pack<T, kCount>& pack) {
  *reinterpret_cast<Pack<T, kCount>*>(to) = pack;
}

// Offset of position `number` along some dimensions.
TENON_HD inline int64_t offset_along(int32_t rank, const int64_t* shape, const int64_t* strides,
                                     int64_t number) {
  if (rank == 1) return number * strides[0];
  int64_t offset = 0;
  for (int d = rank - 1; d >= 0; --d) {
    const int64_t above = d == 0 ? 0 : number / shape[d];
    offset += (number - above * shape[d]) * strides[d];
    number = above;
  }
  return offset;
}

}  // namespace tenon::cuda

#endif
