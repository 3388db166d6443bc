// Parameters of gather and scatter.
#ifndef TENON_PLUGINS_CUDA_DEVICE_INDEXING_H
#define TENON_PLUGINS_CUDA_DEVICE_INDEXING_H

#include "device/fault.h"
#include "device/ordering.h"
#include "device/values.h"

namespace tenon::cuda {

// out[i..] = in[i.. with index[i..] along the dimension]
struct GatherParams {
  int64_t count;
  int32_t rank;
  uint32_t small;  // 32-bit index arithmetic is enough but for the index itself
  int64_t shape[kMaxRank];
  int64_t strides[3][kMaxRank];  // of out, index, in (0 along the dimension)
  int64_t extent, step;          // of in along the dimension
  void* out;
  const int64_t* index;
  const void* in;
  IndexFault* fault;
  uint64_t tag;
};

// Lines of the source run along the dimension: within a line values meet in one order, between
// lines they never meet.
struct ScatterParams {
  int64_t lines, length;
  int32_t rank;  // over the lines
  uint32_t adds;
  int64_t shape[kMaxRank];
  int64_t strides[3][kMaxRank];  // of out, index, source
  int64_t steps[3];              // along the dimension
  int64_t extent;                // of out along the dimension
  void* out;
  const int64_t* index;
  const void* source;
  IndexFault* fault;
  uint64_t tag;
  int64_t* winners;  // [lines][extent], where a line is shared by many threads
};

// ADD by sorting: each line's values, or those of all lines at once where one index serves all, are
// sorted by where they go; whoever finds the first of a run adds up the run.
struct ScatterRunParams {
  ScatterParams scatter;
  SortItem* items;          // [sorted_lines][length], by place and position
  int64_t sorted_lines;     // 1: one index for all lines
  int64_t columns, chunks;  // lines, or vectors of them, that a sorted line serves; blocks of them
};

// Offsets of one position in three tensors.
template <class I = int64_t>
TENON_HD inline void triple_offsets(int32_t rank, const int64_t* shape,
                                    const int64_t (*strides)[kMaxRank], int64_t number,
                                    int64_t* at) {
  I rest = static_cast<I>(number), sums[3] = {0, 0, 0};
  for (int d = rank - 1; d >= 0; --d) {
    const I extent = static_cast<I>(shape[d]);
    const I above = d == 0 ? 0 : rest / extent;
    const I index = rest - above * extent;
    for (int k = 0; k < 3; ++k) sums[k] += index * static_cast<I>(strides[k][d]);
    rest = above;
  }
  for (int k = 0; k < 3; ++k) at[k] = static_cast<int64_t>(sums[k]);
}

}  // namespace tenon::cuda

#endif
