// Direct convolution without im2col, one table per instruction set.
//
// The input of one task is copied into a "slab": its padded rows, split by phase where the stride
// is more than 1 (phase (i, j) holds rows i, i + stride, ... and columns j, j + stride, ...). Then
// tap (r, c) of the kernel at grid position (h, w) reads slab[offset(r, c) + h * pitch + w]: with
// the position p = h * pitch + w a whole block of positions is a run of dense memory for every tap,
// and vectors cross the ends of rows. Positions with w >= grid width are computed and dropped.
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_KERNELS_H

#include <cstdint>

namespace tenon::cpu {

// How the grid of output positions reads an input of channels x height x width.
struct SlabPlan {
  int64_t channels, height, width;
  int64_t pad_h, pad_w;    // zeros before the input; negative: rows or columns left out
  int64_t step_h, step_w;  // between neighbours of the grid
  int64_t taps;
  const int32_t* tap_h;  // [taps] offsets in the padded input, >= 0
  const int32_t* tap_w;
  int64_t grid_h, grid_w;
  // Derived by finish_plan.
  int64_t tile_rows;  // rows of the grid that one slab serves
  int64_t phase_h;    // rows of one phase
  int64_t pitch;      // columns of one phase
  int64_t channel_stride;
  int64_t slab_floats;

  [[nodiscard]] int64_t tap_offset(int64_t t) const {
    const int64_t phase = tap_h[t] % step_h * step_w + tap_w[t] % step_w;
    return phase * phase_h * pitch + tap_h[t] / step_h * pitch + tap_w[t] / step_w;
  }
};

// One tile of a convolution: all output channels at `rows` rows of the grid.
struct ForwardTile {
  const SlabPlan* plan;
  const float* slab;
  const int32_t* offsets;  // [taps] in the slab
  const float* weights;    // packed: [block][channel][tap][kChannelBlock]
  const float* bias;       // [outputs] or NULL
  int64_t outputs;
  int64_t rows;
  float* out;           // of grid position (0, 0) of the tile, channel 0
  int64_t out_channel;  // strides in elements
  int64_t out_row;
  int64_t out_column;
};

// One tile of a weight gradient: sums over positions of dy[o, p] slab[c, p + offset].
struct WeightTile {
  const SlabPlan* plan;
  const float* slab;
  const int32_t* offsets;
  const float* dy;  // of the tile's first row, channel 0
  int64_t dy_channel;
  int64_t outputs;
  int64_t rows;
  float* packed_dy;  // scratch
  float* sums;       // added to: [output][channel * tap] or, by channels, [channel * tap][padded]
  int64_t sums_row;
};

struct ConvolutionKernels {
  int64_t channel_block;  // output channels of one packed block of weights
  int64_t lanes;
  // Rows [first_row, + rows) of the grid.
  void (*fill_slab)(const SlabPlan& plan, const float* in, int64_t first_row, int64_t rows,
                    float* slab);
  void (*forward)(const ForwardTile& tile);
  void (*weight_by_pixels)(const WeightTile& tile);
  void (*weight_by_channels)(const WeightTile& tile);
  // y[h, w] and the index of the greatest of each 2 x 2 window; one plane.
  void (*max_pool_2x2)(const float* x, int64_t width, int64_t out_h, int64_t out_w, float* y,
                       int64_t* indices);
};

const ConvolutionKernels& convolution_baseline();
const ConvolutionKernels& convolution_avx2();
const ConvolutionKernels& convolution_avx512();

}  // namespace tenon::cpu

#endif
