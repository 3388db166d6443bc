// Parameters of copies between layouts, without a change of dtype.
#ifndef TENON_PLUGINS_CUDA_DEVICE_MOVEMENT_H
#define TENON_PLUGINS_CUDA_DEVICE_MOVEMENT_H

#include "device/base.h"

namespace tenon::cuda {

struct CopyParams {
  int64_t count;
  int32_t rank;
  uint32_t small;  // 32-bit index arithmetic is enough
  int64_t shape[kMaxRank];
  int64_t strides[2][kMaxRank];
  void* out;
  const void* in;
};

// A copy that turns: along `rows` the input is dense, along `columns` the output is.
struct TurnParams {
  int64_t rows, columns;
  int64_t row_stride;     // of the output
  int64_t column_stride;  // of the input
  int64_t tiles_down, tiles_across;
  int32_t rank;  // of the dimensions outside
  uint32_t reserved;
  int64_t shape[kMaxRank];
  int64_t strides[2][kMaxRank];
  void* out;
  const void* in;
};

inline constexpr int kTile = 32, kTileRows = 8;

template <class I>
TENON_HD inline void pair_offsets(int32_t rank, const int64_t* shape,
                                  const int64_t (*strides)[kMaxRank], int64_t number, int64_t* a,
                                  int64_t* b) {
  I rest = static_cast<I>(number), first = 0, second = 0;
  for (int d = rank - 1; d >= 0; --d) {
    const I extent = static_cast<I>(shape[d]);
    const I above = d == 0 ? 0 : rest / extent;
    const I index = rest - above * extent;
    first += index * static_cast<I>(strides[0][d]);
    second += index * static_cast<I>(strides[1][d]);
    rest = above;
  }
  *a = first;
  *b = second;
}

}  // namespace tenon::cuda

#endif
