// Parameters of gather and scatter.
#ifndef TENON_PLUGINS_CUDA_DEVICE_INDEXING_H
#define TENON_PLUGINS_CUDA_DEVICE_INDEXING_H

#include "device/fault.h"
#include "device/values.h"

namespace tenon::cuda {

// out[i..] = in[i.. with index[i..] along the dimension]
struct GatherParams {
  int64_t count;
  int32_t rank;
  uint32_t reserved;
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

// Offsets of one position in three tensors.
TENON_HD inline void triple_offsets(int32_t rank, const int64_t* shape,
                                    const int64_t (*strides)[kMaxRank], int64_t number,
                                    int64_t* at) {
  at[0] = at[1] = at[2] = 0;
  for (int d = rank - 1; d >= 0; --d) {
    const int64_t above = d == 0 ? 0 : number / shape[d];
    const int64_t index = number - above * shape[d];
    for (int k = 0; k < 3; ++k) at[k] += index * strides[k][d];
    number = above;
  }
}

}  // namespace tenon::cuda

#endif
