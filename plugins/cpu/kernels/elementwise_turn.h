// Transposition of blocks that are held in registers, and copies past the cache.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_TURN_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_TURN_H

#include <cstddef>
#include <utility>

#include "../simd.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

using LaneNumbers = std::make_integer_sequence<int, kLanes>;

// Swaps the blocks beside the diagonal of [a; b], kDistance lanes wide.
template <int kDistance, int... kLane>
TENON_CPU_INLINE void swap_blocks(Float& a, Float& b, std::integer_sequence<int, kLane...>) {
  constexpr auto first = [](int l) { return (l & kDistance) == 0; };
  const Float upper =
      __builtin_shufflevector(a, b, (first(kLane) ? kLane : kLane - kDistance + kLanes)...);
  b = __builtin_shufflevector(a, b, (first(kLane) ? kLane + kDistance : kLane + kLanes)...);
  a = upper;
}

template <int kDistance, int... kRow>
TENON_CPU_INLINE void turn_rows(Float (&x)[kLanes], std::integer_sequence<int, kRow...> rows) {
  const auto pair = [&x]<int kFirst>(std::integral_constant<int, kFirst>) {
    if constexpr ((kFirst & kDistance) == 0) {
      swap_blocks<kDistance>(x[kFirst], x[kFirst + kDistance], LaneNumbers{});
    }
  };
  (pair(std::integral_constant<int, kRow>{}), ...);
  if constexpr (kDistance > 1) turn_rows<kDistance / 2>(x, rows);
}

template <int... kRow>
TENON_CPU_INLINE void turn_block(float* to, int64_t to_stride, const float* from,
                                 int64_t from_stride, std::integer_sequence<int, kRow...> rows) {
  Float x[kLanes] = {load(from + kRow * from_stride)...};
  turn_rows<kLanes / 2>(x, rows);
  (store(to + kRow * to_stride, x[kRow]), ...);
}

inline void turn(float* to, int64_t to_stride, const float* from, int64_t from_stride, int64_t rows,
                 int64_t columns) {
  const int64_t whole_rows = rows / kLanes * kLanes;
  const int64_t whole_columns = columns / kLanes * kLanes;
  const auto rest = [&](int64_t i0, int64_t i1, int64_t j0) {
    for (int64_t i = i0; i < i1; ++i) {
      for (int64_t j = j0; j < columns; ++j) {
        std::memcpy(to + i * to_stride + j, from + j * from_stride + i, sizeof(float));
      }
    }
  };
  for (int64_t j = 0; j < whole_columns; j += kLanes) {
    for (int64_t i = 0; i < whole_rows; i += kLanes) {
      turn_block(to + i * to_stride + j, to_stride, from + j * from_stride + i, from_stride,
                 LaneNumbers{});
    }
  }
  rest(0, whole_rows, whole_columns);
  rest(whole_rows, rows, 0);
}

inline void stream(void* out, const void* in, int64_t size_bytes) {
  std::byte* to = static_cast<std::byte*>(out);
  const std::byte* from = static_cast<const std::byte*>(in);
  const int64_t misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) % kVectorBytes);
  const int64_t head = misaligned == 0 ? 0 : kVectorBytes - misaligned;
  if (size_bytes < head || reinterpret_cast<uintptr_t>(from + head) % 4 != 0) {
    std::memcpy(to, from, static_cast<size_t>(size_bytes));
    return;
  }
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t at = head;
  for (; at + kVectorBytes <= size_bytes; at += kVectorBytes) {
    store_stream(reinterpret_cast<float*>(to + at),
                 load(reinterpret_cast<const float*>(from + at)));
  }
  std::memcpy(to + at, from + at, static_cast<size_t>(size_bytes - at));
  stream_fence();
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
