// Copies between layouts, by the size of an element.
#include "device/movement.h"
#include "device/packs.h"
#include "device/simt.h"

namespace tenon::cuda {
namespace {

template <class T>
TENON_DEVICE void copy_strided(const CopyParams& p) {
  const int64_t number = global_thread();
  if (number >= p.count) return;
  int64_t to = 0, from = 0;
  if (p.small != 0) {
    pair_offsets<int32_t>(p.rank, p.shape, p.strides, number, &to, &from);
  } else {
    pair_offsets<int64_t>(p.rank, p.shape, p.strides, number, &to, &from);
  }
  static_cast<T*>(p.out)[to] = static_cast<const T*>(p.in)[from];
}

// A tile goes through shared memory, so that both sides are touched along their dense dimension.
// The extra column keeps the turned reads out of one bank.
template <class T>
TENON_DEVICE void copy_turned(const TurnParams& p) {
  T(*tile)[kTile + 1] = shared_memory<T[kTile + 1]>();
  const int64_t across = block_x() % p.tiles_across;
  const int64_t rest = block_x() / p.tiles_across;
  const int64_t down = rest % p.tiles_down;
  int64_t to = 0, from = 0;
  pair_offsets<int64_t>(p.rank, p.shape, p.strides, rest / p.tiles_down, &to, &from);
  T* out = static_cast<T*>(p.out) + to;
  const T* in = static_cast<const T*>(p.in) + from;
  const int64_t row = down * kTile + thread_x();
  for (int y = thread_y(); y < kTile; y += kTileRows) {
    const int64_t column = across * kTile + y;
    if (row < p.rows && column < p.columns)
      tile[y][thread_x()] = in[column * p.column_stride + row];
  }
  sync_block();
  const int64_t column = across * kTile + thread_x();
  for (int y = thread_y(); y < kTile; y += kTileRows) {
    const int64_t turned = down * kTile + y;
    if (turned < p.rows && column < p.columns) {
      out[turned * p.row_stride + column] = tile[thread_x()][y];
    }
  }
}

}  // namespace

TENON_KERNEL(copy_strided_1, 256, CopyParams, copy_strided<uint8_t>)
TENON_KERNEL(copy_strided_2, 256, CopyParams, copy_strided<uint16_t>)
TENON_KERNEL(copy_strided_4, 256, CopyParams, copy_strided<uint32_t>)
TENON_KERNEL(copy_strided_8, 256, CopyParams, copy_strided<uint64_t>)
TENON_KERNEL(copy_strided_16, 256, CopyParams, copy_strided<Pack<uint32_t, 4>>)
TENON_KERNEL(copy_turned_1, 256, TurnParams, copy_turned<uint8_t>)
TENON_KERNEL(copy_turned_2, 256, TurnParams, copy_turned<uint16_t>)
TENON_KERNEL(copy_turned_4, 256, TurnParams, copy_turned<uint32_t>)
TENON_KERNEL(copy_turned_8, 256, TurnParams, copy_turned<uint64_t>)

}  // namespace tenon::cuda
