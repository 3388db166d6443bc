// Square blocks of kLanes x kLanes floats turned over in registers.
#ifndef TENON_PLUGINS_CPU_KERNELS_LANES_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_LANES_BLOCKS_H

#include <utility>

#include "../simd.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// One step of a butterfly: lane l of a and of b with bit `kBit` of l exchanged between them.
template <int kBit, size_t... kLane>
TENON_CPU_INLINE void exchange_lanes(Float& a, Float& b, std::index_sequence<kLane...>) {
  constexpr int n = kLanes;
  const Float low = __builtin_shufflevector(
      a, b,
      ((static_cast<int>(kLane) & kBit) == 0 ? static_cast<int>(kLane)
                                             : n + static_cast<int>(kLane) - kBit)...);
  const Float high = __builtin_shufflevector(
      a, b,
      ((static_cast<int>(kLane) & kBit) == 0 ? static_cast<int>(kLane) + kBit
                                             : n + static_cast<int>(kLane))...);
  a = low;
  b = high;
}

template <int kBit>
TENON_CPU_INLINE void transpose_step(Float (&rows)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kBit) == 0) {
      exchange_lanes<kBit>(rows[i], rows[i + kBit], std::make_index_sequence<kLanes>{});
    }
  }
}

// rows[i][l] becomes rows[l][i].
TENON_CPU_INLINE void transpose(Float (&rows)[kLanes]) {
  transpose_step<1>(rows);
  transpose_step<2>(rows);
  if constexpr (kLanes > 4) transpose_step<4>(rows);
  if constexpr (kLanes > 8) transpose_step<8>(rows);
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
